"""processors.runs.hearing: in any order, with any repetition, in any batches, the same record."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors import debts, runs
from processors.runs import Verdict
from schemas.base import RunId
from schemas.debt import DebtKind
from schemas.generation import OUTPUTS_KEPT, ClaimedEnd, EngineRun, Generation
from schemas.run import OPEN, TERMINAL, RunEvent, RunStatus
from tests import strategies
from tests.builders import (
    CHAT,
    NOON,
    RUN,
    TIMING,
    a_debt,
    a_generation,
    a_run_event,
    a_sign_of_life,
    a_taker,
    an_order,
    an_output,
    heard,
    later,
    owes,
    some_metadata,
    the_debt,
)

OTHER = RunId("run-2")


def retried() -> Generation:
    """A generation whose first run `RUN` was given up for `OTHER`."""
    return a_generation(
        attempt=2,
        metadata=some_metadata(run_id=OTHER),
        runs=(
            EngineRun(attempt=1, run_id=RUN, submitted_at=NOON),
            EngineRun(attempt=2, run_id=OTHER, submitted_at=NOON),
        ),
    )


def verdicts(generation: Generation, *events: RunEvent) -> Sequence[Verdict]:
    """What becomes of each of `events`."""
    return runs.hear(generation, events, now=NOON, timing=TIMING).verdicts


def facts(generation: Generation) -> dict[str, object]:
    """Everything that order may not change: not when, and how often, a debt was owed."""
    said = generation.model_dump(exclude={"version", "updated_at", "history", "owed", "due_at"})
    owed = {(debt.key, debt.kind, debt.target, debt.about) for debt in generation.owed}
    return {**said, "owed": owed}


def folded(generation: Generation, batches: strategies.Batches) -> Generation:
    """The record after batches heard one after another, a second apart."""
    for second, batch in enumerate(batches):
        generation = heard(generation, *batch, now=later(second))
    return generation


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_delivery_tells_the_same_story(data: st.DataObject) -> None:
    """Order, repetition and batching change neither the facts nor the debts."""
    record = data.draw(strategies.records())
    said = data.draw(strategies.lives())
    delivery = data.draw(strategies.deliveries(said))

    assert facts(folded(record, delivery)) == facts(heard(record, *said))


@given(st.data())
@settings(deadline=None)
def test_case_03_status_and_progress_only_climb(data: st.DataObject) -> None:
    """No batch takes back a status or a share of progress."""
    record = data.draw(strategies.records())
    delivery = data.draw(strategies.deliveries(data.draw(strategies.lives())))
    seen = [folded(record, delivery[:count]) for count in range(len(delivery) + 1)]

    ranks = [runs.RANK[each.status] for each in seen]
    assert ranks == sorted(ranks)
    assert [each.progress for each in seen] == sorted(each.progress for each in seen)


@given(st.data())
@settings(deadline=None)
def test_nothing_heard_is_shown(data: st.DataObject) -> None:
    """Nobody sees an output or an end before the end is written."""
    record = data.draw(strategies.records())
    delivery = data.draw(strategies.deliveries(data.draw(strategies.lives())))

    after = folded(record, delivery)
    shown = str(after.internal())

    assert after.status is record.status or after.status in OPEN
    assert "outputs.example.com" not in shown
    assert "claimed" not in shown


@given(st.data())
@settings(deadline=None)
def test_what_is_heard_again_changes_nothing(data: st.DataObject) -> None:
    """Once everything was heard, every repetition gives back the very same record."""
    record = data.draw(strategies.records())
    said = [each for each in data.draw(strategies.lives()) if each.run_id is not None]
    after = heard(record, *said)

    assert heard(after, *said) is after


@given(st.lists(strategies.foreign, max_size=5))
def test_a_run_of_a_stranger_tells_us_nothing(events: list[RunEvent]) -> None:
    """A run that is not ours tells us nothing, whatever it says."""
    record = a_generation()

    assert heard(record, *events) is record
    assert set(verdicts(record, *events)) <= {Verdict.FOREIGN_RUN}


def test_a_sign_of_life_does_not_forget_which_run_named_us() -> None:
    """Asking stays about the run that claims to be ours when a webhook without a body follows."""
    record = heard(an_order(status=RunStatus.SUBMITTING), a_run_event())

    for after in (heard(record, a_sign_of_life()), heard(record, a_sign_of_life(later(-9)))):
        assert the_debt(after, runs.ASK).about == RUN


def test_a_sign_of_life_means_ask_now() -> None:
    """The run that is known is asked about at once, and a claim on the asking is ended."""
    claimed = a_debt(runs.ASK, next_at=later(75), by="there", n=4)

    for owed in ((a_debt(runs.ASK, next_at=later(60)),), (claimed,), ()):
        after = heard(a_generation(owed=owed), a_sign_of_life(later(5)))

        ask = the_debt(after, runs.ASK)
        assert (ask.next_at, ask.by, ask.about) == (later(5), None, RUN)
        assert after.due_at == later(5)


def test_a_sign_of_life_is_not_answered_by_an_ask_under_way() -> None:
    """Whoever asks now may be told what was so before it: it is asked once more."""
    record = a_generation(owed=(a_debt(runs.ASK, next_at=later(3), by="there", n=4),))

    ask = the_debt(heard(record, a_sign_of_life(later(5))), runs.ASK)
    assert (ask.n, ask.by, ask.next_at) == (5, None, later(5))


def test_a_sign_of_life_hurries_nothing_that_is_due() -> None:
    """Where the engine is asked about the run by then anyway, nothing is written."""
    record = a_generation(owed=(a_debt(runs.ASK, next_at=NOON, about=RUN),))

    assert heard(record, a_sign_of_life(NOON)) is record
    assert verdicts(record, a_sign_of_life(NOON)) == (Verdict.STALE,)


def test_a_sign_of_life_after_the_end_changes_nothing() -> None:
    """An end of ours goes on being asked about at its own pace."""
    for by in ("us", "engine"):
        record = a_generation(RunStatus.FAILED, ended_by=by)

        assert heard(record, a_sign_of_life()) is record


def test_a_run_that_goes_on_is_joined() -> None:
    """Status, progress, its words, start and outputs are kept; the status message is owed."""
    event = a_run_event(
        RunStatus.RUNNING,
        progress=0.5,
        live_status="Executing KSampler",
        outputs=(an_output(at=later(2)),),
        received_at=later(2),
    )
    after = heard(a_generation(), event, now=later(2))

    assert (after.status, after.progress) == (RunStatus.RUNNING, 0.5)
    assert after.live_status == "Executing KSampler"
    assert (after.queued_at, after.started_at) == (NOON, later(2))
    assert after.heard == (an_output(at=later(2)),)
    assert after.history[-1].model_dump() == {
        "status": RunStatus.RUNNING,
        "at": later(2),
        "source": "webhook",
    }
    show = the_debt(after, runs.SHOW)
    assert (show.target, show.kind, show.next_at) == (str(CHAT), DebtKind.SHOW, later(2))


def test_a_run_that_begins_leaves_the_queue() -> None:
    """Its last place in line is not shown any more."""
    record = a_generation(queue_position=3)

    assert heard(record, a_run_event(RunStatus.STARTED)).queue_position is None
    assert heard(record, a_run_event(RunStatus.QUEUED, progress=0.1)).queue_position == 3


@pytest.mark.parametrize("status", sorted(OPEN - {RunStatus.RUNNING, RunStatus.UPLOADING}))
def test_only_executing_starts_the_clock(status: RunStatus) -> None:
    """What costs money begins with the first sight of running."""
    assert heard(a_generation(), a_run_event(status)).started_at is None


def test_news_puts_the_next_ask_off() -> None:
    """A run that is heard of needs no asking: 30 s from now, its rounds counted anew."""
    record = a_generation(owed=(a_debt(runs.ASK, next_at=later(1), attempts=5),))

    ask = the_debt(heard(record, a_run_event(), now=later(10)), runs.ASK)
    assert (ask.next_at, ask.attempts) == (later(40), 0)


def test_news_does_not_put_off_what_a_sign_of_life_asked_for() -> None:
    """In one batch with news, a webhook without a body still means: ask now."""
    record = a_generation()

    after = heard(record, a_run_event(), a_sign_of_life(later(1)), now=later(1))
    assert the_debt(after, runs.ASK).next_at == later(1)


def test_a_status_message_that_waits_is_not_owed_twice() -> None:
    """Showing is level-triggered: one that nobody has claimed will show the newest state."""
    show = a_debt(runs.SHOW, target=str(CHAT), n=3)
    record = a_generation(owed=(show,))
    under_way = a_generation(owed=(show.change(by="there"),))
    dead = a_generation(owed=(show.change(dead_at=NOON),))

    assert the_debt(heard(record, a_run_event()), runs.SHOW) == show
    assert the_debt(heard(under_way, a_run_event()), runs.SHOW).n == 4
    assert the_debt(heard(dead, a_run_event()), runs.SHOW) == the_debt(dead, runs.SHOW)


def test_nothing_is_shown_where_nobody_looks() -> None:
    """Without a chat, and without a visible change, no status message is owed."""
    unseen = a_generation(metadata=some_metadata(run_id=RUN, telegram_chat_id=None))
    output = a_run_event(RunStatus.QUEUED, outputs=(an_output(at=NOON),))

    assert owes(heard(unseen, a_run_event())) == [runs.ASK]
    assert owes(heard(a_generation(), output)) == [runs.ASK]


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_end_that_is_heard_owes_an_end(status: RunStatus) -> None:
    """It changes no status: it is noted, and owes the engine's confirmation at once."""
    event = a_run_event(status, outputs=(an_output(at=NOON),), received_at=later(-1))
    after = heard(a_generation(RunStatus.RUNNING), event)

    assert after.status is RunStatus.RUNNING
    assert after.claimed_end is not None
    assert (after.claimed_end.status, after.claimed_end.at) == (status, later(-1))
    assert after.heard == (an_output(at=NOON),)
    assert the_debt(after, runs.END).next_at == NOON


