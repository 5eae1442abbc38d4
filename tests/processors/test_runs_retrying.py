"""Why a run is tried again stands in its history."""

from processors import runs
from processors.debts import Taker
from schemas.base import InstanceName
from schemas.generation import EngineRun, Generation, Retry
from schemas.run import RunStatus
from schemas.timing import Timing
from tests.builders import NOON, RUN, a_debt, a_generation, a_report, later

TAKER = Taker(by=InstanceName("me"), until=later(75))


def at_a_server() -> Generation:
    """A run at a server, its first of three."""
    run = EngineRun(attempt=1, run_id=RUN, server="a", submitted_at=NOON)
    return a_generation(RunStatus.RUNNING, runs=(run,), max_attempts=3, slot="a#1")


def why(generation: Generation) -> str:
    """Return why it waits again, which it does."""
    assert (generation.status, generation.attempt) == (RunStatus.PENDING, 2)
    return generation.history[-1].source


def test_a_run_that_its_server_has_no_more_was_lost() -> None:
    """Whoever found that out."""
    assert why(runs.vanished(at_a_server(), "lost", NOON, TAKER)) == Retry.LOST


def test_a_run_that_its_server_did_not_take_was_not_lost() -> None:
    """It was never there."""
    debt = a_debt(runs.SUBMIT, by=TAKER.by, n=3)
    after = runs.untaken(
        at_a_server().change(owed=(debt,)), debt, "answered 500", now=NOON, taker=TAKER
    )

    assert why(after) == Retry.UNTAKEN


def test_a_run_that_failed_for_the_moment_has_failed() -> None:
    """As for want of memory, which another server may have."""
    report = a_report(RunStatus.FAILED, passing=True)
    after = runs.concluded(at_a_server(), report, now=NOON, timing=Timing(), taker=TAKER)

    assert why(after) == Retry.FAILED


def test_a_run_whose_server_is_not_reached_is_tried_elsewhere() -> None:
    """Nobody knows what became of it."""
    assert why(runs.retried(at_a_server(), NOON, TAKER, Retry.GONE)) == Retry.GONE
