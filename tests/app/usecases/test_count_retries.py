"""app.usecases.count_retries: what is tried again is counted."""

from app.observability.metrics import Metrics
from app.usecases.count_retries import CountRetries
from schemas.generation import Retry, StatusChange
from schemas.run import RunStatus
from tests.builders import NOON, a_generation


def test_a_new_attempt_counts_once_by_why() -> None:
    """A new record is none, nor is a change of one that is tried again already."""
    metrics = Metrics()
    noticed = CountRetries(metrics).noticed
    before = a_generation(RunStatus.RUNNING)
    again = StatusChange(status=RunStatus.PENDING, at=NOON, source=Retry.GONE.value)
    after = before.change(status=RunStatus.PENDING, attempt=2, history=(again,))
    noticed(None, after)
    noticed(before, after)
    noticed(after, after.change(queue_position=3))

    assert 'runrelay_runs_retried_total{reason="gone"} 1.0' in metrics.render().decode()
