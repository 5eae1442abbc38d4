"""Delivering webhooks the way Replicate does: signed, and the last one again where it must be."""

import asyncio
import json
import secrets
import time
from typing import Final

import httpx

from sandbox.controls import ReplicateControls
from sandbox.replicate.predictions import Attempt, Json, Prediction
from sandbox.replicate.signing import Secrets

COMPLETED: Final = "completed"
RETRY_WAITS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 29.0)
"""Seconds between the tries of a last webhook; several, the last about a minute after the end."""
_TIMEOUT = 10.0
_FAILED = 400


class Webhooks:
    """The sender of every prediction's webhooks."""

    def __init__(
        self, client: httpx.AsyncClient, controls: ReplicateControls, signer: Secrets
    ) -> None:
        self._client = client
        self._controls = controls
        self._secrets = signer

    async def deliver(self, prediction: Prediction, event: str, body: Json) -> None:
        """Deliver one event; only the last one of a prediction is tried again.

        First tries follow each other in the order of these calls. A redirect is an answer, and not
        followed. Every try is noted in the prediction.
        """
        webhook_id, content = f"msg_{secrets.token_hex(12)}", json.dumps(body).encode()
        await asyncio.sleep(self._controls.webhooks_late)
        async with prediction.telling:
            copies = (
                self._try(prediction, event, webhook_id, content)
                for _ in range(self._controls.webhooks_times)
            )
            taken = any(await asyncio.gather(*copies))
        waits = () if event != COMPLETED or taken else RETRY_WAITS
        for wait in waits:
            await asyncio.sleep(wait * self._controls.retry_scale)
            if await self._try(prediction, event, webhook_id, content):
                return

    async def _try(
        self, prediction: Prediction, event: str, webhook_id: str, content: bytes
    ) -> bool:
        """Try once, and say whether it is done with."""
        # The receiver compares it with its own clock.
        at, stamp = time.monotonic(), int(time.time())
        answered, failure = None, None
        signed = self._secrets.headers(webhook_id, stamp, content, self._controls.signed)
        try:
            async with asyncio.timeout(_TIMEOUT):
                response = await self._client.post(
                    prediction.webhook or "",
                    content=content,
                    headers={"Content-Type": "application/json", **signed},
                    follow_redirects=False,
                )
            answered = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            failure = type(error).__name__
        prediction.attempts.append(Attempt(event, webhook_id, stamp, at, answered, failure))
        return answered is not None and answered < _FAILED
