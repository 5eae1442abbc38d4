"""Delivering webhooks the way ComfyDeploy does: unsigned, three tries, two of them as GET.

The habits are those of `utils.py:948-978` in comfy-deploy/api at d69228d: `fetch_with_timeout` pops
`method` out of options that its retries share, so the second and third try are GET with the body.
"""

import asyncio
import json
import random
import time

import httpx

from sandbox.comfydeploy.runs import Attempt, Json, Run
from sandbox.controls import ComfyDeployControls

_WAITS = (0.5, 1.0)
_TIMEOUT = 20.0
_FAILED = 400
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "Python/3.11 aiohttp/3.12.15",
}


class Webhooks:
    """The sender of every run's webhooks."""

    def __init__(self, client: httpx.AsyncClient, controls: ComfyDeployControls) -> None:
        self._client = client
        self._controls = controls

    async def deliver(self, run: Run, body: Json) -> None:
        """Try to deliver one event to the run's URL, unchanged, until it is answered below 400.

        After the third failure the event is lost. Every try is noted in the run.
        """
        for number, wait in enumerate((0.0, *_WAITS)):
            # Jitter needs no secrecy.
            jitter = 1.0 + random.random() / 10  # noqa: S311
            await asyncio.sleep(wait * jitter * self._controls.retry_scale)
            attempt = await self._try(run, body, "POST" if number == 0 else "GET")
            run.attempts.append(attempt)
            if attempt.answered is not None and attempt.answered < _FAILED:
                return

    async def _try(self, run: Run, body: Json, method: str) -> Attempt:
        at, status = time.monotonic(), str(body["status"])
        try:
            async with asyncio.timeout(_TIMEOUT):
                response = await self._client.request(
                    method,
                    run.webhook or "",
                    content=json.dumps(body),
                    headers=_HEADERS,
                    follow_redirects=True,
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return Attempt(at, method, status, None, type(error).__name__)
        return Attempt(at, method, status, response.status_code)
