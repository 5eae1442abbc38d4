"""processors.runs.ending: who says the end, when it was, what came out, and what is owed for it."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import debts, runs
from processors.runs import Ending
from schemas.base import RunId
from schemas.debt import DebtKind
from schemas.generation import OUTPUTS_KEPT, CostRate, Generation, RateUnit, Retry, StatusChange
from schemas.job import Job
from schemas.run import OPEN, TERMINAL, Output, RunStatus
from tests import strategies
from tests.builders import (
    CHAT,
    JOB,
    NOON,
    RUN,
    TIMING,
    a_chain,
    a_debt,
    a_generation,
    a_part,
    a_placed,
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

ENDS = sorted(TERMINAL)


def told(
    generation: Generation,
    status: RunStatus = RunStatus.COMPLETED,
    now: datetime = later(20),  # noqa: B008 - a constant
    **fields: Any,  # noqa: ANN401 - any field of the report
) -> Generation:
    """The record after the engine said an end."""
    ending = runs.verdict_of(a_report(status, **fields))
    return runs.ended(generation, ending, now=now)


def ours(
    generation: Generation,
    status: RunStatus = RunStatus.TIMEOUT,
    now: datetime = later(20),  # noqa: B008 - a constant
) -> Generation:
    """The record after we said an end."""
    return runs.ended(generation, Ending(status=status, by="us", reason="overdue"), now=now)


@pytest.mark.parametrize("status", ENDS)
def test_the_engines_word_is_final(status: RunStatus) -> None:
    """Whatever is said afterwards, by whomever, the end stays and nothing is owed for it."""
    record = told(a_generation(), status)

    for again in ENDS:
        for after in (told(record, again, later(99)), ours(record, again, later(99))):
            assert after == record
    assert record.ended_by == "engine"
    assert record.confirmed is True


@pytest.mark.parametrize("status", ENDS)
def test_an_end_says_everything_at_once(status: RunStatus) -> None:
    """Status, outputs and what is owed are one record; what was heard is gone."""
    claimed = a_run_event(status, progress=0.7, outputs=(an_output("heard", NOON),))
    record = heard(a_generation(RunStatus.RUNNING, queue_position=2), claimed)
    after = told(record, status, outputs=(an_output("said"),), error="out of memory")

    assert (after.status, after.ended, after.status_reason) == (status, True, "out of memory")
    assert after.response_payload.outputs == (an_output("said"),)
    assert after.response_payload.error == "out of memory"
    assert (after.heard, after.claimed_end, after.queue_position) == ((), None, None)
    assert after.history[-1].model_dump() == {"status": status, "at": later(20), "source": "engine"}
    assert owes(after) == [runs.KEEP, runs.NOTIFY]
    notify = the_debt(after, runs.NOTIFY)
    assert (notify.target, notify.about, notify.next_at) == (
        str(CHAT),
        f"{status}/engine",
        later(20),
    )


def test_an_end_keeps_the_step_at_which_the_run_was_last_seen() -> None:
    """The engine's word for it, where it has one; else what was heard."""
    record = a_generation(RunStatus.RUNNING, live_status="Executing VAELoader")
    step = "Executing KSampler"

    assert told(record, RunStatus.FAILED, live_status=step).live_status == step
    assert told(record, RunStatus.FAILED).live_status == "Executing VAELoader"


def test_what_is_completed_went_all_the_way() -> None:
    """ComfyDeploy leaves progress where it was; any other end keeps it."""
    record = a_generation(RunStatus.RUNNING, progress=0.88)

    assert told(record, RunStatus.COMPLETED).progress == 1.0
    assert [told(record, each).progress for each in ENDS if each is not RunStatus.COMPLETED] == [
        0.88,
        0.88,
        0.88,
    ]


def test_without_a_chat_nobody_is_told() -> None:
    """An end owes no message where there is no chat to take it."""
    silent = a_generation(metadata=some_metadata(run_id=RUN, telegram_chat_id=None))

    assert owes(told(silent)) == []


