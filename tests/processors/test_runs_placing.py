"""processors.runs.placing: a run is sent to one server at a time, and tried again if it is lost."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import debts, runs
from processors.scheduling import Place
from schemas.base import InstanceName, RunId
from schemas.debt import Debt, DebtKind
from schemas.generation import (
    ClaimedEnd,
    CostRate,
    EngineRun,
    Generation,
    RateUnit,
    Retry,
    StatusChange,
)
from schemas.run import RunAt, RunReport, RunStatus
from tests.builders import (
    CHAT,
    NOON,
    RUN,
    TIMING,
    a_debt,
    a_generation,
    a_placed,
    a_report,
    a_run_event,
    a_taker,
    a_waiting,
    an_output,
    heard,
    later,
    owes,
    some_metadata,
    the_debt,
)

TAKER = a_taker(DebtKind.SUBMIT)
CLAIMED = a_debt(runs.SUBMIT, n=3, by="here", next_at=later(75))
SECOND = RunId("run-2")
PARKED = "waits for a server"


def sending(**fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """A run that is on its way to slot `one#1`, its submit claimed."""
    owed = (CLAIMED, a_debt(runs.ASK, next_at=later(60)))
    return a_placed(RunStatus.SUBMITTING, **({"owed": owed} | fields))


def claimed(**fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """A run that waits, its submit claimed."""
    return a_waiting(**({"owed": (CLAIMED,)} | fields))


def placed(generation: Generation, now: float = 1) -> Generation:
    """The record once it is placed at `two#2`."""
    return runs.placed(
        generation,
        Place("two", 2),
        run_id=SECOND,
        client_id="client",
        now=later(now),
        timing=TIMING,
    )


def concluded(generation: Generation, report: RunReport) -> Generation:
    """The record after the engine's answer."""
    return runs.concluded(generation, report, now=later(20), timing=TIMING, taker=TAKER)


