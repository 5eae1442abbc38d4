"""What somebody sees who watches."""

from datetime import timedelta
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any

import pytest
from pydantic import JsonValue

from app.observability.lives import MOST_BARS, MOST_RUNS, Lives
from app.observability.terminal import Terminal
from schemas.base import GenerationId, newer
from schemas.generation import Metadata, Request, Response, StatusChange
from schemas.run import OutputKind, RunStatus
from tests.app.observability.lifetimes import (
    ID,
    NOON,
    PICTURE,
    a_generation,
    an_output,
    completed,
    live,
    running,
)


class Narrow(Terminal):
    """A screen of a width of our choice."""

    width = 100

    def columns(self) -> int:
        """Return the width."""
        return self.width


AT = f"comfydeploy {ID}"


def shown(*changes: dict[str, Any], **fields: Any) -> list[str]:  # noqa: ANN401 - of the record
    """Return the lines that a pipe gets of one life."""
    stream = StringIO()
    live(Lives(Terminal(stream)), a_generation(**fields), *changes)
    return stream.getvalue().splitlines()


def test_a_life_is_a_few_lines() -> None:
    """Asked for, queued, started, running by quarters, completed, where the picture is, told."""
    stream = StringIO()
    lives = Lives(Terminal(stream))
    steps = [
        {"status": RunStatus.SUBMITTING},
        {"status": RunStatus.QUEUED},
        {"status": RunStatus.STARTED},
        *(running(tenth / 10) for tenth in range(11)),
        {"status": RunStatus.UPLOADING},
        completed(),
    ]
    lives.told(live(lives, a_generation(), *steps))

    assert stream.getvalue().splitlines() == [
        f'    0.0 s  00abcd  ○ asked for  "a lighthouse"  comfydeploy {ID}',
        "    1.0 s  00abcd  ◔ queued     comfydeploy has it, as run run-1",
        "    1.5 s  00abcd  ◑ started    a machine has it",
        "    2.0 s  00abcd  ▶ running    Executing KSampler",
        "    3.5 s  00abcd  ▶ running    ━━━━━━━─────────────────  30 %",
        "    4.5 s  00abcd  ▶ running    ━━━━━━━━━━━━────────────  50 %",
        "    6.0 s  00abcd  ▶ running    ━━━━━━━━━━━━━━━━━━━─────  80 %",
        "    8.0 s  00abcd  ✔ completed  in 3.2 s, cost 0.001082 USD",
        f"    8.0 s  00abcd  ▣ picture    {PICTURE}",
        "    8.0 s  00abcd  ✉ told       the message is sent to chat 4711",
    ]


def test_a_step_waits_and_has_its_turn() -> None:
    """It is nobody's fault that it is not sent yet."""
    turn = {"status": RunStatus.PENDING}

    assert shown(turn, status=RunStatus.WAITING, step=2, steps=3) == [
        f'    0.0 s  00abcd  ◔ waiting    step 2 of 3, for those before it  "a lighthouse"  {AT}',
        "    0.5 s  00abcd  · pending    step 2 of 3 has its turn",
    ]


@pytest.mark.parametrize(
    ("end", "line"),
    [
        (
            {"status": RunStatus.FAILED, "status_reason": "no such model", "ended_by": "engine"},
            "✘ failed     no such model",
        ),
        ({"status": RunStatus.TIMEOUT, "ended_by": "us"}, "✘ timeout"),
        ({"status": RunStatus.CANCELLED, "ended_by": "us"}, "■ cancelled"),
        (completed(duration_seconds=None, cost_usd=None), "✔ completed"),
        (completed(cost_usd=None, cost_reason="no rate"), "in 3.2 s, cost unknown (no rate)"),
        (completed(confirmed=False), "not confirmed by the engine"),
    ],
)
def test_an_end_says_why(end: dict[str, Any], line: str) -> None:
    """Each end has its sign, and the reason where there is one."""
    assert line in "\n".join(shown(end))


def test_what_was_not_sent_is_said() -> None:
    """A submit that surely did not arrive is shown as waiting again."""
    lines = shown({"status": RunStatus.SUBMITTING}, {"status": RunStatus.PENDING})

    assert "could not be sent, and will be sent again" in lines[-1]