def test_the_taker_of_a_message_holds_it_from_birth() -> None:
    """The fast path from end to message needs no claim of its own."""
    taker = a_taker(DebtKind.NOTIFY, DebtKind.CANCEL)
    ending = Ending(status=RunStatus.TIMEOUT, by="us")
    after = runs.ended(a_generation(), ending, now=NOON, taker=taker)

    assert the_debt(after, runs.NOTIFY).by == taker.by
    assert the_debt(after, runs.CANCEL).by == taker.by
    assert the_debt(after, runs.ASK).by is None


def test_a_record_keeps_the_first_outputs_of_many() -> None:
    """Records are hot and small."""
    outputs = tuple(an_output(f"{number:03}") for number in range(OUTPUTS_KEPT + 1))

    assert told(a_generation(), outputs=outputs).response_payload.outputs == outputs[:-1]


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("then", ENDS)
def test_an_end_of_ours_is_replaced_once(first: RunStatus, then: RunStatus) -> None:
    """The engine's end replaces it; the person is told again only if it is another."""
    record = ours(a_generation(RunStatus.RUNNING), first)
    sent = record.change(owed=tuple(each for each in record.owed if each.key != runs.NOTIFY))
    after = told(sent, then, later(60), outputs=(an_output(),))

    # A timeout has the run cancelled: that it was is the engine's word for the timeout.
    stands = first is then or (first, then) == (RunStatus.TIMEOUT, RunStatus.CANCELLED)
    assert (after.status, after.ended_by) == (first if stands else then, "engine")
    assert after.response_payload.outputs == (an_output(),)
    assert owes(after) == ([runs.KEEP] if stands else [runs.KEEP, runs.NOTIFY])


def test_a_message_that_is_still_owed_tells_the_newer_end() -> None:
    """An end of ours that nobody has read yet is told as what replaced it."""
    record = ours(a_generation(RunStatus.RUNNING), RunStatus.TIMEOUT)
    after = told(record, RunStatus.COMPLETED)

    notify = the_debt(after, runs.NOTIFY)
    assert (notify.n, notify.about) == (2, "completed/engine")


def test_a_second_end_of_ours_changes_nothing() -> None:
    """It only drops a claim that stood open."""
    record = ours(a_generation(RunStatus.RUNNING), RunStatus.TIMEOUT)
    claimed = heard(record, a_run_event(RunStatus.COMPLETED, outputs=(an_output(at=NOON),)))

    assert ours(claimed, RunStatus.CANCELLED) == record


def test_after_an_end_of_ours_the_engine_is_asked_and_told_to_cancel() -> None:
    """The run may still cost money, and may still end otherwise."""
    ask = a_debt(runs.ASK, next_at=later(75), by="here", attempts=72, n=80)
    owed = (ask, a_debt(runs.SHOW), a_debt(runs.END), a_debt(runs.SUBMIT))
    after = ours(a_generation(RunStatus.RUNNING, owed=owed))

    assert owes(after) == [runs.ASK, runs.CANCEL, runs.NOTIFY]
    cancel = the_debt(after, runs.CANCEL)
    assert (cancel.about, cancel.next_at) == (RUN, later(20))
    assert the_debt(after, runs.NOTIFY).about == "timeout/us"
    assert after.status_reason == "overdue"


def test_rounds_before_an_end_of_ours_do_not_count_after_it() -> None:
    """A run that waited for hours is asked about for days after we gave it up."""
    claimed = a_debt(runs.ASK, next_at=later(75), by="here", attempts=72, n=80)
    after = ours(a_generation(owed=(claimed,)))

    ask = the_debt(after, runs.ASK)
    assert (ask.attempts, ask.by, ask.n, ask.next_at) == (0, None, 81, later(75))


def test_asking_goes_on_even_where_it_was_not_owed() -> None:
    """After an end of ours somebody always asks."""
    ask = the_debt(ours(a_generation(owed=())), runs.ASK)

    assert (ask.next_at, ask.attempts) == (later(20), 0)


def test_a_cancel_under_way_is_not_begun_anew() -> None:
    """Its claim and its tries stand when we say the end."""
    cancel = a_debt(runs.CANCEL, by="here", n=3, attempts=2)

    assert the_debt(ours(a_generation(owed=(cancel,))), runs.CANCEL) == cancel


def test_the_engines_word_ends_asking_and_cancelling() -> None:
    """There is nothing left to ask."""
    owed = tuple(a_debt(kind.value) for kind in DebtKind)

    left = owes(told(a_generation(owed=owed)))
    assert not {runs.ASK, runs.CANCEL, runs.END, runs.SUBMIT} & set(left)
    assert runs.NOTIFY in left


