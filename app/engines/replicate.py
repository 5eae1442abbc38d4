"""Replicate over HTTP: a thin client. What its messages mean is in processors.protocols."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
import structlog

from app.engines.calling import Answer, Caller, good, understood
from app.engines.pacing import Pacing
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
)
from app.observability.logs import scrub
from app.observability.metrics import Metrics
from processors import runs
from processors.errors import RefusedBodyError
from processors.protocols import replicate
from schemas.base import EngineName, RunId
from schemas.generation import Generation
from schemas.run import RunAt, RunReport, RunStatus
from schemas.timing import Timing

T = TypeVar("T")

HOSTS: Final = ("replicate.delivery", "*.replicate.delivery")
"""Where outputs are (its OpenAPI text)."""
CREATIONS: Final = 600
"""Predictions that may be made in a minute (replicate.com/docs/topics/predictions/rate-limits)."""
OTHERS: Final = 3000
"""All other calls that may be made in a minute (the same)."""
DATA_URL_MOST: Final = 256_000
"""Bytes of a file that is sent within the inputs; a larger one is fetched (its OpenAPI text)."""
PATIENCE: Final = timedelta(seconds=8)
"""Longest that a call waits for its turn, so that its claim has time for the call itself; one
that would wait longer comes back later."""
THROTTLED: Final = timedelta(seconds=10)
"""How long we keep off after a 429 that does not say how long."""
LARGE: Final = 32 * 1024 * 1024
"""Bytes of answers that hold predictions, whose outputs and logs may be long."""
LARGE_AT_ONCE: Final = 2
"""Such answers of more than a megabyte that are read at a time; all share the memory."""
SUBMIT: Final = "submit"
"""What a call is called that makes a prediction: it has limits of its own."""
_ENDED: Final = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
)
"""What a cancel may be answered where there is nothing to be cancelled (any more)."""


class Replicate:
    """See app.ports.Engine.

    Attributes:
        creations: Turns to make predictions.
        others: Turns for all other calls.

    Args:
        client: The shared client; it follows no redirects and reads no environment.
        url: Base URL of the API, such as ``https://api.replicate.com/v1``.
        token: The API token.
        secrets: What its webhooks are signed with, as far as we know: ``whsec_...``.
        hosts: Host patterns of its outputs.
        timing: How long to wait for answers.
        metrics: Where calls are counted.
    """

    name: EngineName = replicate.NAME

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        url: str,
        token: str,
        secrets: Sequence[str] = (),
        hosts: tuple[str, ...] = HOSTS,
        timing: Timing,
        metrics: Metrics,
    ) -> None:
        self.hosts = hosts
        self._caller = Caller(
            client,
            peer=self.name,
            url=url,
            headers={"Authorization": f"Bearer {token}"},
            metrics=metrics,
        )
        self._secrets = secrets
        self._log = structlog.get_logger()
        self._timing = timing
        self.creations = Pacing(CREATIONS)
        self.others = Pacing(OTHERS)
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    def peer(self, server: str | None) -> str:
        """See app.ports.Engine."""
        del server
        return self.name

    async def turn(self) -> None:
        """See app.ports.Engine."""
        await self._turn(self.creations)

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """See app.ports.Engine.

        A 5xx, and any other break of the exchange once it has begun, leaves open whether the
        prediction was made: there is no idempotency key, so it must not be sent again blindly.
        """
        path, body = replicate.creation(generation.request_payload, webhook)
        limit = self._timing.submit_limit
        answer = await self._call(SUBMIT, "POST", path, limit, json=body)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise PeerUnknownError(self.name, f"answered {answer.status} to a submit")
        if answer.status == HTTPStatus.NOT_FOUND:
            raise PeerRefusedError(self.name, "has no such model or deployment for this account")
        try:
            return replicate.created(self._good(answer))
        except RefusedBodyError as error:
            raise PeerUnknownError(self.name, f"answered no prediction ({error})") from error

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        await self._turn(self.others)
        limit = self._timing.call_limit
        path = f"/predictions/{run.run_id}"
        answer = await self._call("read", "GET", path, limit, limit_bytes=LARGE, large=self._large)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise PeerMissingError(self.name, "knows no such run")
        report = self._understood(answer, replicate.report)
        if report.run_id != run.run_id:
            raise PeerBusyError(self.name, "answered about another run")
        if report.cut and report.status is RunStatus.COMPLETED:
            self._log.warning("a run made more than is kept", kept=len(report.outputs))
        return report.change(outputs=replicate.told_apart(report.outputs, self.hosts))

    async def cancel(self, run: RunAt) -> None:
        """See app.ports.Engine.

        One that has ended, or that it does not know, is no fault: its end is told like any other.
        """
        await self._turn(self.others)
        path = f"/predictions/{run.run_id}/cancel"
        answer = await self._call("cancel", "POST", path, self._timing.call_limit)
        if answer.status not in _ENDED:
            self._good(answer)

    async def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """See app.ports.Engine.

        A prediction does not say whom it tells of itself. So all those are yielded that may have
        been made of what we sent, when we sent it.
        """
        sent = runs.sent_at(generation)
        until = sent + (sent - since) + self._timing.submit_limit
        page = urlencode({"created_after": since.isoformat(), "created_before": until.isoformat()})
        while page:
            listed, page = await self._page(page)
            for each in listed:
                if each.created_at < since:
                    return
                named = each.webhook is not None and generation.id in each.webhook
                alike = replicate.alike(each, generation.request_payload)
                if each.created_at <= until and (named or alike):
                    report = await self.read(RunAt(each.run_id))
                    yield report.change(webhook=each.webhook or report.webhook, alike=alike)

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """Return a small file as a data URL: nothing is sent yet."""
        del name
        if self.fetches(size):
            raise PeerRefusedError(self.name, "a file of this size is fetched, not sent")
        whole = b"".join([chunk async for chunk in content])
        return f"data:{content_type};base64,{b64encode(whole).decode()}"

    def fetches(self, size: int) -> bool:
        """See app.ports.Engine."""
        return size > DATA_URL_MOST

    async def check(self) -> str:
        """See app.ports.Engine.

        Raises:
            PeerRefusedError: Among other things: our account signs webhooks with another secret
                than we know.
        """
        path = "/webhooks/default/secret"
        answer = await self._call("check", "GET", path, self._timing.call_limit)
        secret = self._understood(answer, replicate.signing_secret)
        if not self._secrets:
            return "the token is accepted"
        if secret not in self._secrets:
            raise PeerRefusedError(
                self.name, "signs webhooks with another secret than REPLICATE_WEBHOOK_SECRET"
            )
        return "the token is accepted, and the webhook secret is the account's"

    async def _page(self, query: str) -> tuple[tuple[replicate.Listed, ...], str]:
        """Return a page of our predictions, and the query of the next: the address stays ours.

        Nothing for a query after the last page.
        """
        await self._turn(self.others)
        path, limit = f"/predictions?{query}", self._timing.call_limit
        answer = await self._call("list", "GET", path, limit, limit_bytes=LARGE, large=self._large)
        listed, after = self._understood(answer, replicate.listed)
        following = urlsplit(after or "").query
        return listed, "" if following == query else following

    async def _turn(self, pacing: Pacing) -> None:
        """Wait for our turn.

        Raises:
            PeerBusyError: It would be long; or, meanwhile, another call was told to slow down.
        """
        wait = timedelta(seconds=pacing.ahead)
        if wait > PATIENCE:
            raise PeerBusyError(self.name, "is asked as often as it allows", wait)
        await pacing.turn()
        held = timedelta(seconds=pacing.held)
        if held:
            raise PeerBusyError(self.name, "has asked us to slow down", held)

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
        self._check_peer(answer, self.creations if call == SUBMIT else self.others)
        return answer

    def _check_peer(self, answer: Answer, pacing: Pacing) -> None:
        """Tell faults of the whole peer, or of our account there, from those of one call.

        A 429 holds back all calls of its kind: each of them would meet it.

        Raises:
            PeerDownError: Our token is refused, or there is no credit; or a 3xx, which no right
                base URL answers.
            PeerBusyError: 429.
        """
        said = _said(answer)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise PeerDownError(self.name, f"refuses REPLICATE_API_TOKEN: {said}")
        if answer.status == HTTPStatus.PAYMENT_REQUIRED:
            cure = "add credit at replicate.com/account/billing"
            raise PeerDownError(self.name, f"has no credit of ours left; {cure}: {said}")
        if answer.redirects:
            raise PeerDownError(
                self.name, f"answered {answer.status}: REPLICATE_API_URL leads elsewhere"
            )
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = answer.retry_after or replicate.retry_after(answer.content) or THROTTLED
            pacing.hold(wait.total_seconds())
            raise PeerBusyError(self.name, "asks us to slow down", wait)

    def _good(self, answer: Answer) -> bytes:
        """Return the body of a 2xx answer.

        Raises:
            PeerBusyError: 5xx.
            PeerRefusedError: 4xx.
        """
        return good(self.name, answer, _said(answer) or f"answered {answer.status}")


def _said(answer: Answer) -> str:
    """Return what an error says, without secrets; it is kept in records and told to people."""
    if answer.status < HTTPStatus.BAD_REQUEST:
        return ""
    return scrub(replicate.refusal(answer.content))
