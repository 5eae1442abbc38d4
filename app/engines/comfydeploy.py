"""ComfyDeploy over HTTP: a thin client. What its messages mean is in processors.protocols."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, TypeVar

import httpx
from pydantic import JsonValue

from app.clock import monotonic
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
)
from app.observability.metrics import Metrics
from processors.errors import RefusedBodyError
from processors.protocols import comfydeploy
from schemas.base import EngineName, RunId
from schemas.generation import Generation
from schemas.run import RunReport
from schemas.timing import Timing

T = TypeVar("T")

PAGE: Final = 60
"""Runs asked for at once when a lost submit is looked for."""
PAGES: Final = 5
UPLOAD_LIMIT: Final = 250 * 1024 * 1024
"""Source: ``files.py:125-219``: larger files are refused there."""


class ComfyDeploy:
    """See app.ports.Engine.

    Args:
        client: The shared client; it follows no redirects and reads no environment.
        url: Base URL of the API, such as ``https://api.comfydeploy.com/api``.
        key: The API key.
        hosts: Host patterns of its outputs.
        timing: How long to wait for answers.
        metrics: Where calls are counted.
    """

    name: EngineName = comfydeploy.NAME

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        url: str,
        key: str,
        hosts: tuple[str, ...],
        timing: Timing,
        metrics: Metrics,
    ) -> None:
        self.hosts = hosts
        self._client = client
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._timing = timing
        self._metrics = metrics

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """See app.ports.Engine.

        A 5xx, and any other break of the exchange once it has begun, leaves open whether the
        run was made: there is no idempotency key, so it must not be sent again blindly.
        """
        payload = generation.request_payload
        body = comfydeploy.submission(payload.deployment_id, payload.inputs, webhook)
        limit = self._timing.submit_limit
        answer = await self._call("submit", "POST", "/run/deployment/queue", limit, json=body)
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise PeerUnknownError(self.name, f"answered {answer.status_code} to a submit")
        try:
            return comfydeploy.submitted(self._good(answer))
        except RefusedBodyError as error:
            raise PeerUnknownError(self.name, f"answered no run id ({error})") from error

    async def read(self, run_id: RunId) -> RunReport:
        """See app.ports.Engine."""
        path = f"/run/{run_id}?queue_position=true"
        answer = await self._call("read", "GET", path, self._timing.call_limit)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise PeerMissingError(self.name, "knows no such run")
        return self._understood(answer, comfydeploy.report)

    async def cancel(self, run_id: RunId) -> None:
        """See app.ports.Engine.

        An unknown run and one that cannot be cancelled yet both answer 500
        (``run.py:610-614``), so a 500 means: try again.
        """
        path = f"/run/{run_id}/cancel"
        self._good(await self._call("cancel", "POST", path, self._timing.call_limit))

    async def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """See app.ports.Engine."""
        deployment = generation.request_payload.deployment_id
        for page in range(PAGES):
            path = f"/deployment/{deployment}/runs?limit={PAGE}&offset={page * PAGE}"
            answer = await self._call("list", "GET", path, self._timing.call_limit)
            listed = self._understood(answer, comfydeploy.listed)
            for run in listed:
                if run.created_at < since:
                    return
                yield await self.read(run.run_id)
            if len(listed) < PAGE:
                return

    async def upload(self, filename: str, content: bytes, content_type: str) -> str:
        """Upload an input file; return the address to use as an input.

        Raises:
            PeerRefusedError: Its type or its size, at most 250 MB, is not taken.
        """
        if len(content) > UPLOAD_LIMIT:
            raise PeerRefusedError(self.name, "a file may have at most 250 MB")
        files = {"file": (filename, content, content_type)}
        limit = self._timing.submit_limit
        answer = await self._call("upload", "POST", "/file/upload", limit, files=files)
        return self._understood(answer, comfydeploy.uploaded)

    async def check(self) -> str:
        """See app.ports.Engine.

        A run id that cannot exist: a right key answers 404, a wrong one 401.
        """
        path = "/run/00000000-0000-0000-0000-000000000000"
        answer = await self._call("check", "GET", path, self._timing.call_limit)
        if answer.status_code != HTTPStatus.NOT_FOUND:
            self._good(answer)
        return "the key is accepted"

    def _understood(self, answer: httpx.Response, translate: Callable[[bytes], T]) -> T:
        """Translate a good answer; one that makes no sense may make sense later."""
        try:
            return translate(self._good(answer))
        except RefusedBodyError as error:
            raise PeerBusyError(self.name, f"answered something else ({error})") from error

    async def _call(
        self,
        call: str,
        method: str,
        path: str,
        limit: timedelta,
        *,
        json: Mapping[str, JsonValue] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
    ) -> httpx.Response:
        """Make one call; translate what the network does to it, and a key that is refused."""
        began, outcome = monotonic(), "failed"
        try:
            answer = await self._client.request(
                method,
                self._url + path,
                headers=self._headers,
                json=json,
                files=files,
                timeout=limit.total_seconds(),
            )
            outcome = f"{answer.status_code // 100}xx"
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            # Nothing was sent, so nothing was done.
            raise PeerDownError(self.name, f"cannot be reached ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise PeerUnknownError(self.name, f"broke off ({type(error).__name__})") from error
        finally:
            self._metrics.engine_call(self.name, call, outcome, monotonic() - began)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            said = comfydeploy.detail(answer.content)
            raise PeerDownError(self.name, f"refuses COMFYDEPLOY_API_KEY: {said}")
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise PeerBusyError(self.name, "asks us to slow down", _retry_after(answer))
        return answer

    def _good(self, answer: httpx.Response) -> bytes:
        """Return the body of a 2xx answer.

        Raises:
            PeerBusyError: 5xx.
            PeerRefusedError: 4xx, and 3xx, which no right base URL answers.
        """
        if answer.is_success:
            return answer.content
        said = comfydeploy.detail(answer.content)
        told = f"answered {answer.status_code}" + (f": {said}" if said else "")
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise PeerBusyError(self.name, told)
        raise PeerRefusedError(self.name, told)


def _retry_after(answer: httpx.Response) -> timedelta | None:
    """Read a Retry-After in seconds, at most an hour of it."""
    text = answer.headers.get("retry-after", "")
    return timedelta(seconds=min(int(text), 3600)) if text.isdecimal() else None