def test_without_a_run_there_is_nothing_to_ask_about() -> None:
    """An order that was never sent leaves nobody to ask or to cancel."""
    owed = (a_debt(runs.SUBMIT), a_debt(runs.ASK), a_debt(runs.CANCEL))

    assert owes(ours(an_order(owed=owed), RunStatus.FAILED)) == [runs.NOTIFY]


def test_a_run_that_named_us_is_read_also_after_an_end_of_ours() -> None:
    """It may be the one of the submit that we gave up, with a result to be told."""
    owed = (a_debt(runs.ASK, about=RUN), a_debt(runs.CANCEL))
    over = ours(an_order(status=RunStatus.SUBMITTING, owed=owed), RunStatus.FAILED)

    assert owes(over) == [runs.ASK, runs.NOTIFY]
    assert the_debt(over, runs.ASK).about == RUN


def test_a_submit_of_unknown_fate_goes_on_being_looked_for_after_an_end_of_ours() -> None:
    """Its run may live and cost; the engine's own end of it leaves nothing to look for."""
    owed = (a_debt(runs.SUBMIT), a_debt(runs.CANCEL))
    record = an_order(status=RunStatus.SUBMITTING, owed=owed)
    cancelled = ours(record, RunStatus.CANCELLED)

    assert owes(cancelled) == [runs.NOTIFY, runs.SUBMIT]

    named = runs.submitted(cancelled, RUN, NOON, TIMING)

    assert owes(named) == [runs.ASK, runs.CANCEL, runs.NOTIFY]


# --- an end that was heard and not confirmed


def test_an_unconfirmed_end_delivers_what_was_heard() -> None:
    """The claim stands, marked so; the run is asked about, and not cancelled."""
    event = a_run_event(
        RunStatus.COMPLETED, outputs=(an_output(at=later(9)),), received_at=later(9)
    )
    record = heard(a_generation(RunStatus.RUNNING, started_at=later(2)), event)
    ending = runs.unconfirmed(record)
    assert ending is not None
    after = runs.ended(record, ending, now=later(900))

    assert (after.status, after.ended_by, after.confirmed) == (RunStatus.COMPLETED, "us", False)
    assert after.status_reason == "unconfirmed"
    assert after.response_payload.outputs == (an_output(at=later(9)),)
    assert (after.response_timestamp, after.duration_seconds) == (later(9), 7.0)
    assert owes(after) == [runs.ASK, runs.KEEP, runs.NOTIFY]


def unconfirmed(*outputs: Output) -> Generation:
    """A generation that was told as completed with these outputs, unconfirmed."""
    event = a_run_event(RunStatus.COMPLETED, outputs=outputs)
    record = heard(a_generation(RunStatus.RUNNING), event)
    ending = runs.unconfirmed(record)
    assert ending is not None
    over = runs.ended(record, ending, now=later(900))
    return over.change(owed=tuple(each for each in over.owed if each.key != runs.NOTIFY))


@pytest.mark.parametrize(
    "heard_of",
    [(), (an_output("2", NOON),), (an_output("1", NOON, url="https://evil.example.com/1.png"),)],
)
def test_a_confirmed_end_that_brings_other_outputs_is_told(heard_of: tuple[Output, ...]) -> None:
    """The person has not seen the picture yet."""
    after = told(unconfirmed(*heard_of), now=later(999), outputs=(an_output("1"),))

    assert (after.ended_by, after.confirmed) == ("engine", True)
    assert owes(after) == [runs.KEEP, runs.NOTIFY]


def test_a_confirmed_end_that_brings_the_same_outputs_is_not_told_again() -> None:
    """An address that was signed anew leads to the same picture."""
    signed = an_output("1", NOON, url="https://outputs.example.com/1.png?signature=a")
    again = an_output("1", url="https://outputs.example.com/1.png?signature=b")
    after = told(unconfirmed(signed), now=later(999), outputs=(again,))

    assert (after.confirmed, owes(after)) == (True, [runs.KEEP])


def test_nothing_heard_is_nothing_to_stand() -> None:
    """Without a claim there is no end to write."""
    assert runs.unconfirmed(a_generation()) is None