def test_the_line_is_shown_where_it_is_news() -> None:
    """To whoever joins it and whoever is next; not each step of everybody."""
    first = {"queue_position": 3, "expected_start_at": NOON + timedelta(seconds=120)}
    after = {"expected_start_at": None}
    lines = shown(first, *(after | {"queue_position": place} for place in (2, 1, 1)))

    assert [line[19:] for line in lines[1:]] == [
        "◔ waiting    place 3 in the queue, about 2 min",
        "◔ waiting    place 1 in the queue",
    ]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("lost", "was lost by its server"),
        ("gone", "was at a server that is gone"),
        ("untaken", "was not taken by its server"),
        ("failed", "failed as another try may not"),
        ("outputs_gone", "made what was gone before it was copied"),
        ("newer", "did not come through"),
    ],
)
def test_another_try_is_shown_with_why(source: str, why: str) -> None:
    """And where the run is then."""
    again = StatusChange(status=RunStatus.PENDING, at=NOON, source=source)
    lines = shown(
        {"status": RunStatus.RUNNING},
        {"status": RunStatus.PENDING, "attempt": 2, "history": (again,)},
        {"status": RunStatus.QUEUED, "slot": "b#1"},
        max_attempts=3,
    )

    assert lines[2].endswith(f"pending    {why}, and is tried again: attempt 2 of 3")
    assert lines[3].endswith("queued     comfydeploy has it at b#1, as run run-1")


def test_a_cancel_is_shown_when_it_is_asked_for() -> None:
    """Wanting a generation cancelled is a line of its own, once."""
    lines = shown({"cancel_wanted": True}, {"cancel_wanted": True})

    assert [line for line in lines if "cancelling" in line] == [lines[1]]


def test_a_status_without_words_of_its_own_is_shown() -> None:
    """What has no words of its own has those of the engine."""
    lines = shown(status=newer(RunStatus, "warming"))
    later = shown({"status": newer(RunStatus, "warming"), "live_status": "its turn will come"})

    assert len(lines) == 1
    assert "its turn will come" in later[-1]


def test_without_a_prompt_the_id_is_enough() -> None:
    """A request that has no prompt shows the engine and the id; a long one is cut."""
    bare = Request(deployment_id="d")
    long = Request(deployment_id="d", inputs={"prompt": "x" * 100})

    assert shown(request_payload=bare)[0].endswith(f"asked for  comfydeploy {ID}")
    assert f'"{"x" * 59}…"' in shown(request_payload=long)[0]


def test_a_workflow_s_prompt_is_shown() -> None:
    """By the field that it goes to."""
    inputs: dict[str, JsonValue] = {"7/text": "ugly", "6/text": "a lighthouse"}
    request = Request(workflow="0" * 64, inputs=inputs, prompt_input="6/text")

    assert 'asked for  "a lighthouse"  ' in shown(request_payload=request)[0]


def test_many_outputs_are_counted() -> None:
    """Of many outputs a few are shown, texts as texts, and the rest is a number."""
    outputs = (
        an_output(kind=OutputKind.TEXT, url=None, text="a poem"),
        an_output(kind=OutputKind.TEXT, url=None),
        *(an_output(kind=OutputKind.VIDEO) for _ in range(8)),
    )
    lines = shown(completed(response_payload=Response(outputs=outputs)))

    assert lines[2].endswith('text       "a poem"')
    assert lines[-1].endswith("and 6 more")
    assert len(lines) == 7


def test_the_signature_of_an_address_is_left_out() -> None:
    """A presigned address is a key to the file: it is shown without its query."""
    signed = an_output(url="https://b.s3.amazonaws.com/x.png?X-Amz-Signature=abc")
    lines = shown(completed(response_payload=Response(outputs=(signed,))))

    assert lines[-1].endswith("https://b.s3.amazonaws.com/x.png?...")


def test_a_file_within_its_address_is_left_out() -> None:
    """It may be a quarter of a megabyte."""
    within = an_output(url="data:image/png;base64,AAAA")
    lines = shown(completed(response_payload=Response(outputs=(within,))))

    assert lines[-1].endswith("data:image/png;base64,...")