def twice(**fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """A run that is at its second server, after the first has lost it."""
    former, current = (
        EngineRun(attempt=n, run_id=run, server=server, submitted_at=NOON)
        for n, (run, server) in enumerate(((RUN, "one"), (SECOND, "two")), 1)
    )
    known: dict[str, Any] = {
        "attempt": 2,
        "slot": "two#1",
        "runs": (former, current),
        "metadata": some_metadata(run_id=SECOND),
    }
    return a_placed(**(known | fields))


def test_a_run_that_is_parked_waits_until_its_time_is_up() -> None:
    """Nobody takes its submit up before."""
    waits = runs.parked(claimed(), CLAIMED, later(1), TIMING)

    submit = the_debt(waits, runs.SUBMIT)
    assert (submit.by, submit.last_error, submit.attempts) == (None, PARKED, 0)
    assert submit.next_at == NOON + TIMING.limit_waiting == waits.due_at


def test_a_run_whose_time_is_up_is_not_parked_into_the_past() -> None:
    """It is looked at again in a second."""
    late = NOON + TIMING.limit_waiting
    waits = runs.parked(claimed(), CLAIMED, late, TIMING)

    assert the_debt(waits, runs.SUBMIT).next_at == late + timedelta(seconds=1)


def test_a_lost_claim_parks_nothing() -> None:
    """Somebody else sends it."""
    other = claimed(owed=(CLAIMED.change(n=4),))

    assert runs.parked(other, CLAIMED, NOON, TIMING) == other


@pytest.mark.parametrize(
    ("submit", "taken"),
    [
        (a_debt(runs.SUBMIT, n=3, next_at=later(3600), last_error=PARKED), True),
        (a_debt(runs.SUBMIT, n=3, next_at=later(10)), True),
        (a_debt(runs.SUBMIT, n=3, by="there", next_at=later(10)), True),
        (a_debt(runs.SUBMIT, n=3, by="there", next_at=later(11)), False),
        (a_debt(runs.SUBMIT, n=3, by="there", next_at=later(11), last_error=PARKED), False),
        (a_debt(runs.SUBMIT, n=3, next_at=later(11), last_error="the storage is away"), False),
    ],
)
def test_only_what_waits_in_line_is_summoned(submit: Debt, *, taken: bool) -> None:
    """What somebody has claimed is theirs until that runs out; what failed waits for its try."""
    waits = a_waiting(owed=(submit,))
    after = runs.summoned(waits, later(10), TAKER)

    assert (after is not waits) is taken
    if taken:
        assert the_debt(after, runs.SUBMIT).by == "here"
        assert the_debt(after, runs.SUBMIT).n == 4
        assert after.due_at == TAKER.until


@pytest.mark.parametrize("record", [sending(owed=(a_debt(runs.SUBMIT),)), a_waiting(owed=())])
def test_what_is_on_its_way_is_not_summoned(record: Generation) -> None:
    """Nor what nobody owes sending."""
    assert runs.summoned(record, later(10), TAKER) is record


def test_a_placed_run_is_named_with_its_slot_before_it_is_sent() -> None:
    """In the write that says so; it is asked about later whatever becomes of its sender."""
    waits = claimed(queue_position=3, expected_start_at=later(60))
    after = placed(waits)

    assert (after.status, after.slot, after.metadata.run_id) == (
        RunStatus.SUBMITTING,
        "two#2",
        SECOND,
    )
    (run,) = after.runs
    assert (run.attempt, run.run_id, run.server, run.client_id, run.submitted_at) == (
        1,
        SECOND,
        "two",
        "client",
        later(1),
    )
    assert (after.queue_position, after.expected_start_at) == (None, None)
    assert owes(after) == ["ask", "submit"]
    assert the_debt(after, runs.ASK).next_at == later(61)
    assert after.history[-1].status is RunStatus.SUBMITTING
    assert runs.located(after, SECOND).server == "two"


@pytest.mark.parametrize(
    "record", [sending(), a_placed(), claimed(metadata=some_metadata(run_id=RUN))]
)
def test_a_run_is_placed_once(record: Generation) -> None:
    """What is under way, or has a run, keeps its place."""
    assert placed(record) is record


def test_what_surely_did_not_arrive_goes_back_into_the_line() -> None:
    """Without its slot, its run, or a try."""
    waits = claimed()
    back = runs.unplaced(placed(waits), CLAIMED, later(2), TIMING)

    assert (back.status, back.slot, back.runs, back.metadata.run_id, back.attempt) == (
        RunStatus.PENDING,
        None,
        (),
        None,
        1,
    )
    assert owes(back) == ["submit"]
    assert the_debt(back, runs.SUBMIT).last_error == PARKED
    assert runs.summoned(back, later(3), TAKER) is not back


def test_what_did_not_arrive_and_is_not_wanted_is_cancelled() -> None:
    """No server ever had it."""
    unwanted = sending(cancel_wanted=True, cancel_wanted_at=NOON)
    after = runs.unplaced(unwanted, CLAIMED, later(2), TIMING)

    assert (after.status, after.ended_by, after.slot) == (RunStatus.CANCELLED, "us", None)
    assert owes(after) == ["notify"]


@pytest.mark.parametrize(
    "record", [sending(owed=(CLAIMED.change(n=4),)), a_placed(owed=(CLAIMED,))]
)
def test_what_another_goes_on_with_is_not_taken_back(record: Generation) -> None:
    """Nor what the server says it has after all."""
    assert runs.unplaced(record, CLAIMED, later(2), TIMING) is record


def taken(generation: Generation, run_id: RunId = RUN) -> Generation:
    """The record once a server has taken a run."""
    return runs.taken(
        generation, run_id, ("steps: too few",), now=later(2), timing=TIMING, taker=TAKER
    )


def test_what_a_server_has_taken_is_queued() -> None:
    """With what it found wrong with the order, and shown."""
    after = taken(sending(queued_at=None))

    assert (after.status, after.queued_at, after.warnings) == (
        RunStatus.QUEUED,
        later(2),
        ("steps: too few",),
    )
    assert owes(after) == ["ask", "show"]
    assert the_debt(after, runs.SHOW).target == str(CHAT)


def test_what_was_heard_before_the_answer_stays() -> None:
    """A fast server tells of a run before it answers to its sending."""
    fast = heard(sending(queued_at=None), a_run_event(RunStatus.RUNNING, progress=0.5))
    after = taken(fast)

    assert (after.status, after.progress, after.started_at) == (RunStatus.RUNNING, 0.5, NOON)
    assert runs.SUBMIT not in owes(after)


def test_an_end_before_the_answer_stays() -> None:
    """The engine has said it; there is nothing to cancel. What it warned of is kept."""
    over = concluded(sending(), a_report())
    after = taken(over)

    assert (after.status, after.ended_by) == (RunStatus.COMPLETED, "engine")
    assert after.warnings == ("steps: too few",)
    assert owes(after) == owes(over)


@pytest.mark.parametrize("by", ["us", "engine"])
def test_what_nobody_waits_for_any_more_is_cancelled_once_it_is_taken(
    by: Literal["us", "engine"],
) -> None:
    """The cancel that came before it was in vain."""
    ending = runs.Ending(status=RunStatus.TIMEOUT, by=by, reason="overdue")
    given_up = runs.ended(sending(), ending, now=later(1))
    over = debts.put(given_up, debts.forget(given_up.owed, [DebtKind.CANCEL]))
    after = taken(over)

    assert the_debt(after, runs.CANCEL).about == RUN
    assert runs.SUBMIT not in owes(after)


def test_what_a_former_run_has_ended_is_cancelled_once_it_is_taken() -> None:
    """The cancel of that end came before its server had it."""
    won = concluded(twice(), a_report(run_id=RUN))
    over = debts.put(won, debts.forget(won.owed, [DebtKind.CANCEL]))

    assert the_debt(taken(over, SECOND), runs.CANCEL).about == SECOND


def test_what_was_taken_for_lost_is_cancelled_once_it_is_taken() -> None:
    """It was on its way all the time."""
    lost = runs.vanished(sending(attempt=3), "lost", later(1), TAKER)

    assert lost.ended_by == "engine"
    assert the_debt(taken(lost), runs.CANCEL).about == RUN


def spurned(generation: Generation) -> Generation:
    """The record after a server did not take its pictures."""
    at = RunAt(RUN, "one")
    return runs.spurned(generation, CLAIMED, at, "answered 500", now=later(2), taker=TAKER)


def test_a_run_whose_pictures_a_server_does_not_take_is_tried_elsewhere() -> None:
    """That counts as a try, though it was never sent; after the last it has failed."""
    after = spurned(claimed(max_attempts=2))

    assert (after.status, after.attempt, after.slot) == (RunStatus.PENDING, 2, None)
    assert [(each.attempt, each.server) for each in after.runs] == [(1, "one")]
    assert after.history[-1].source == "untaken"
    assert runs.SUBMIT in owes(after)
    over = spurned(claimed(attempt=2, max_attempts=2))
    assert (over.status, over.status_reason) == (RunStatus.FAILED, "answered 500")


@pytest.mark.parametrize(
    "record", [claimed(owed=(CLAIMED.change(n=4),)), sending(), placed(claimed())]
)
def test_what_another_sends_meanwhile_stays(record: Generation) -> None:
    """Its claim is lost, or it was sent."""
    assert spurned(record) is record


@pytest.mark.parametrize(
    ("source", "at", "waits"),
    [
        (Retry.FAILED, 0, True),
        (Retry.FAILED, 599, True),
        (Retry.FAILED, 600, False),
        (Retry.LOST, 0, False),
        ("api", 0, False),
    ],
)
def test_a_run_that_failed_waits_for_another_server(source: str, at: float, *, waits: bool) -> None:
    """Not for ever; one whose server was lost takes any."""
    change = StatusChange(status=RunStatus.PENDING, at=NOON, source=source)
    record = a_waiting(history=(change,))

    assert runs.waits_for_another(record, later(at), TIMING) is waits


def test_a_former_run_that_is_taken_late_is_cancelled() -> None:
    """It is tried again already; but no other cancel is forgotten for it."""
    assert the_debt(taken(twice()), runs.CANCEL).about == RUN
    unwanted = twice(owed=(a_debt(runs.CANCEL),))
    assert taken(unwanted) is unwanted


def test_a_sending_that_was_never_answered_is_asked_about() -> None:
    """It is not sent again."""
    after = runs.unanswered(sending(), CLAIMED, later(60))

    assert after.status is RunStatus.SUBMITTING
    assert owes(after) == ["ask"]
    assert the_debt(after, runs.ASK).next_at == later(60)
    other = sending(owed=(CLAIMED.change(n=4),))
    assert runs.unanswered(other, CLAIMED, later(60)) is other


def test_what_a_server_that_is_well_does_not_take_is_tried_again() -> None:
    """That counts as a try; after the last it has failed."""
    after = runs.untaken(sending(), CLAIMED, "answered 500", now=later(2), taker=TAKER)
    assert (after.status, after.attempt, after.slot) == (RunStatus.PENDING, 2, None)
    assert after.history[-1].source == "untaken"
    other = sending(owed=(CLAIMED.change(n=4),))
    assert runs.untaken(other, CLAIMED, "answered 500", now=later(2), taker=TAKER) is other

    last = sending(attempt=3)
    over = runs.untaken(last, CLAIMED, "answered 500", now=later(2), taker=TAKER)
    assert (over.status, over.status_reason) == (RunStatus.FAILED, "answered 500")


@pytest.mark.parametrize(
    ("known", "place", "news"),
    [
        (None, 1, True),
        (1, 1, False),
        (2, 1, True),
        (100, 91, False),
        (100, 90, True),
        (1, 2, True),
    ],
)
def test_a_place_in_the_line_is_news_where_it_moves(
    known: int | None, place: int, *, news: bool
) -> None:
    """At its head each step is; further back a tenth of the way."""
    waits = a_waiting(queue_position=known)

    assert runs.line_news(waits, place, None) is news
    assert not runs.line_news(a_placed(queue_position=known), place, None)


@pytest.mark.parametrize(
    ("known", "at", "news"),
    [
        (None, 60, True),
        (60, None, True),
        (60, 69, False),
        (60, 70, True),
        (60, 50, True),
        (1000, 1099, False),
        (1000, 1100, True),
    ],
)
def test_an_expected_start_is_news_where_it_moves(
    known: float | None, at: float | None, *, news: bool
) -> None:
    """By ten seconds, and a tenth of the whole wait."""
    waits = a_waiting(queue_position=1, expected_start_at=None if known is None else later(known))

    assert runs.line_news(waits, 1, None if at is None else later(at)) is news


def test_what_waits_is_told_its_place() -> None:
    """And shown it; what is under way has none."""
    waits = a_waiting()
    told = runs.lined_up(waits, 3, later(60), later(1), a_taker())

    assert (told.queue_position, told.expected_start_at) == (3, later(60))
    assert owes(told) == ["show", "submit"]
    assert runs.lined_up(told, 3, later(61), later(2), a_taker()) is told
    assert runs.lined_up(a_placed(), 3, None, NOON, a_taker()).queue_position is None


@pytest.mark.parametrize(
    ("record", "now", "still"),
    [
        (sending(), 59, True),
        (sending(), 74, True),
        (sending(), 75, False),
        (sending(owed=()), 59, True),
        (sending(owed=()), 60, False),
        (sending(owed=(CLAIMED.change(by=None),)), 60, False),
        (sending(runs=()), 1, False),
        (a_placed(), 1, False),
    ],
)
def test_a_run_may_be_on_its_way_as_long_as_its_post_may_take(
    record: Generation, now: float, *, still: bool
) -> None:
    """Its claim, and the limit of the post, are waited for."""
    assert runs.sending(record, later(now), TIMING) is still


def test_a_run_that_is_lost_is_tried_again_from_nothing() -> None:
    """As a new attempt, above all that was heard of the one before."""
    lost = heard(
        a_placed(queued_at=NOON, version=7, owed=(a_debt(runs.ASK), a_debt(runs.CANCEL))),
        a_run_event(progress=0.7, live_status="Executing", outputs=(an_output(at=NOON),)),
        a_run_event(RunStatus.COMPLETED),
    )
    again = runs.vanished(lost, "lost", later(20), TAKER)

    assert (again.attempt, again.status, again.slot, again.metadata.run_id) == (
        2,
        RunStatus.PENDING,
        None,
        None,
    )
    assert (again.progress, again.live_status, again.queued_at, again.started_at) == (
        0.0,
        None,
        None,
        None,
    )
    assert (again.claimed_end, again.heard) == (None, ())
    assert [each.run_id for each in again.runs] == [RUN]
    assert (again.history[-1].status, again.history[-1].source) == (RunStatus.PENDING, "lost")
    assert owes(again) == ["show", "submit"]
    assert the_debt(again, runs.SUBMIT).by == "here"


@given(n=st.integers(1, 9))
def test_a_claim_of_a_former_attempt_holds_nothing_of_the_next(n: int) -> None:
    """Whoever slept through the first sending must not take the second one back."""
    stale = CLAIMED.change(n=n)
    first = sending(version=9, owed=(stale,))
    again = runs.retried(taken(first), later(20), a_taker())

    assert not debts.held(again.owed, runs.SUBMIT, n)
    assert runs.parked(again, stale, later(21), TIMING) == again
    second = placed(again, now=21)
    assert runs.unplaced(second, stale, later(22), TIMING) is second


@pytest.mark.parametrize(
    ("record", "end"),
    [
        (a_placed(attempt=3), (RunStatus.FAILED, "engine", "lost")),
        (a_placed(cancel_wanted=True), (RunStatus.CANCELLED, "engine", None)),
        (a_placed(RunStatus.TIMEOUT, ended_by="us"), (RunStatus.TIMEOUT, "engine", None)),
        (a_placed(RunStatus.CANCELLED, ended_by="us"), (RunStatus.CANCELLED, "engine", None)),
        (
            a_placed(RunStatus.COMPLETED, ended_by="us", owed=(a_debt(runs.ASK),)),
            (RunStatus.COMPLETED, "us", None),
        ),
    ],
)
def test_what_is_not_tried_again_has_ended(
    record: Generation, end: tuple[RunStatus, str, str | None]
) -> None:
    """After its last try, or where nobody wants it any more: its server has told all there is."""
    after = runs.vanished(record, "lost", later(20), TAKER)

    assert (after.status, after.ended_by, after.status_reason) == end
    assert not runs.may_retry(after)
    assert "ask" not in owes(after)


def test_an_end_of_ours_of_a_run_at_no_server_stays_as_it_is() -> None:
    """Another engine may still know better."""
    record = a_generation(status=RunStatus.TIMEOUT, ended_by="us", owed=(a_debt(runs.ASK),))

    assert runs.vanished(record, "lost", later(20), TAKER) is record


@pytest.mark.parametrize(
    ("record", "may"),
    [
        (a_placed(), True),
        (a_placed(attempt=2), True),
        (a_placed(attempt=3), False),
        (a_placed(max_attempts=1), False),
        (a_placed(cancel_wanted=True), False),
        (a_placed(RunStatus.FAILED), False),
        (a_waiting(), False),
        (a_placed(runs=(EngineRun(attempt=1, run_id=RUN, submitted_at=NOON),)), True),
    ],
)
def test_what_an_engine_has_had_is_tried_again(record: Generation, *, may: bool) -> None:
    """As often as it may be, and while somebody wants it."""
    assert runs.may_retry(record) is may


def test_a_failure_that_may_pass_is_tried_again() -> None:
    """Out of memory at one server is no fault of the order; after the last try it is told."""
    failure = a_report(RunStatus.FAILED, error="out of memory", passing=True)

    assert concluded(a_placed(), failure).attempt == 2
    last = concluded(a_placed(attempt=3), failure)
    assert (last.status, last.status_reason, last.ended_by) == (
        RunStatus.FAILED,
        "out of memory",
        "engine",
    )
    other = concluded(a_placed(), failure.change(passing=False))
    assert (other.status, other.attempt) == (RunStatus.FAILED, 1)


def test_a_run_that_goes_on_is_joined() -> None:
    """As with any other engine."""
    after = concluded(a_placed(), a_report(RunStatus.RUNNING))

    assert (after.status, after.slot) == (RunStatus.RUNNING, "one#1")


def test_a_former_run_that_was_done_after_all_wins() -> None:
    """The one that serves now is cancelled, and its slot is free."""
    after = concluded(twice(), a_report(outputs=(an_output(),)))

    assert (after.status, after.ended_by, after.slot) == (RunStatus.COMPLETED, "engine", None)
    assert the_debt(after, runs.CANCEL).about == SECOND


def test_the_cost_of_a_run_that_was_given_up_for_a_former_one_is_noted() -> None:
    """The former's is the generation's, and is counted once."""
    first, second = twice().runs
    rate = CostRate(amount=Decimal("0.001"), unit=RateUnit.SECOND)
    known = twice(
        runs=(first.change(duration_seconds=9.0, cost_usd=Decimal("0.009")), second),
        metadata=some_metadata(run_id=SECOND, cost_rate=rate),
        started_at=later(15),
    )
    after = concluded(known, a_report())

    assert [each.cost_usd for each in after.runs] == [None, Decimal("0.005")]
    assert after.cost_usd is not None


def test_a_former_run_that_is_done_before_the_next_is_sent_wins() -> None:
    """There is nothing to cancel, nor to send."""
    waits = runs.retried(a_placed(), later(10), a_taker())
    after = concluded(waits, a_report())

    assert (after.status, owes(after)) == (RunStatus.COMPLETED, ["notify"])


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.RUNNING])
def test_any_other_end_of_a_former_run_is_none(status: RunStatus) -> None:
    """What was heard of it is dropped."""
    claim = ClaimedEnd(status=RunStatus.COMPLETED, at=NOON, run_id=RUN)
    known = twice(claimed_end=claim, owed=(a_debt(runs.END),))
    after = concluded(known, a_report(status, passing=True))

    assert (after.status, after.claimed_end, after.owed) == (RunStatus.QUEUED, None, ())


