"""jobs: what steps came to makes a job's end, and each change of it is told once."""

from datetime import datetime
from decimal import Decimal

import pytest

from processors import debts, jobs
from schemas.base import GenerationId
from schemas.debt import Debt, DebtKind
from schemas.job import Job, JobStatus, Outcome, Pause, PriceReason, Told
from schemas.run import TERMINAL, RunStatus
from tests.builders import (
    CHAT,
    HERE,
    ID,
    NOON,
    a_chain,
    a_job,
    a_step,
    a_taker,
    come_to,
    its_id,
    later,
)

OTHER = GenerationId("other")
DONE = Outcome(
    status=RunStatus.COMPLETED, price=Decimal(5), price_reason=PriceReason.PRICE, outputs="a"
)
RESERVED = Outcome(status=RunStatus.TIMEOUT, by="us", provisional=True)
RETURNED = RESERVED.change(
    provisional=False, price=Decimal(0), price_reason=PriceReason.NOT_CONFIRMED
)


def settled(job: Job, outcome: Outcome = DONE, at: datetime = NOON) -> Job:
    """The job once its step has come to this."""
    return jobs.settled(job, ID, outcome, at)


def told(job: Job, *, delivered: bool = True) -> Job:
    """The job once its chat has been told how it stands."""
    knows = job.change(told=jobs.told(job, delivered=delivered))
    return debts.put(knows, debts.forget(knows.owed, [DebtKind.NOTIFY]))


def news(job: Job) -> list[str | None]:
    """What the chat is to be told about."""
    return [each.about for each in job.owed if each.kind is DebtKind.NOTIFY]


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_job_ends_as_its_step_did(status: RunStatus) -> None:
    """And its chat is owed the telling."""
    after = jobs.settled(a_job(), ID, Outcome(status=status), later(1), a_taker(DebtKind.NOTIFY))

    assert (after.status.value, after.ended_at, after.ended) == (status.value, later(1), True)
    (owed,) = after.owed
    assert (owed.key, owed.target, owed.about, owed.by) == ("notify", str(CHAT), status, HERE)


def test_a_job_of_nobody_tells_nobody() -> None:
    """A program asks."""
    assert settled(a_job(chat=None)).owed == ()


def test_a_job_of_two_steps_ends_with_the_last() -> None:
    """As the worse of them did; till then nothing is told."""
    job = a_job(steps=(a_step(), a_step(generation=OTHER)))
    half = settled(job)

    assert (half.status, half.owed, half.price) == (JobStatus.ACTIVE, (), None)
    whole = jobs.settled(half, OTHER, Outcome(status=RunStatus.FAILED, price=Decimal(0)), later(1))
    assert (whole.status, whole.price, news(whole)) == (JobStatus.FAILED, 5, ["failed"])


def test_somebody_elses_generation_changes_nothing() -> None:
    """Neither is it refunded."""
    job = settled(a_job())

    assert jobs.settled(job, OTHER, DONE, NOON) == job
    assert jobs.refunded(job, OTHER, Decimal(1), NOON) == job


def test_what_is_no_news_owes_nothing() -> None:
    """A settling that is repeated tells nobody again."""
    job = told(settled(a_job()))

    assert settled(job, at=later(9)) == job
    assert jobs.known(job)


def test_a_provisional_end_is_told_and_then_what_it_came_to() -> None:
    """The end is known by then: only the money is news, and the time is that of the first."""
    first = settled(a_job(), RESERVED)
    assert (first.price, jobs.known(first), news(first)) == (None, False, ["timeout"])
    second = settled(told(first), RETURNED, later(3600))

    assert (second.price, second.ended_at, news(second)) == (0, NOON, ["timeout"])
    assert jobs.known(second)


def test_the_same_said_by_somebody_else_is_no_news() -> None:
    """The engine comes to say what we had said: it is noted, and nobody is told it again."""
    job = told(settled(a_job(), RETURNED))
    after = settled(job, RETURNED.change(by="engine", duration_seconds=9.0), later(3600))

    assert (news(after), after.steps[0].outcome) == (
        [],
        RETURNED.change(by="engine", duration_seconds=9.0),
    )


def test_a_second_end_that_is_another_is_told_again() -> None:
    """And so is one that brings other outputs."""
    job = settled(told(settled(a_job(), RESERVED)))

    assert (job.status, news(job), jobs.known(job)) == (JobStatus.COMPLETED, ["completed"], False)
    other = settled(told(job), DONE.change(outputs="b"))
    assert (news(other), jobs.known(other)) == (["completed"], False)


def test_what_the_engine_said_is_not_undone_by_us() -> None:
    """Of two who settle at once, who has seen only our end may write last."""
    job = told(settled(a_job()))

    assert settled(job, RESERVED) == job
    assert settled(job, RETURNED) == job