def test_a_denied_end_leaves_nothing_behind() -> None:
    """The claim and the outputs it brought are dropped; the run goes on."""
    record = heard(
        a_generation(RunStatus.RUNNING),
        a_run_event(RunStatus.COMPLETED, outputs=(an_output(at=NOON),)),
    )
    after = runs.denied(record)

    assert after == a_generation(RunStatus.RUNNING, owed=after.owed)
    assert owes(after) == [runs.ASK]


def test_where_nothing_is_claimed_there_is_nothing_to_deny() -> None:
    """The very same record comes back."""
    record = a_generation(RunStatus.RUNNING)

    assert runs.denied(record) is record


# --- the engine's verdict


def test_an_end_that_the_engine_concluded_counts_as_ours() -> None:
    """ComfyDeploy computes `timeout` from silence when it is asked; nobody saw that end."""
    computed = a_report(RunStatus.TIMEOUT, computed=True, ended_at=None)

    assert runs.verdict_of(computed).by == "us"
    assert runs.verdict_of(a_report(RunStatus.TIMEOUT)).by == "engine"


def test_a_start_without_an_end_is_not_taken() -> None:
    """The engine's times come in pairs."""
    verdict = runs.verdict_of(a_report(RunStatus.FAILED, started_at=NOON, ended_at=None))

    assert (verdict.started_at, verdict.ended_at) == (None, None)


# --- times and costs


@pytest.mark.parametrize(
    ("arrived", "started", "ended", "expected"),
    [
        (later(4), later(3), later(15), (later(3), later(15), 12.0, "engine")),
        (None, later(3), later(15), (later(3), later(15), 12.0, "engine")),
        (later(4), None, later(15), (later(4), later(16), 12.0, "webhook")),
        (later(4), later(3), None, (later(4), later(16), 12.0, "webhook")),
        (later(4), None, None, (later(4), later(16), 12.0, "webhook")),
        (None, None, later(15), (None, later(15), None, None)),
        (None, later(3), None, (None, later(16), None, None)),
        (None, None, None, (None, later(16), None, None)),
        (later(17), None, None, (later(17), later(16), 0.0, "webhook")),
        (None, later(17), later(15), (later(17), later(15), 0.0, "engine")),
        (None, later(3), later(4.2344), (later(3), later(4.2344), 1.234, "engine")),
    ],
)
def test_times_are_never_mixed(
    arrived: datetime | None,
    started: datetime | None,
    ended: datetime | None,
    expected: tuple[object, ...],
) -> None:
    """Start and end are both the engine's, or both by arrival; none is made up."""
    record = a_generation(RunStatus.RUNNING, started_at=arrived)
    claimed = heard(record, a_run_event(RunStatus.COMPLETED, received_at=later(16)))
    after = told(claimed, started_at=started, ended_at=ended)

    assert expected == (
        after.started_at,
        after.response_timestamp,
        after.duration_seconds,
        after.duration_source,
    )


@given(
    st.none() | strategies.moments,
    st.none() | strategies.moments,
    st.none() | strategies.moments,
    st.sampled_from(ENDS),
)
def test_a_duration_is_of_two_times_that_are_there(
    arrived: datetime | None, started: datetime | None, ended: datetime | None, status: RunStatus
) -> None:
    """Whatever is known, the source of a duration is the source of both of its times."""
    after = told(
        a_generation(started_at=arrived), status, later(50), started_at=started, ended_at=ended
    )

    match after.duration_source:
        case "engine":
            assert (after.started_at, after.response_timestamp) == (started, ended)
        case "webhook":
            assert (after.started_at, after.response_timestamp) == (arrived, later(50))
        case None:
            assert (after.started_at, after.duration_seconds) == (None, None)


def test_without_a_claim_an_end_is_when_it_was_written() -> None:
    """An end by asking, without times of the engine, arrived when we asked."""
    record = a_generation(RunStatus.RUNNING, started_at=later(4))

    assert told(record, started_at=None, ended_at=None).response_timestamp == later(20)


def test_a_run_costs_its_duration() -> None:
    """12 s of an A10G."""
    after = told(a_generation())

    assert (after.cost_usd, after.cost_reason) == (Decimal("0.004044"), None)