def test_a_second_word_of_the_end_owes_nothing_new() -> None:
    """A claim under which the end is being written is not ended by a repetition."""
    record = heard(a_generation(), a_run_event(RunStatus.COMPLETED))
    again = a_run_event(RunStatus.COMPLETED, received_at=later(1))

    assert heard(record, again) is record
    assert verdicts(record, again) == (Verdict.STALE,)


def test_news_ends_no_claim_under_which_an_end_is_being_written() -> None:
    """The engine is being asked already, and will say all of it."""
    end = a_debt(runs.END, by="here", next_at=later(75), n=3)
    claimed = heard(a_generation(), a_run_event(RunStatus.COMPLETED))
    record = claimed.change(owed=(the_debt(claimed, runs.ASK), end))

    after = heard(record, a_run_event(progress=0.9))
    assert after.progress == 0.9
    assert the_debt(after, runs.END) == end


def test_the_taker_of_an_end_holds_it_from_birth() -> None:
    """The fast path from webhook to message needs no claim of its own."""
    taker = a_taker(DebtKind.END, DebtKind.SHOW)
    event = a_run_event(RunStatus.COMPLETED, progress=0.5)
    after = runs.hear(a_generation(), [event], now=NOON, timing=TIMING, taker=taker).generation

    for key in (runs.END, runs.SHOW):
        debt = the_debt(after, key)
        assert (debt.by, debt.next_at) == (taker.by, taker.until)


