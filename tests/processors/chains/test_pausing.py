"""processors.chains.pausing: a manual job asks after each step, once what it came to is known."""

import pytest

from processors import chains, debts, jobs
from schemas.job import Job, JobStatus, Outcome, Pause
from schemas.run import RunStatus
from tests.builders import (
    NOON,
    TIMING,
    a_chain,
    an_outcome,
    come_to,
    its_generations,
    later,
)

DONE, FAILED = RunStatus.COMPLETED, RunStatus.FAILED
RESERVED = an_outcome(RunStatus.TIMEOUT, price=None, price_reason=None, provisional=True)


def manual(*outcomes: Outcome, **fields: object) -> Job:
    """A manual job of three steps, of which the first have come to these."""
    return come_to(a_chain(manual=True), *outcomes, **fields)


def paused(job: Job, *statuses: RunStatus) -> Job:
    """The job once it has been looked at, its first generations standing so."""
    return chains.paused(job, its_generations(job, *statuses), NOON, TIMING)


def test_it_waits_after_a_step_that_is_settled() -> None:
    """For a day; then it owes the giving up, and now the telling of the step."""
    after = paused(manual(an_outcome()), DONE)

    until = NOON + TIMING.continue_within
    assert after.pause == Pause(step=1, at=NOON, until=until)
    found = {each.key: each for each in after.owed}
    assert found.keys() == {jobs.ADVANCE, f"{jobs.NOTIFY}:1"}
    assert found[jobs.ADVANCE].next_at == until
    assert not chains.undecided(after, later(60))
    assert chains.undecided(after, until)


def test_it_waits_as_long_as_before_however_often_it_is_looked_at() -> None:
    """What it is owed is owed for the same moment, and nobody is told again."""
    after = paused(manual(an_outcome()), DONE)
    again = chains.paused(after, its_generations(after, DONE), later(600), TIMING)
    assert again.pause == after.pause
    assert [(each.key, each.next_at) for each in again.owed] == [
        (each.key, each.next_at) for each in after.owed
    ]


@pytest.mark.parametrize(
    ("job", "statuses"),
    [
        (come_to(a_chain(), an_outcome()), [DONE]),
        (manual(an_outcome(), status=JobStatus.CANCELLED), [DONE]),
        (manual(an_outcome(), cancel_wanted=True), [DONE]),
        (manual(an_outcome(), continued=1), [DONE]),
        (manual(an_outcome()), [DONE, RunStatus.PENDING]),
        (manual(an_outcome()), [RunStatus.RUNNING]),
        (manual(), [DONE]),
        (manual(RESERVED), [RunStatus.TIMEOUT]),
        (manual(an_outcome(), an_outcome(), an_outcome()), [DONE, DONE, DONE]),
    ],
)
def test_it_does_not_wait_where_there_is_nothing_to_ask(
    job: Job, statuses: list[RunStatus]
) -> None:
    """It asks nobody, is over, was let go on, goes on already, or is not settled."""
    assert paused(job, *statuses) == job


def test_it_asks_after_the_last_step_that_is_over() -> None:
    """Of those that were dropped at once nobody need be asked."""
    job = manual(an_outcome(), an_outcome(FAILED), continued=1)
    assert paused(job, DONE, FAILED).pause == Pause(
        step=2, at=NOON, until=NOON + TIMING.continue_within
    )


def test_it_is_told_of_though_nothing_was_made() -> None:
    """Else nobody could say anything; a job of no chat is asked about elsewhere."""
    job = manual(an_outcome(FAILED))
    after = paused(job, FAILED)
    assert debts.find(after.owed, f"{jobs.NOTIFY}:1") is not None
    silent = paused(job.change(chat=None), FAILED)
    assert [each.key for each in silent.owed] == [jobs.ADVANCE]


def test_it_goes_on_where_it_waits_and_nowhere_else() -> None:
    """Once: what is owed then is due at once."""
    waiting = paused(manual(an_outcome()), DONE)
    on = chains.continued(waiting, 1, later(60))

    assert (on.pause, on.continued) == (None, 1)
    advance = debts.find(on.owed, jobs.ADVANCE)
    assert advance is not None
    assert advance.next_at == later(60)
    assert chains.continued(on, 1, later(61)) is on
    assert chains.continued(waiting, 2, later(60)) is waiting
    wanted = waiting.change(cancel_wanted=True)
    assert chains.continued(wanted, 1, later(60)) is wanted
    assert not chains.undecided(on, later(600_000))
