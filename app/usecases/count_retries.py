"""Count the runs that are tried again, by why."""

from app.observability.metrics import Metrics
from schemas.generation import Generation


class CountRetries:
    """Counts what this process has tried again.

    Args:
        metrics: Where it is counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def noticed(self, before: Generation | None, after: Generation) -> None:
        """Take note of a change; the last line of the history of a new attempt says why it is."""
        if before is not None and after.attempt > before.attempt:
            self._metrics.retried(after.history[-1].source)