def test_case_04_an_end_by_the_engine_hears_nothing_more() -> None:
    """Late, repeated and contradicting events leave it as it is."""
    record = a_generation(RunStatus.COMPLETED, ended_by="engine")

    for status in (*RunStatus, None):
        assert heard(record, a_run_event(status, progress=1.0)) is record


def test_an_end_by_us_hears_only_an_end() -> None:
    """The engine may still have its say; that it goes on running is no news."""
    record = a_generation(RunStatus.TIMEOUT, ended_by="us")

    assert heard(record, a_run_event(RunStatus.RUNNING, progress=1.0)) is record
    after = heard(record, a_run_event(RunStatus.COMPLETED))
    assert runs.END in owes(after)
    assert after.status is RunStatus.TIMEOUT


def test_outputs_after_an_end_by_us_come_whichever_way() -> None:
    """A late success with outputs and one without leave the same outputs, in either order."""
    record = a_generation(RunStatus.TIMEOUT, ended_by="us")
    empty = a_run_event(RunStatus.COMPLETED, received_at=later(1))
    full = a_run_event(RunStatus.COMPLETED, received_at=later(2), outputs=(an_output(at=later(2)),))

    for events in ((empty, full), (full, empty)):
        after = heard(record, *events)
        assert after.heard == (an_output(at=later(2)),)
        assert after.claimed_end is not None
        assert after.claimed_end.at == later(1)


def test_an_event_before_its_run_is_known_asks_about_it() -> None:
    """A webhook that outran the answer to its submit is looked into after a second."""
    record = an_order(status=RunStatus.SUBMITTING)
    after = heard(record, a_run_event(RunStatus.COMPLETED))

    ask = the_debt(after, runs.ASK)
    assert (ask.about, ask.next_at) == (RUN, later(1))
    assert (after.status, after.claimed_end) == (RunStatus.SUBMITTING, None)
    assert verdicts(record, a_run_event()) == (Verdict.UNKNOWN_RUN,)
    assert heard(after, a_run_event(received_at=later(3))) is after


