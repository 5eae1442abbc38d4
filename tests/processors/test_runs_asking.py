"""processors.runs.asking: what becomes of a record when we speak to its engine."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors import debts, runs
from processors.runs import Ending, asking
from schemas.base import RunId
from schemas.debt import DebtKind
from schemas.generation import CHANGES_KEPT, Generation
from schemas.run import OPEN, TERMINAL, RunStatus
from schemas.timing import Timing
from tests import strategies
from tests.builders import (
    NOON,
    RUN,
    TIMING,
    a_debt,
    a_generation,
    a_report,
    a_run_event,
    a_taker,
    an_order,
    an_output,
    heard,
    later,
    owes,
    some_metadata,
    the_debt,
)

GOING = sorted(OPEN - {RunStatus.WAITING, RunStatus.PENDING, RunStatus.SUBMITTING})


def ended_by_us(**fields: object) -> Generation:
    """A generation whose run `RUN` we gave up at noon."""
    ending = Ending(status=RunStatus.TIMEOUT, by="us", reason="overdue")
    return runs.ended(a_generation(RunStatus.RUNNING, **fields), ending, now=NOON)


# --- submit


def test_a_generation_is_submitting_while_the_post_is_under_way() -> None:
    """Whoever finds it so knows that the engine may have it."""
    after = runs.submitting(an_order(), later(1))

    assert after.status is RunStatus.SUBMITTING
    assert after.history[-1].source == "submit"


def test_a_post_that_did_not_arrive_can_be_sent_again() -> None:
    """The one step down there is: the engine surely never had it."""
    sending = runs.submitting(an_order(), NOON)
    after = runs.unsent(sending, later(1))

    assert after.status is RunStatus.PENDING
    assert [each.status for each in after.history] == [RunStatus.SUBMITTING, RunStatus.PENDING]
    assert owes(after) == [runs.SUBMIT]


def test_a_post_that_did_not_arrive_is_not_repeated_for_a_cancelled_order() -> None:
    """What was wanted cancelled meanwhile is cancelled at once: the engine never had it."""
    wanted = runs.cancel_wanted(runs.submitting(an_order(), NOON), later(1))
    after = runs.unsent(wanted, later(2))

    assert (after.status, after.ended_by) == (RunStatus.CANCELLED, "us")
    assert (after.cost_usd, owes(after)) == (0, [runs.NOTIFY])


def test_a_run_that_is_known_was_sent() -> None:
    """Nothing but a POST under way can be found not to have arrived."""
    for status in sorted(set(RunStatus) - {RunStatus.SUBMITTING}):
        record = a_generation(status)
        assert runs.unsent(record, NOON) is record


def test_many_failed_posts_leave_a_short_history() -> None:
    """A record keeps its last 20 changes."""
    record = an_order()
    for second in range(20):
        record = runs.unsent(runs.submitting(record, later(second)), later(second))

    assert len(record.history) == CHANGES_KEPT
    assert record.history[-1].at == later(19)


def test_the_answer_to_a_submit_names_the_run() -> None:
    """It is queued, its submit is done, and it is asked about after a minute of silence."""
    sending = runs.submitting(an_order(), NOON)
    taker = a_taker(DebtKind.SHOW)
    after = runs.submitted(sending, RUN, later(2), TIMING, taker)

    assert (after.status, after.metadata.run_id, after.queued_at) == (
        RunStatus.QUEUED,
        RUN,
        later(2),
    )
    (run,) = after.runs
    assert (run.attempt, run.run_id, run.submitted_at) == (1, RUN, later(2))
    assert owes(after) == [runs.ASK, runs.SHOW]
    assert the_debt(after, runs.ASK).next_at == later(62)
    assert the_debt(after, runs.SHOW).by == taker.by
    assert runs.submitted(after, RunId("run-2"), later(3), TIMING) is after


def test_a_run_that_outran_its_submits_answer_is_looked_into_soon() -> None:
    """What it said was dropped: it may have been the end."""
    sending = runs.submitting(an_order(), NOON)
    outran = heard(sending, a_run_event(RunStatus.COMPLETED, received_at=later(2)), now=later(2))
    after = runs.submitted(outran, RUN, later(2), TIMING)

    ask = the_debt(after, runs.ASK)
    assert (ask.about, ask.next_at) == (None, later(3))


def test_the_answer_to_a_cancelled_submit_cancels_that_run() -> None:
    """The end stands; the run that was made all the same is cancelled, and asked about."""
    sending = runs.submitting(an_order(), NOON)
    ending = Ending(status=RunStatus.CANCELLED, by="us")
    over = runs.ended(sending, ending, now=later(1))
    taker = a_taker(DebtKind.CANCEL)
    after = runs.submitted(over, RUN, later(2), TIMING, taker)

    assert (after.status, after.metadata.run_id) == (RunStatus.CANCELLED, RUN)
    cancel = the_debt(after, runs.CANCEL)
    assert (cancel.about, cancel.by) == (RUN, taker.by)
    assert the_debt(after, runs.ASK).next_at == later(2) + TIMING.ask_most
    assert runs.SHOW not in owes(after)


def test_a_success_told_of_a_cancelled_submit_replaces_the_cancel() -> None:
    """An end of ours is provisional, also one said before the run had a name."""
    over = runs.cancel_wanted(an_order(), NOON)
    named = runs.submitted(over, RUN, later(2), TIMING)
    after = runs.reported(named, a_report(), now=later(20), timing=TIMING)

    assert (after.status, after.ended_by) == (RunStatus.COMPLETED, "engine")
    assert the_debt(after, runs.NOTIFY).about == "completed/engine"


# --- what the engine answers


@pytest.mark.parametrize("status", GOING)
def test_an_answer_joins_what_goes_on(status: RunStatus) -> None:
    """Status and progress climb; the clock that costs money starts by arrival."""
    report = a_report(
        status, progress=0.4, live_status="Executing KSampler", queue_position=3, started_at=NOON
    )
    after = runs.reported(a_generation(), report, now=later(5), timing=TIMING)

    executing = status in {RunStatus.RUNNING, RunStatus.UPLOADING}
    waits = status is RunStatus.QUEUED
    assert (after.status, after.progress) == (status, 0.4)
    assert after.queue_position == (3 if waits else None)
    assert after.live_status == "Executing KSampler"
    assert after.started_at == (later(5) if executing else None)
    assert owes(after) == [runs.ASK, runs.SHOW]


def test_an_answer_takes_nothing_back() -> None:
    """An older state of the run than the one heard changes nothing that is shown."""
    record = a_generation(
        RunStatus.RUNNING, progress=0.5, live_status="Executing VAEDecode", started_at=NOON
    )
    after = runs.informed(record, a_report(RunStatus.QUEUED, progress=0.1), later(5), TIMING)

    assert after == record


def test_an_answer_about_a_run_that_nobody_asks_about_owes_asking() -> None:
    """Until it has ended, somebody always asks."""
    record = a_generation(RunStatus.RUNNING, started_at=NOON, owed=())
    after = runs.informed(record, a_report(RunStatus.RUNNING), later(5), TIMING)

    assert the_debt(after, runs.ASK).next_at == later(35)


def test_the_taker_of_a_status_message_holds_it_from_birth() -> None:
    """What an answer brought is shown at once."""
    taker = a_taker(DebtKind.SHOW)
    report = a_report(RunStatus.RUNNING)
    after = runs.reported(a_generation(), report, now=NOON, timing=TIMING, taker=taker)

    assert the_debt(after, runs.SHOW).by == taker.by


@pytest.mark.parametrize("status", GOING)
def test_an_answer_that_it_goes_on_revives_no_end(status: RunStatus) -> None:
    """An end of ours stands until the engine says one."""
    record = ended_by_us()

    assert runs.reported(record, a_report(status), now=NOON, timing=TIMING) is record


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_answer_that_it_ended_writes_the_end(status: RunStatus) -> None:
    """The engine's answer is the truth."""
    report = a_report(status, outputs=(an_output(),))
    taker = a_taker(DebtKind.NOTIFY)
    after = runs.reported(
        a_generation(RunStatus.RUNNING), report, now=later(20), timing=TIMING, taker=taker
    )

    assert (after.status, after.ended_by) == (status, "engine")
    assert after.response_payload.outputs == (an_output(),)
    assert the_debt(after, runs.NOTIFY).by == taker.by


