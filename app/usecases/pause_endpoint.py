"""Leave an endpoint alone, and say so to the administrator."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from app.errors import ContendedError
from app.observability.metrics import Metrics
from app.ports import Alerts, Endpoints
from processors import hooks
from schemas.hook import Endpoint, EndpointId, PauseReason

MAX_TRIES: Final = 10
_WHY: Final = {
    "gone": "it answers 410 Gone",
    "failing": "it has failed for hours",
    "operator": "somebody wants it so",
}


class PauseEndpoint:
    """Pauses endpoints.

    Args:
        endpoints: Who listens.
        alerts: Told of it.
        metrics: Counts it.
        now: The time.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        alerts: Alerts,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._endpoints = endpoints
        self._alerts = alerts
        self._metrics = metrics
        self._now = now

    async def __call__(self, endpoint_id: EndpointId, why: PauseReason) -> None:
        """Pause an endpoint; one that is paused, or not there, stays so.

        Raises:
            ContendedError: Others kept winning the write.
            StoreDownError: The database does not answer.
        """
        for _ in range(MAX_TRIES):
            before = await self._endpoints.get(endpoint_id)
            if before is None or before.paused_at is not None:
                return
            after = before.change(version=before.version + 1, paused_at=self._now(), paused_why=why)
            if await self._endpoints.write(before, after):
                self._metrics.hook_sent("paused")
                self._tell(after, why)
                return
        raise ContendedError(f"endpoint {endpoint_id}")

    def _tell(self, endpoint: Endpoint, why: PauseReason) -> None:
        host = hooks.host_of(endpoint.url)
        resume = f"runrelay webhooks resume {endpoint.id}"
        self._alerts.alert("webhook_paused", f"{endpoint.id} ({host}): {_WHY[why]}; {resume}")