def test_a_run_that_names_an_ended_record_is_looked_into_once_more() -> None:
    """It may have been made by a submit that we gave up: after an end of ours only."""
    ours = an_order(status=RunStatus.FAILED, ended_by="us", owed=())
    theirs = an_order(status=RunStatus.FAILED, ended_by="engine", owed=())

    assert the_debt(heard(ours, a_run_event()), runs.ASK).about == RUN
    assert heard(theirs, a_run_event()) is theirs


def test_a_foreign_run_is_told_from_an_unknown_one() -> None:
    """Another run than ours, and another attempt than the current one, are nobody's news."""
    known, unknown = a_generation(), an_order(status=RunStatus.SUBMITTING)

    assert verdicts(known, a_run_event(run_id=OTHER)) == (Verdict.FOREIGN_RUN,)
    assert verdicts(unknown, a_run_event(attempt=2)) == (Verdict.FOREIGN_RUN,)


def test_the_success_of_a_former_run_owes_an_end() -> None:
    """It wins if nothing has ended; what else a former run says changes nothing."""
    success = a_run_event(RunStatus.COMPLETED, received_at=later(1))
    after = heard(retried(), success)

    assert after.claimed_end is not None
    assert after.claimed_end.run_id == RUN
    assert runs.END in owes(after)
    assert verdicts(retried(), success) == (Verdict.FORMER_RUN,)
    for status in sorted(set(RunStatus) - {RunStatus.COMPLETED}):
        record = retried()
        assert heard(record, a_run_event(status)) is record


def test_the_token_of_a_former_attempt_speaks_for_no_later_run() -> None:
    """Not even for the run that serves the generation now."""
    forged = a_run_event(RunStatus.RUNNING, run_id=OTHER, attempt=1, progress=0.9)

    assert verdicts(retried(), forged) == (Verdict.FORMER_RUN,)


def test_a_former_run_does_not_forget_which_run_named_us() -> None:
    """Asking stays about the run of a submit that is not answered."""
    record = retried().change(
        status=RunStatus.SUBMITTING,
        metadata=some_metadata(),
        runs=retried().runs[:1],
        owed=(a_debt(runs.ASK, about=OTHER),),
    )
    after = heard(record, a_run_event(RunStatus.COMPLETED))

    assert owes(after) == [runs.ASK, runs.END]
    assert the_debt(after, runs.ASK).about == OTHER


@pytest.mark.parametrize("by", ["us", "engine"])
def test_a_former_run_says_nothing_after_an_end(by: str) -> None:
    """Whoever said the end."""
    record = retried().change(status=RunStatus.FAILED, ended_by=by)

    assert heard(record, a_run_event(RunStatus.COMPLETED)) is record


def test_successes_of_two_runs_at_once_claim_the_same_whichever_comes_first() -> None:
    """The tie between them does not depend on the order either."""
    former = a_run_event(RunStatus.COMPLETED)
    current = a_run_event(RunStatus.COMPLETED, run_id=OTHER, attempt=2)

    one = heard(retried(), former, current).claimed_end
    assert one is not None
    assert one == heard(retried(), current, former).claimed_end


@pytest.mark.parametrize("at", [1, 99])
def test_the_success_of_the_run_that_serves_goes_before_a_former_ones(at: int) -> None:
    """Whichever came first; it is asked about at once, whatever became of asking about the other.

    What the former made is not taken for the other's.
    """
    outputs = (an_output(),)
    former = a_run_event(RunStatus.COMPLETED, received_at=later(50), outputs=outputs)
    current = a_run_event(RunStatus.COMPLETED, run_id=OTHER, attempt=2, received_at=later(at))
    waiting = heard(retried(), former)
    failed = debts.fail(
        waiting.owed, runs.END, 1, error="away", now=later(50), jitter=0.5, timing=TIMING
    )
    after = heard(debts.put(waiting, failed), current, now=later(51))

    assert after.claimed_end is not None
    assert (after.claimed_end.run_id, after.heard) == (OTHER, ())
    assert (the_debt(after, runs.END).next_at, the_debt(after, runs.END).n) == (later(51), 2)
    assert heard(after, former) == after


def test_what_is_denied_of_a_former_run_is_not_forgotten_of_the_current() -> None:
    """Its outputs are heard once only."""
    told = heard(retried(), a_run_event(run_id=OTHER, attempt=2, outputs=(an_output(),)))
    after = runs.denied(heard(told, a_run_event(RunStatus.COMPLETED)))

    assert (after.claimed_end, after.heard) == (None, told.heard)
    assert runs.END not in owes(after)