def test_a_former_run_says_nothing_of_what_has_ended() -> None:
    """The first word of the engine stands."""
    over = concluded(twice(), a_report(RunStatus.FAILED, run_id=SECOND))

    assert concluded(over, a_report()).status is RunStatus.FAILED


def test_the_run_of_a_former_attempt_serves_no_other() -> None:
    """Its server's answer may come when it is tried again already."""
    waits = runs.retried(a_placed(), later(10), TAKER)

    assert runs.submitted(waits, RUN, later(11), TIMING) is waits


@given(
    st.lists(
        st.sampled_from(["place", "unplace", "take", "lose", "cancel", "succeed", "fail", "sweep"]),
        max_size=20,
    )
)
def test_whatever_happens_a_slot_goes_with_a_run(steps: list[str]) -> None:
    """A record has a slot exactly while it has a run under way; never more runs than tries."""
    record, here = a_waiting(), InstanceName("here")
    for number, step in enumerate(steps):
        record = _stepped(record, step, number, here).change(version=record.version + 1)
        under_way = record.metadata.run_id is not None and not record.ended
        assert (record.slot is not None) == under_way
        assert len(record.runs) <= record.attempt <= record.max_attempts
        if record.status is RunStatus.PENDING:
            assert runs.SUBMIT in owes(record)