def test_an_end_is_not_joined_as_news() -> None:
    """`informed` is about what goes on."""
    record = a_generation()

    assert runs.informed(record, a_report(), NOON, TIMING) is record


# --- rounds of asking


def rounds(generation: Generation, count: int, timing: Timing = TIMING) -> list[timedelta]:
    """The waits between `count` rounds of asking that bring nothing new, from noon on."""
    now, waits = NOON, list[timedelta]()
    for _ in range(count):
        debt = the_debt(generation, runs.ASK)
        generation = runs.asked(generation, debt, now, timing, news=False)
        if debts.find(generation.owed, runs.ASK) is None:
            break
        at = the_debt(generation, runs.ASK).next_at
        waits.append(at - now)
        now = at
    return waits


def test_asking_a_run_that_waits_slows_down() -> None:
    """After the first minute the wait doubles, to 5 minutes at most."""
    assert [wait.total_seconds() for wait in rounds(a_generation(), 5)] == [120, 240, 300, 300, 300]


def test_asking_a_run_that_runs_slows_down() -> None:
    """After the first 30 seconds the wait doubles, to 5 minutes at most."""
    record = a_generation(RunStatus.RUNNING, started_at=NOON)

    assert [wait.total_seconds() for wait in rounds(record, 5)] == [60, 120, 240, 300, 300]


