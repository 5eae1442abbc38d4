"""Every change of status in the log, and a show for people."""

import json
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import structlog

from app.observability import journal, logs
from app.observability.journal import MAX_REASON
from app.observability.metrics import Metrics
from app.observability.terminal import Terminal
from schemas.job import JobStatus, Outcome
from schemas.run import RunStatus
from tests.app.observability.lifetimes import ID, PICTURE, a_generation, completed, live, running
from tests.app.observability.test_metrics import figure
from tests.builders import JOB, USER, a_job, a_step


def logged(stream: StringIO) -> list[dict[str, Any]]:
    """Return what was logged as JSON, without the times."""
    entries = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [{key: entry[key] for key in entry if key != "timestamp"} for entry in entries]


def test_ends_are_counted() -> None:
    """Each once, however often its record is written after."""
    metrics = Metrics()
    book = journal.show(
        logs.configure("info", "json", StringIO()), "json", live=True, metrics=metrics
    )
    live(book, a_generation(), running(0.5), completed(), completed())

    ended = {"engine": "comfydeploy", "status": "completed"}
    assert figure(metrics, "runs_ended_total", **ended) == 1


def test_a_change_of_status_is_one_line() -> None:
    """The log has one line for each change of status, and none for progress."""
    stream = StringIO()
    book = journal.show(logs.configure("info", "json", stream), "json", live=True)
    live(book, a_generation(), running(0.1), running(0.5), completed())

    asked, ran, ended = logged(stream)
    assert (asked["was"], asked["status"]) == (None, "pending")
    assert (ran["was"], ran["status"]) == ("pending", "running")
    assert ended == {
        "event": "generation",
        "level": "info",
        "generation": ID,
        "run": "run-1",
        "engine": "comfydeploy",
        "was": "running",
        "status": "completed",
        "reason": None,
        "by": "engine",
        "seconds": 3.21,
        "cost_usd": "0.001082",
        "outputs": 1,
    }


def test_a_long_reason_is_cut() -> None:
    """An engine's traceback does not fill the log; an unknown cost is not a free one."""
    stream = StringIO()
    book = journal.show(logs.configure("info", "json", stream), "json", live=True)
    failed = {"status": RunStatus.FAILED, "status_reason": "x" * 5000, "cost_usd": None}
    live(book, a_generation(), failed)

    assert len(logged(stream)[1]["reason"]) == MAX_REASON
    assert logged(stream)[1]["cost_usd"] is None


def test_telling_an_end_is_one_line() -> None:
    """A sent message is logged; edits of a status message only where all is."""
    stream = StringIO()
    book = journal.show(logs.configure("info", "json", stream), "json", live=True)
    book.told(a_generation(), "status")
    book.told(a_generation(**completed()), "end")

    (line,) = logged(stream)
    assert line == {
        "event": "told",
        "level": "info",
        "generation": ID,
        "run": "run-1",
        "what": "end",
        "status": "completed",
        "chat": 4711,
    }


def test_nothing_is_logged_below_the_level() -> None:
    """At `warning` lives leave no trace in the log."""
    stream = StringIO()
    book = journal.show(logs.configure("warning", "json", stream), "json", live=False)
    book.told(live(book, a_generation(), running(0.1), completed()), "end")

    assert stream.getvalue() == ""


def test_people_see_lives_instead_of_lines() -> None:
    """In the sandbox's console the life is shown, and not said a second time."""
    stream = StringIO()
    book = journal.show(logs.configure("info", "console", stream), "console", live=False)
    last = live(book, a_generation(), running(0.5), running(0.9), completed())
    book.told(last, "status")
    book.told(last, "end")

    written = stream.getvalue().splitlines()
    assert PICTURE in written[-2]
    assert "the message is sent" in written[-1]
    assert not [line for line in written if "info" in line]


@pytest.mark.parametrize(
    ("fmt", "live_mode", "watched", "seen"),
    [
        ("console", False, False, True),
        ("console", True, False, False),
        ("console", True, True, True),
        ("json", False, True, False),
    ],
)
def test_who_sees_lives(fmt: str, live_mode: bool, watched: bool, seen: bool) -> None:  # noqa: FBT001 - a table's columns
    """Lives are shown in the sandbox and on terminals, never to machines."""
    stream = StringIO()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    book = journal.show(Terminal(stream, watched=watched), fmt, live=live_mode)
    book.changed(None, a_generation())

    assert ("asked for" in stream.getvalue()) is seen


def test_log_lines_go_above_the_bars() -> None:
    """A log line and a bar do not tear each other: they share one terminal."""
    stream = StringIO()
    terminal = logs.configure("info", "console", stream)
    terminal.watched = True
    book = journal.show(terminal, "console", live=True)
    live(book, a_generation(), running(0.5))
    structlog.get_logger().warning("something else")

    above, below = stream.getvalue().rpartition("\x1b[J")[2].splitlines()
    assert "something else" in above
    assert " 50 %" in below


def test_a_job_is_one_line_for_each_change_of_status() -> None:
    """With who pays, for what, and how much once that is known."""
    stream = StringIO()
    book = journal.show(logs.configure("info", "json", stream), "json", live=True)
    before = a_job()
    paid = Outcome(status=RunStatus.COMPLETED, price=Decimal("2.50"))
    after = before.change(status=JobStatus.COMPLETED, steps=(a_step(outcome=paid),))
    book.ordered(None, before)
    book.ordered(before, before.change(cancel_wanted=True))
    book.ordered(before, after)

    ordered, ended = logged(stream)
    assert ordered == {
        "event": "job",
        "level": "info",
        "job": JOB,
        "was": None,
        "status": "active",
        "user": USER,
        "presets": ["l4_t2i"],
        "price": None,
    }
    assert (ended["was"], ended["status"], ended["price"]) == ("active", "completed", "2.50")