@pytest.mark.parametrize(
    ("arrived", "started", "ended"),
    [(later(4), later(3), later(15)), (later(4), None, later(15)), (None, None, None)],
)
def test_a_duration_that_the_engine_tells_wins(
    arrived: datetime | None, started: datetime | None, ended: datetime | None
) -> None:
    """The times stay as they are; what it computed is what it costs, seen to begin or not."""
    record = a_generation(RunStatus.RUNNING, started_at=arrived)
    times: dict[str, Any] = {"started_at": started, "ended_at": ended}
    without = told(record, RunStatus.FAILED, **times)
    after = told(record, RunStatus.FAILED, duration_seconds=2.00049, **times)

    assert (after.duration_seconds, after.duration_source) == (2.0, "engine")
    assert (after.started_at, after.response_timestamp) == (
        without.started_at,
        without.response_timestamp,
    )
    assert (after.cost_usd, after.cost_reason) == (Decimal("0.000674"), None)


def test_a_run_that_was_aborted_is_free() -> None:
    """It never ran, however long it waited; one that was cancelled while it ran costs that."""
    record = a_generation(queued_at=NOON)
    times: dict[str, Any] = {"started_at": None, "ended_at": later(15)}
    aborted = told(record, RunStatus.CANCELLED, duration_seconds=0.0, **times)
    assert (aborted.cost_usd, aborted.cost_reason) == (Decimal(0), "not_run")
    cancelled = told(record, RunStatus.CANCELLED, duration_seconds=3.0, **times)
    assert cancelled.cost_usd == Decimal("0.001011")


@pytest.mark.parametrize("by", ["engine", "us"])
@pytest.mark.parametrize(
    ("known", "progress", "end", "free_by"),
    [
        (RunStatus.QUEUED, 0.0, RunStatus.COMPLETED, ()),
        (RunStatus.QUEUED, 0.1, RunStatus.FAILED, ()),
        (RunStatus.QUEUED, 0.0, RunStatus.CANCELLED, ("engine",)),
        (RunStatus.SUBMITTING, 0.0, RunStatus.FAILED, ("engine",)),
        (RunStatus.PENDING, 0.0, RunStatus.FAILED, ("engine", "us")),
        (RunStatus.WAITING, 0.0, RunStatus.CANCELLED, ("engine", "us")),
    ],
)
def test_unknown_is_not_free(
    known: RunStatus, progress: float, end: RunStatus, free_by: tuple[str, ...], by: str
) -> None:
    """Nothing is paid only for what the engine says, or we know, did not run."""
    ending = Ending.model_validate({"status": end, "by": by})
    after = runs.ended(a_generation(known, progress=progress), ending, now=NOON)

    assert (after.cost_usd, after.cost_reason) == (
        (Decimal(0), "not_run") if by in free_by else (None, "no_duration")
    )


def test_an_unknown_cost_is_filled_by_the_engines_word() -> None:
    """What an end of ours could not say, the engine's can."""
    record = ours(a_generation())

    assert (record.cost_usd, told(record).cost_usd) == (None, Decimal("0.004044"))


def test_a_rate_per_run_needs_no_duration() -> None:
    """It is the cost of every run that ran."""
    rate = CostRate(amount=Decimal("0.05"), unit=RateUnit.RUN)
    record = a_generation(metadata=some_metadata(run_id=RUN, cost_rate=rate))

    after = told(record, started_at=None, ended_at=None)
    assert (after.cost_usd, after.cost_reason) == (Decimal("0.050000"), None)


@pytest.mark.parametrize("status", ENDS)
def test_a_cost_set_by_hand_stays(status: RunStatus) -> None:
    """Whatever the end, and whoever says it."""
    record = a_generation(cost_usd=Decimal("0.5"), cost_reason="by_hand")

    for after in (told(record, status), ours(record, status), told(ours(record), status)):
        assert (after.cost_usd, after.cost_reason) == (Decimal("0.5"), "by_hand")


# --- limits and cancelling


def test_time_is_up_from_the_start_or_from_the_order() -> None:
    """30 minutes of running, 6 hours of waiting."""
    waits = a_generation(request_timestamp=NOON)
    goes_on = a_generation(RunStatus.RUNNING, started_at=later(60))

    assert runs.limit_at(waits, TIMING) == later(6 * 3600)
    assert runs.limit_at(goes_on, TIMING) == later(60 + 1800)