def test_asking_never_passes_the_limit() -> None:
    """A run whose time is up is found at that moment; after it the waits go on."""
    record = a_generation(RunStatus.RUNNING, started_at=later(-1790))

    assert [wait.total_seconds() for wait in rounds(record, 3)] == [10, 120, 240]


@given(st.integers(0, 10**6), st.sampled_from([None, later(-1795), later(-1800), NOON]))
def test_the_next_round_is_always_ahead(asked: int, started: datetime | None) -> None:
    """However often it was asked, it is asked again within 5 minutes."""
    at = asking.next_ask(a_generation(started_at=started), asked, NOON, TIMING)

    assert NOON < at <= NOON + TIMING.ask_most


def test_news_begins_the_waits_anew() -> None:
    """A round that told anything new counts as none."""
    record = a_generation(owed=(a_debt(runs.ASK, attempts=4, by="here", n=7),))
    after = runs.asked(record, the_debt(record, runs.ASK), NOON, TIMING, news=True)

    ask = the_debt(after, runs.ASK)
    assert (ask.attempts, ask.next_at, ask.by, ask.n) == (0, later(60), None, 7)
    assert after.due_at == later(60)


def test_a_round_of_a_lost_claim_counts_for_nothing() -> None:
    """Whoever holds the asking now sets its next round."""
    record = a_generation(owed=(a_debt(runs.ASK, n=8),))
    stale = a_debt(runs.ASK, n=7)

    assert runs.asked(record, stale, NOON, TIMING, news=True) is record


def test_asking_after_an_end_of_ours_is_given_up_in_time() -> None:
    """Ten rounds with doubling waits are more than two days; then nobody asks or cancels."""
    waits = rounds(ended_by_us(), 99)

    assert [wait / TIMING.ask_most for wait in waits] == [2, 4, 8, 16, 32, 64, 128, 256, 256]
    assert sum(waits, timedelta()) > timedelta(days=2)


def test_giving_up_asking_gives_up_cancelling() -> None:
    """What is left to be told is told all the same."""
    record = ended_by_us()
    last = the_debt(record, runs.ASK).change(attempts=asking.ROUNDS_AFTER_END - 1)
    record = record.change(owed=(*debts.forget(record.owed, [DebtKind.ASK]), last))

    after = runs.asked(record, last, NOON, TIMING, news=True)
    assert owes(after) == [runs.NOTIFY]
    assert after.due_at == NOON


@given(st.data())
@settings(deadline=None)
def test_asking_never_takes_back(data: st.DataObject) -> None:
    """Answers in any order, mixed with events, only ever move a run forward."""
    record = a_generation(metadata=some_metadata(run_id=RUN))
    for second in range(data.draw(st.integers(0, 6))):
        before = record
        status = data.draw(st.sampled_from(strategies.HEARD))
        if data.draw(st.booleans()):
            event = data.draw(strategies.events_of(RUN, 1, st.just(status)))
            record = runs.hear(record, [event], now=later(second), timing=TIMING).generation
        else:
            report = a_report(status, progress=data.draw(strategies.shares))
            record = runs.reported(record, report, now=later(second), timing=TIMING)
        assert runs.RANK[record.status] >= runs.RANK[before.status]
        assert record.progress >= before.progress


def test_the_rounds_without_such_a_run_are_counted_by_themselves() -> None:
    """Quiet rounds before it must not make a single 404 the last of many."""
    quiet = a_generation(owed=(a_debt(runs.ASK, attempts=9),))

    once = runs.asked(quiet, the_debt(quiet, runs.ASK), NOON, TIMING, news=False, missing=True)
    first = the_debt(once, runs.ASK)
    twice = runs.asked(once, first, NOON, TIMING, news=False, missing=True)

    assert (first.attempts, first.last_error) == (0, runs.MISSING)
    assert the_debt(twice, runs.ASK).attempts == 1


def test_an_answer_ends_the_count_of_rounds_without_such_a_run() -> None:
    """An engine that knows the run again has not lost it."""
    missed = a_generation(owed=(a_debt(runs.ASK, last_error=runs.MISSING),))

    after = runs.asked(missed, the_debt(missed, runs.ASK), NOON, TIMING, news=False)

    assert the_debt(after, runs.ASK).last_error is None