def _stepped(record: Generation, step: str, number: int, here: InstanceName) -> Generation:
    """The record after something happened to it."""
    now, run_id = later(number), RunId(f"run-{number}")
    taker = a_taker(DebtKind.SUBMIT, by=here, until=now + TIMING.lease)
    debt = debts.find(record.owed, runs.SUBMIT) or CLAIMED
    current = record.metadata.run_id
    if step == "cancel":
        return runs.cancel_wanted(record, now, taker)
    if step == "sweep":
        return runs.summoned(record, now + TIMING.lease, taker)
    if step == "place":
        place = Place("one", 1)
        return runs.placed(record, place, run_id=run_id, client_id="me", now=now, timing=TIMING)
    if current is None:
        return record
    status = RunStatus.COMPLETED if step == "succeed" else RunStatus.FAILED
    report = a_report(status, run_id=current, passing=True)
    become: dict[str, Callable[[], Generation]] = {
        "unplace": lambda: runs.unplaced(record, debt, now, TIMING),
        "take": lambda: runs.taken(record, current, (), now=now, timing=TIMING, taker=taker),
        "lose": lambda: runs.vanished(record, "lost", now, taker),
    }
    told = partial(runs.concluded, record, report, now=now, timing=TIMING, taker=taker)
    return become.get(step, told)()


def test_a_run_that_was_at_no_server_of_ours_is_lost_by_our_word() -> None:
    """Its engine may find it again."""
    after = runs.vanished(a_generation(), "lost", later(20), TAKER)

    assert (after.status, after.ended_by) == (RunStatus.FAILED, "us")