def test_a_generation_that_is_tried_again_waits_anew() -> None:
    """From its return to the line; going back into it unsent is no try."""
    change = StatusChange(status=RunStatus.PENDING, at=later(999), source=Retry.GONE)
    unsent = StatusChange(status=RunStatus.PENDING, at=later(9999), source="submit")
    again = an_order(history=(change, unsent))

    assert runs.tried_again(again) == change
    assert runs.limit_at(again, TIMING) == later(999) + TIMING.limit_waiting
    assert runs.tried_again(an_order(history=(unsent,))) is None


def test_a_generation_is_overdue_at_its_limit() -> None:
    """Not a moment before it, and never once it has ended."""
    record = a_generation(RunStatus.RUNNING, started_at=NOON)

    assert not runs.overdue(record, later(1799.999), TIMING)
    assert runs.overdue(record, later(1800), TIMING)
    assert not runs.overdue(ours(record), later(9999), TIMING)


def test_nothing_is_overdue_while_an_end_is_looked_into() -> None:
    """A success that was heard is not thrown away because the engine is slow to confirm it."""
    record = heard(
        a_generation(RunStatus.RUNNING, started_at=NOON), a_run_event(RunStatus.COMPLETED)
    )

    assert not runs.overdue(record, later(9999), TIMING)
    assert runs.overdue(runs.denied(record), later(9999), TIMING)


def test_a_lost_submit_is_looked_for_since_it_was_last_sent() -> None:
    """An order that could not be sent for hours still has its quarter of an hour."""
    record = runs.submitting(runs.unsent(runs.submitting(an_order(), NOON), NOON), later(7200))

    assert runs.sent_at(record) == later(7200)
    assert runs.sought_until(record, TIMING) == later(7200 + 900)
    assert runs.sent_at(an_order()) == NOON


@pytest.mark.parametrize("status", [RunStatus.WAITING, RunStatus.PENDING])
def test_what_was_never_sent_is_cancelled_at_once(status: RunStatus) -> None:
    """The engine never had it: no one is asked, and it costs nothing."""
    after = runs.cancel_wanted(an_order(status=status), NOON)

    assert (after.status, after.ended_by, after.cancel_wanted) == (
        RunStatus.CANCELLED,
        "us",
        True,
    )
    assert owes(after) == [runs.NOTIFY]
    assert after.cost_usd == 0


@pytest.mark.parametrize("status", sorted(OPEN - {RunStatus.WAITING, RunStatus.PENDING}))
def test_what_the_engine_may_have_is_cancelled_by_its_word(status: RunStatus) -> None:
    """It owes the cancelling; its status stays until the engine says the end."""
    taker = a_taker(DebtKind.CANCEL)
    after = runs.cancel_wanted(a_generation(status), NOON, taker)

    assert (after.status, after.cancel_wanted, after.cancel_wanted_at) == (status, True, NOON)
    assert the_debt(after, runs.CANCEL).by == taker.by


def test_cancelling_twice_is_cancelling_once() -> None:
    """A repetition, and a wish after the end, change nothing."""
    wanted = runs.cancel_wanted(a_generation(), NOON)
    over = told(a_generation())

    assert runs.cancel_wanted(wanted, later(1)) is wanted
    assert runs.cancel_wanted(over, later(1)) is over


def test_the_run_of_another_attempt_is_not_cancelled() -> None:
    """After an end of ours the current run is."""
    record = a_generation(metadata=some_metadata(run_id=RunId("run-2")))

    assert the_debt(ours(record), runs.CANCEL).about == "run-2"


def test_a_jobs_run_owes_the_settling_of_its_end() -> None:
    """In place of the telling, which is its job's; a second end owes it again."""
    first = ours(a_generation(RunStatus.RUNNING, job_id=JOB))
    assert owes(first) == [runs.ASK, runs.CANCEL, runs.SETTLE]

    second = told(first)
    assert owes(second) == [runs.SETTLE]
    assert the_debt(second, runs.SETTLE).n == the_debt(first, runs.SETTLE).n + 1


