"""jobs.resetting: everything owed is due now, and nothing is sent twice."""

from datetime import timedelta

from processors.jobs.resetting import Did, done, reset_generation, reset_job
from schemas.generation import Generation
from schemas.job import JobStatus, Outcome, Pause
from schemas.run import RunStatus
from tests.builders import (
    HERE,
    ID,
    NOON,
    a_debt,
    a_generation,
    a_job,
    a_step,
    an_order,
    an_output,
    later,
    owes,
    some_metadata,
    the_debt,
)

SOON = later(600)


def told(before: Generation, after: Generation) -> list[tuple[Did, str | None]]:
    """Return what a reset did."""
    return [(each.did, each.debt) for each in done(before, after)]


def test_what_is_owed_is_due_now() -> None:
    """What waits, what nobody holds any more, and what was given up; a claim that lasts stays."""
    debts = (
        a_debt("ask", next_at=SOON, attempts=2),
        a_debt("keep", by=HERE, next_at=later(-1)),
        a_debt("settle", by=HERE, next_at=SOON),
        a_debt("notify", dead_at=later(-9), attempts=9),
        a_debt("end", next_at=later(-5)),
    )
    before = a_generation(owed=debts)
    after = reset_generation(before, NOON)

    assert told(before, after) == [
        (Did.HURRIED, "ask"),
        (Did.RELEASED, "keep"),
        (Did.REPLAYED, "notify"),
    ]
    assert the_debt(after, "ask").next_at == NOON
    assert the_debt(after, "settle") == debts[2]
    assert reset_generation(after, later(1)) == after


def test_nothing_is_sent_that_may_have_been_sent() -> None:
    """A submit under way is left alone; one that was lost is owed again, to be looked for."""
    sending = a_debt("submit", by=HERE, next_at=SOON)
    under_way = an_order(status=RunStatus.SUBMITTING, owed=(sending,))

    assert reset_generation(under_way, NOON) == under_way
    for status in (RunStatus.SUBMITTING, RunStatus.PENDING):
        lost = an_order(status=status, owed=())
        after = reset_generation(lost, NOON)
        assert (after.status, owes(after)) == (status, ["submit"])


def test_what_should_be_owed_is_owed() -> None:
    """Asking of a run under way; copying, going on and settling of one that is over."""
    assert owes(reset_generation(a_generation(RunStatus.RUNNING, owed=()), NOON)) == ["ask"]
    assert owes(reset_generation(a_generation(RunStatus.WAITING, owed=()), NOON)) == []
    over = a_generation(RunStatus.COMPLETED, owed=())
    assert owes(reset_generation(over, NOON)) == []
    assert owes(reset_generation(over, NOON, awaited=True, unsettled=True)) == ["advance", "settle"]
    payload = over.response_payload.change(outputs=(an_output(),))
    uncopied = over.change(response_payload=payload)
    assert owes(reset_generation(uncopied, NOON, awaited=True)) == ["keep"]


def test_a_job_is_started_and_cancelled_anew() -> None:
    """Where that is not owed, and there is something to be done."""
    pending = a_job(status=JobStatus.PENDING)
    after = reset_job(pending, {}, NOON)
    assert [(each.did, each.debt) for each in done(pending, after)] == [(Did.OWED, "start")]
    wanted, running = a_job(cancel_wanted=True), a_generation(RunStatus.RUNNING)
    assert [each.key for each in reset_job(wanted, {ID: running}, NOON).owed] == ["cancel"]
    asked = a_generation(metadata=some_metadata(), cancel_wanted=True)
    assert reset_job(wanted, {ID: asked}, NOON) == wanted
    assert reset_job(a_job(), {ID: running}, NOON) == a_job()


def test_a_job_that_asks_its_person_is_had_to_ask() -> None:
    """Where a step of it waits; once it has asked, it owes that until its time is up."""
    waiting = {ID: a_generation(RunStatus.WAITING, owed=())}

    assert [each.key for each in reset_job(a_job(manual=True), waiting, NOON).owed] == ["advance"]
    assert reset_job(a_job(), waiting, NOON).owed == ()
    over = a_job(manual=True, status=JobStatus.COMPLETED)
    assert reset_job(over, waiting, NOON).owed == ()


def test_a_job_waits_for_its_person_as_long_as_before() -> None:
    """Its patience is no debt that could be hurried."""
    until = NOON + timedelta(days=1)
    debts = (a_debt("cancel", next_at=until), a_debt("notify", next_at=SOON))
    before = a_job(pause=Pause(step=1, at=NOON, until=until), owed=debts)
    after = reset_job(before, {}, NOON)

    assert [(each.did, each.debt) for each in done(before, after)] == [(Did.HURRIED, "notify")]


def test_a_job_that_is_over_is_ended() -> None:
    """Its chat is told; one that has ended stays as it is."""
    over = a_step(outcome=Outcome(status=RunStatus.COMPLETED))
    before = a_job(steps=(over,), owed=(a_debt("notify", dead_at=NOON),))
    after = reset_job(before, {}, NOON)

    assert (after.status, after.ended_at) == (JobStatus.COMPLETED, NOON)
    assert [each.did for each in done(before, after)] == [Did.REPLAYED, Did.ENDED]
    fresh = before.change(owed=())
    assert [each.did for each in done(fresh, reset_job(fresh, {}, NOON))] == [Did.ENDED]
    assert reset_job(after, {}, NOON) == after
