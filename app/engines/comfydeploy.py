"""ComfyDeploy over HTTP: a thin client. What its messages mean is in processors.protocols."""

from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx
import structlog

from app.engines.calling import Answer, Caller, good, understood
from app.engines.forms import FileForm
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
)
from app.observability.logs import scrub
from app.observability.metrics import Metrics
from processors.errors import RefusedBodyError
from processors.protocols import comfydeploy
from schemas.base import EngineName, RunId
from schemas.generation import Generation
from schemas.run import RunAt, RunReport
from schemas.timing import Timing

T = TypeVar("T")

PAGE: Final = 60
"""Runs asked for at once when a lost submit is looked for."""
PAGES: Final = 5
REMEMBERED: Final = 5_000
"""Runs of others whose webhook URL is remembered, so that they are read once."""
WEBHOOK_KEPT: Final = 2_000
"""Characters; the run of a longer webhook URL is not remembered."""
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
        self._caller = Caller(
            client,
            peer=self.name,
            url=url,
            headers={"Authorization": f"Bearer {key}"},
            metrics=metrics,
        )
        self._timing = timing
        self._log = structlog.get_logger()
        self._webhooks: OrderedDict[RunId, str] = OrderedDict()

    async def turn(self) -> None:
        """Return at once: it sets no pace."""

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """See app.ports.Engine.

        A 5xx, and any other break of the exchange once it has begun, leaves open whether the
        run was made: there is no idempotency key, so it must not be sent again blindly.
        """
        payload = generation.request_payload
        body = comfydeploy.submission(payload.deployment_id or "", payload.inputs, webhook)
        limit = self._timing.submit_limit
        answer = await self._call("submit", "POST", "/run/deployment/queue", limit, json=body)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise PeerUnknownError(self.name, f"answered {answer.status} to a submit")
        try:
            return comfydeploy.submitted(self._good(answer))
        except RefusedBodyError as error:
            raise PeerUnknownError(self.name, f"answered no run id ({error})") from error

    def peer(self, server: str | None) -> str:
        """See app.ports.Engine."""
        del server
        return self.name

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        run_id = run.run_id
        path = f"/run/{run_id}?queue_position=true"
        answer = await self._call("read", "GET", path, self._timing.call_limit)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise PeerMissingError(self.name, "knows no such run")
        report = self._understood(answer, comfydeploy.report)
        if report.run_id != run_id:
            raise PeerBusyError(self.name, "answered about another run")
        return report

    async def cancel(self, run: RunAt) -> None:
        """See app.ports.Engine.

        An unknown run and one that cannot be cancelled yet both answer 500
        (``run.py:610-614``), so a 500 means: try again.
        """
        path = f"/run/{run.run_id}/cancel"
        self._good(await self._call("cancel", "POST", path, self._timing.call_limit))

    async def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """See app.ports.Engine.

        A run that cannot be read is passed over: it must not hide the others. One that was
        read before and whose webhook URL does not name the generation is not read again.
        """
        deployment = generation.request_payload.deployment_id
        for page in range(PAGES):
            path = f"/deployment/{deployment}/runs?limit={PAGE}&offset={page * PAGE}"
            answer = await self._call("list", "GET", path, self._timing.call_limit)
            listed = self._understood(answer, comfydeploy.listed)
            for run in listed:
                if run.created_at < since:
                    return
                report = await self._candidate(run.run_id, generation)
                if report is not None:
                    yield report
            if len(listed) < PAGE:
                return

    async def _candidate(self, run_id: RunId, generation: Generation) -> RunReport | None:
        """Read a run that may serve a generation; None where it cannot, or cannot be read."""
        webhook = self._webhooks.get(run_id)
        if webhook is not None and generation.id not in webhook:
            return None
        try:
            report = await self.read(RunAt(run_id))
        except PeerDownError:
            raise
        except PeerError as error:
            if isinstance(error, PeerBusyError) and error.retry_after is not None:
                raise
            self._log.warning("a run of the list cannot be read", run=run_id, error=str(error))
            return None
        self._remember(run_id, report.webhook or "")
        return report

    def _remember(self, run_id: RunId, webhook: str) -> None:
        """Remember whose run it is: the webhook URL of a run never changes."""
        if len(webhook) <= WEBHOOK_KEPT:
            self._webhooks[run_id] = webhook
            self._webhooks.move_to_end(run_id)
        if len(self._webhooks) > REMEMBERED:
            self._webhooks.popitem(last=False)

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """See app.ports.Engine.

        ComfyDeploy judges a file by its name, and takes at most 250 MB.
        """
        if size > UPLOAD_LIMIT:
            raise PeerRefusedError(self.name, "a file may have at most 250 MB")
        form = FileForm(name, content_type, size)
        answer = await self._call(
            "upload",
            "POST",
            "/file/upload",
            self._timing.upload_limit,
            content=form.around(content),
            headers=form.headers,
        )
        return self._understood(answer, comfydeploy.uploaded)

    def fetches(self, size: int) -> bool:
        """See app.ports.Engine."""
        del size
        return False

    async def check(self) -> str:
        """See app.ports.Engine.

        A run id that cannot exist: a right key answers 404, a wrong one 401.
        """
        path = "/run/00000000-0000-0000-0000-000000000000"
        answer = await self._call("check", "GET", path, self._timing.call_limit)
        if answer.status != HTTPStatus.NOT_FOUND:
            self._good(answer)
        return "the key is accepted"

    def _understood(self, answer: Answer, translate: Callable[[bytes], T]) -> T:
        """Translate a good answer; one that makes no sense may make sense later."""
        return understood(self.name, self._good(answer), translate)

    async def _call(
        self,
        call: str,
        method: str,
        path: str,
        limit: timedelta,
        **request: Any,  # noqa: ANN401 - httpx's own arguments
    ) -> Answer:
        """Make one call; translate what the network does to it, and faults of the whole peer."""
        answer = await self._caller.call(call, method, path, limit, **request)
        self._check_peer(answer)
        return answer

    def _check_peer(self, answer: Answer) -> None:
        """Tell faults of the whole peer, or of our account there, from those of one call.

        Raises:
            PeerDownError: Our key or our account is refused; or a 3xx, which no right base URL
                answers.
            PeerBusyError: 429.
        """
        said = _said(answer)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise PeerDownError(self.name, f"refuses COMFYDEPLOY_API_KEY: {said}")
        if answer.status == HTTPStatus.FORBIDDEN and comfydeploy.is_suspension(said):
            raise PeerDownError(self.name, f"refuses our account: {said}")
        if answer.redirects:
            raise PeerDownError(
                self.name, f"answered {answer.status}: COMFYDEPLOY_API_URL leads elsewhere"
            )
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise PeerBusyError(self.name, "asks us to slow down", answer.retry_after)

    def _good(self, answer: Answer) -> bytes:
        """Return the body of a 2xx answer.

        Raises:
            PeerBusyError: 5xx.
            PeerRefusedError: 4xx.
        """
        said = _said(answer)
        told = f"answered {answer.status}" + (f": {said}" if said else "")
        return good(self.name, answer, told)


def _said(answer: Answer) -> str:
    """Return what an error says, without secrets; it is kept in records and told to people."""
    return (
        "" if answer.status < HTTPStatus.BAD_REQUEST else scrub(comfydeploy.detail(answer.content))
    )