def test_nobody_to_tell_is_no_chat() -> None:
    """A message to nobody's chat names none."""
    stream = StringIO()
    Lives(Terminal(stream)).told(a_generation(metadata=Metadata()))

    assert stream.getvalue().rstrip().endswith("the message is sent")


def test_a_prompt_cannot_move_the_cursor() -> None:
    """A stranger's prompt stays on its line, without escapes."""
    (line,) = shown(request_payload=Request(deployment_id="d", inputs={"prompt": "a\n\x1b[2Jb"}))

    assert "\x1b" not in line


def test_ascii_has_signs_too() -> None:
    """Where only ASCII can be written, bars and signs are made of it."""
    raw = BytesIO()
    terminal = Terminal(TextIOWrapper(raw, encoding="ascii"))
    live(Lives(terminal), a_generation(status=RunStatus.QUEUED), running(0.5), completed())

    assert b"> running    ############............  50 %" in raw.getvalue()
    assert b"?" not in raw.getvalue()


def test_a_bar_grows_in_place() -> None:
    """On a terminal a run is one line at the bottom, wiped for the next and at the end."""
    stream = StringIO()
    lives = Lives(Terminal(stream, watched=True))
    live(lives, a_generation(), running(0.5), running(0.75), completed())
    written = stream.getvalue()

    assert written.count("\x1b[1F\x1b[J") == 2
    assert " 50 %" in written
    assert " 75 %" in written
    assert "Executing KSampler" in written
    assert written.rstrip().endswith(PICTURE)


def test_the_same_state_is_drawn_once() -> None:
    """Progress that shows in no percent and no word writes nothing."""
    stream = StringIO()
    lives = Lives(Terminal(stream, watched=True))
    last = live(lives, a_generation(), running(0.501))
    before = len(stream.getvalue())
    live(lives, last, running(0.502), before=False)

    assert len(stream.getvalue()) == before


def test_more_runs_than_bars_are_counted() -> None:
    """At most a few bars stand at the bottom, and a number for the rest."""
    stream = StringIO()
    lives = Lives(Terminal(stream, watched=True))
    for number in range(MOST_BARS + 2):
        live(lives, a_generation(id=GenerationId(f"{number:032x}")), running(0.5))
    last = stream.getvalue().rpartition("\x1b[J")[2].splitlines()

    assert len(last) == MOST_BARS + 1
    assert "and 2 more" in last[-1]


def test_each_run_has_a_colour_of_its_own() -> None:
    """Two ids that differ are told apart by colour and letters."""
    stream = StringIO()
    lives = Lives(Terminal(stream, watched=True))
    lives.changed(None, a_generation(id=GenerationId("0" * 31 + "1")))
    lives.changed(None, a_generation(id=GenerationId("0" * 31 + "2")))

    assert "\x1b[35m000001" in stream.getvalue()
    assert "\x1b[33m000002" in stream.getvalue()


def test_runs_that_end_elsewhere_are_forgotten() -> None:
    """What another process ends does not stay in memory for ever."""
    stream = StringIO()
    lives = Lives(Terminal(stream))
    first = live(lives, a_generation(), running(0.3))
    for number in range(MOST_RUNS):
        lives.changed(None, a_generation(id=GenerationId(f"{number:032x}"), **running(0.5)))
    live(lives, first, running(0.31), before=False)

    assert stream.getvalue().splitlines()[-1].startswith("    1.0 s  00abcd  ▶ running")


@pytest.mark.parametrize(("width", "bars"), [(200, True), (64, True), (52, True), (45, False)])
def test_a_bar_never_runs_over(width: int, bars: bool) -> None:  # noqa: FBT001 - a table's column
    """However narrow the screen, a line that stays fits into it; on the narrowest there is none."""
    stream = StringIO()
    terminal = Narrow(stream, watched=True)
    terminal.coloured, terminal.width = False, width
    live(Lives(terminal), a_generation(), running(0.5, "Executing " + "x" * 300))
    (_, *drawn) = stream.getvalue().splitlines()

    assert bool(drawn) is bars
    assert all(len(line) < width for line in drawn)