def test_a_refund_is_told_once_and_stays() -> None:
    """Whatever is settled after it."""
    job = jobs.refunded(told(settled(a_job())), ID, Decimal(5), NOON)
    after = told(job)

    assert (news(job), job.steps[0].outcome) == (["completed"], DONE.change(refunded=Decimal(5)))
    assert jobs.refunded(after, ID, Decimal(1), NOON) == after
    assert settled(after) == after


def test_what_has_not_ended_is_not_refunded() -> None:
    """Nothing has been paid for it."""
    assert jobs.refunded(a_job(), ID, Decimal(5), NOON) == a_job()


def test_what_was_delivered_once_stays_delivered() -> None:
    """A later word about the money brings no files."""
    job = told(settled(a_job()))
    assert job.told == Told(status=JobStatus.COMPLETED, outputs="a", delivered=True)

    assert jobs.told(job, delivered=False).delivered
    assert not jobs.told(a_job(), delivered=False).delivered


def test_what_a_chat_was_not_told_of_is_known_step_by_step() -> None:
    """Nothing is before the first end is told; a step that is told once is noted once."""
    job = come_to(a_chain(1, 1), DONE, DONE.change(outputs=""), status=JobStatus.TIMEOUT)
    assert jobs.untold(job) == ()

    knows = told(job)
    assert jobs.untold(knows) == ()
    assert jobs.untold(come_to(knows, DONE, DONE.change(outputs="b"))) == (its_id(2),)
    assert jobs.step_told(jobs.step_told(jobs.step_told(job, 2), 1), 2).steps_told == (1, 2)


def test_a_step_that_is_done_is_told_while_others_follow() -> None:
    """Once all its items are known and one of them made something; of the last, the end is."""
    job = a_chain(2, 1)
    half = jobs.settled(job, its_id(1, 1), DONE, NOON)
    assert half.owed == ()
    done = jobs.settled(half, its_id(1, 2), DONE.change(outputs=""), NOON)
    assert [(each.key, each.about, each.target) for each in done.owed] == [
        ("notify:1", "step:1", str(CHAT))
    ]

    assert jobs.settled(a_chain(1, 1), its_id(2), DONE, NOON).owed == ()
    assert jobs.settled(a_chain(1, 1, chat=None), its_id(1), DONE, NOON).owed == ()
    nothing = DONE.change(outputs="")
    assert jobs.settled(a_chain(1, 1), its_id(1), nothing, NOON).owed == ()


def test_what_a_step_has_made_anew_is_told_though_it_was() -> None:
    """Its first picture was lost; the telling that was under way is of that, and is owed anew."""
    job = jobs.step_told(jobs.settled(a_chain(1, 1), its_id(1), DONE, NOON), 1)
    again = DONE.change(outputs="b", attempt=2)
    after = jobs.settled(job, its_id(1), again, later(60))

    assert (job.steps_told, after.steps_told) == ((1,), ())
    assert [each.key for each in after.owed] == ["notify:1"]


def test_a_job_that_is_over_asks_nobody() -> None:
    """It waited for a word, and what was to come after it was dropped meanwhile."""
    pause = Pause(step=1, at=NOON, until=later(3600))
    paused = come_to(a_chain(1, 1, manual=True), DONE, pause=pause)
    owing = debts.put(
        paused, debts.owe((), Debt(key="advance", kind=DebtKind.ADVANCE, next_at=later(3600)))
    )
    over = jobs.settled(owing, its_id(2), DONE.change(status=RunStatus.CANCELLED), NOON)

    assert (over.ended, over.pause) == (True, None)
    assert "advance" not in [each.key for each in over.owed]


def test_a_job_that_asks_after_each_step_is_looked_at_first() -> None:
    """It may have to wait: then the step is told with what it waits for."""
    job = jobs.settled(a_chain(1, 1, manual=True), its_id(1), DONE, NOON)

    assert [each.key for each in job.owed] == ["advance"]


def test_what_items_come_to_is_told_once_all_of_it_is_known() -> None:
    """Of a hundred that we gave up on, the grace ends a hundred times and is told once."""
    job = jobs.settled(come_to(a_chain(2), RESERVED), its_id(1, 2), RESERVED, NOON)
    assert news(job) == ["timeout"]
    job = told(job)

    one = jobs.settled(job, its_id(1, 1), RETURNED, later(3600))
    assert news(one) == []
    assert news(jobs.settled(one, its_id(1, 2), RETURNED, later(3601))) == ["timeout"]
    assert news(jobs.settled(job, its_id(1, 1), DONE, later(3600))) != []


def test_of_two_attempts_the_later_one_counts() -> None:
    """Whoever said what: the first was lost after its end, and whoever settles it may be late."""
    lost = settled(a_job())
    failed = RESERVED.change(provisional=False, price=Decimal(5), attempt=2)
    after = settled(lost, failed)
    assert after.status is JobStatus.TIMEOUT
    assert settled(after) is after
    assert settled(lost, RESERVED) is lost