def test_only_a_jobs_run_is_settled_again() -> None:
    """There is nobody else whose credits are held."""
    over = told(a_generation(RunStatus.RUNNING, job_id=JOB), RunStatus.FAILED)
    taker = a_taker(DebtKind.SETTLE)
    again = the_debt(runs.resettled(debts.put(over, ()), NOON, taker), runs.SETTLE)

    assert again.by == taker.by
    assert runs.resettled(a_generation(), NOON) == a_generation()


@pytest.mark.parametrize(
    ("before", "by", "is_so"),
    [
        (RunStatus.RUNNING, "us", True),
        (RunStatus.SUBMITTING, "us", True),
        (RunStatus.PENDING, "us", False),
        (RunStatus.WAITING, "us", False),
        (RunStatus.RUNNING, "engine", False),
    ],
)
def test_an_end_of_ours_is_provisional_where_the_engine_may_have_the_run(
    before: RunStatus, by: str, *, is_so: bool
) -> None:
    """Not where it never had it, nor once it has had its say."""
    history = (
        StatusChange(status=before, at=NOON, source="x"),
        StatusChange(status=RunStatus.FAILED, at=later(9), source=by),
    )
    over = a_generation(RunStatus.FAILED, ended_by=by, history=history)

    assert runs.provisional(over) is is_so
    assert runs.ended_at(over) == later(9)
    assert not runs.provisional(a_generation())


def test_an_end_whose_beginning_is_forgotten_is_provisional() -> None:
    """Nobody can say that the engine never had it."""
    history = (StatusChange(status=RunStatus.FAILED, at=NOON, source="us"),)

    assert runs.provisional(a_generation(RunStatus.FAILED, ended_by="us", history=history))


def test_a_run_has_the_time_limit_of_its_preset() -> None:
    """From its start; without one, that of all."""
    own = a_generation(RunStatus.RUNNING, started_at=NOON, time_limit=60)

    assert runs.limit_at(own, TIMING) == later(60)
    assert runs.limit_at(own.change(time_limit=None), TIMING) == NOON + TIMING.limit_running
    assert not runs.overdue(own, later(59), TIMING)
    assert runs.overdue(own, later(60), TIMING)


@pytest.mark.parametrize(
    ("wanted", "said", "status"),
    [
        (False, RunStatus.CANCELLED, RunStatus.TIMEOUT),
        (True, RunStatus.CANCELLED, RunStatus.CANCELLED),
        (False, RunStatus.FAILED, RunStatus.FAILED),
        (False, RunStatus.COMPLETED, RunStatus.COMPLETED),
    ],
)
def test_a_timeout_that_the_engine_has_carried_out_is_one(
    said: RunStatus, status: RunStatus, *, wanted: bool
) -> None:
    """It was told to cancel what took too long: it has, and its person is not told again."""
    late = ours(a_generation(RunStatus.RUNNING, started_at=later(1), cancel_wanted=wanted))
    after = told(debts.put(late, ()), said)

    assert (after.status, after.ended_by) == (status, "engine")
    kept = status is RunStatus.TIMEOUT
    assert (after.status_reason == "overdue") is kept
    assert (runs.NOTIFY in owes(after)) is not kept


@pytest.mark.parametrize("by", ["us", "engine"])
def test_a_slot_goes_with_the_end(by: Literal["us", "engine"]) -> None:
    """In the same write, so that it cannot outlive its run."""
    placed = a_placed(queue_position=2, expected_start_at=later(9))
    after = runs.ended(placed, Ending(status=RunStatus.FAILED, by=by), now=later(20))

    assert (after.slot, after.queue_position, after.expected_start_at) == (None, None, None)


@pytest.mark.parametrize(
    ("job", "before", "shows"),
    [
        (a_chain(2), RunStatus.RUNNING, True),
        (a_chain(1, 1), RunStatus.RUNNING, True),
        (a_chain(1), RunStatus.RUNNING, False),
        (a_chain(1, 1), RunStatus.WAITING, False),
    ],
)
def test_the_end_of_one_of_several_is_shown_with_its_job(
    job: Job, before: RunStatus, *, shows: bool
) -> None:
    """The others go on; what never began is no news by itself."""
    after = runs.ended(
        a_part(job, 1, status=before), Ending(status=RunStatus.FAILED, by="engine"), now=NOON
    )

    assert (runs.SHOW in owes(after)) == shows