def test_a_former_run_never_stands_unconfirmed() -> None:
    """The one that serves now may still tell another end."""
    assert runs.unconfirmed(heard(retried(), a_run_event(RunStatus.COMPLETED))) is None


def test_each_event_has_its_verdict() -> None:
    """They come in the order of the events; one that says nothing new is stale."""
    told = verdicts(
        a_generation(), a_run_event(), a_run_event(), a_run_event(run_id=OTHER), a_sign_of_life()
    )

    assert told == (Verdict.APPLIED, Verdict.STALE, Verdict.FOREIGN_RUN, Verdict.APPLIED)


def test_an_output_is_kept_as_it_arrived_last() -> None:
    """Addresses expire: the newest is kept, and one that arrived before changes nothing."""
    first, second = an_output(at=later(1)), an_output(at=later(2), url="https://new.example.com/")
    record = heard(a_generation(), a_run_event(outputs=(second,)))

    assert heard(record, a_run_event(outputs=(first,))).heard == (second,)
    assert heard(record, a_run_event(outputs=(an_output("0", NOON),))).heard == (
        an_output("0", NOON),
        second,
    )


@given(st.permutations(range(OUTPUTS_KEPT + 3)))
@settings(max_examples=10, deadline=None)
def test_a_record_keeps_200_outputs(order: list[int]) -> None:
    """They are the same ones in whatever order they came."""
    record = a_generation()
    for number in order:
        record = heard(record, a_run_event(outputs=(an_output(f"{number:03}", NOON),)))

    assert [each.id[:3] for each in record.heard] == [f"{n:03}" for n in range(OUTPUTS_KEPT)]


def test_the_words_go_with_the_furthest_progress() -> None:
    """A late event with less progress does not bring its words back."""
    far = a_run_event(progress=0.5, live_status="Executing VAEDecode")
    near = a_run_event(progress=0.3, live_status="Executing KSampler")
    record = heard(a_generation(), far)

    assert heard(record, near) is record
    assert heard(a_generation(), near, far).live_status == "Executing VAEDecode"


def test_a_status_we_do_not_know_still_tells_progress() -> None:
    """Peers may add statuses."""
    after = heard(a_generation(), a_run_event(None, progress=0.4))

    assert (after.status, after.progress) == (RunStatus.QUEUED, 0.4)


def test_a_look_comes_no_later_than_it_was_to_come() -> None:
    """`looked_into` sets the ask to a moment unless it comes sooner anyway."""
    record = a_generation()

    assert debts.due_at(runs.looked_into(record, later(61)).owed) == later(60)
    assert debts.due_at(runs.looked_into(record, later(59)).owed) == later(59)


def test_a_run_that_is_queued_keeps_its_place_in_the_queue() -> None:
    """Only one that begins has left it."""
    sent = a_generation(RunStatus.SUBMITTING, queue_position=3)

    after = heard(sent, a_run_event(RunStatus.QUEUED))

    assert (after.status, after.queue_position) == (RunStatus.QUEUED, 3)


def test_a_run_that_was_to_be_asked_is_asked_whatever_news_comes_of_it() -> None:
    """After an outage, events that waited must not hide that others were missed."""
    hurried = runs.looked_into(a_generation(RunStatus.RUNNING), later(1))

    after = heard(hurried, a_run_event(progress=0.75))

    assert the_debt(after, runs.ASK).next_at == later(1)
    assert the_debt(after, runs.ASK).about == RUN


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ({"status": RunStatus.RUNNING}, None),
        ({"status": RunStatus.COMPLETED, "ended_by": "engine"}, RunStatus.COMPLETED),
        ({"status": RunStatus.TIMEOUT, "ended_by": "us", "confirmed": True}, None),
        ({"status": RunStatus.FAILED, "ended_by": "us", "confirmed": False}, RunStatus.FAILED),
        (
            {
                "status": RunStatus.RUNNING,
                "claimed_end": ClaimedEnd(status=RunStatus.FAILED, at=NOON, run_id=RUN),
            },
            RunStatus.FAILED,
        ),
    ],
)
def test_an_end_is_known_once_the_engine_has_told_of_it(
    fields: dict[str, object], known: RunStatus | None
) -> None:
    """Confirmed or not; what we say ourselves is none of its."""
    assert runs.known_end(a_generation().change(**fields)) is known
