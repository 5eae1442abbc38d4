"""One call of an engine's HTTP API: within a time, up to a size, its faults in our words."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar

import httpx

from app.clock import monotonic
from app.errors import PeerBusyError, PeerRefusedError, PeerSilentError, PeerUnknownError
from app.observability.metrics import Metrics
from processors.errors import RefusedBodyError

ANSWER_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an answer that are read, where nothing else is said; one with more is none."""
SMALL: Final = 1024 * 1024
"""Bytes of an answer that are read beside all others; of a larger one, the rest in its turn."""
CONNECTING: Final = 0.4
"""Share of a call's time that connecting, and waiting for a free connection, may take each."""


_OUTCOMES: Final = {2: "ok", 3: "redirected", 4: "refused", 5: "error"}
"""By the first digit of an answer's status, in words that a metric's label takes."""


T = TypeVar("T")


class Answer(NamedTuple):
    """A whole answer, read."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def redirects(self) -> bool:
        """Whether it sends us elsewhere, which no right base URL does."""
        return HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST

    @property
    def retry_after(self) -> timedelta | None:
        """The wait it asks for in seconds, at most an hour of it."""
        text = self.headers.get("retry-after", "")
        return timedelta(seconds=min(int(text), 3600)) if text.isdecimal() else None


def good(peer: str, answer: Answer, said: str) -> bytes:
    """Return the body of a hosted engine's 2xx answer.

    Args:
        peer: Who answered.
        answer: What.
        said: What it says where it is none, without secrets.

    Raises:
        PeerBusyError: 5xx.
        PeerRefusedError: 4xx.
    """
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return answer.content
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise PeerBusyError(peer, said)
    raise PeerRefusedError(peer, said)


def understood(peer: str, content: bytes, translate: Callable[[bytes], T]) -> T:
    """Translate a good answer; one that makes no sense may make sense later.

    Raises:
        PeerBusyError: It makes none.
    """
    try:
        return translate(content)
    except RefusedBodyError as error:
        raise PeerBusyError(peer, f"answered something else ({error})") from error


class Caller:
    """Calls one API.

    Args:
        client: The shared client; it follows no redirects and reads no environment.
        peer: What the API is called in errors, ``engine`` or ``engine:server``; in metrics, the
            engine.
        url: Its base URL.
        headers: Of every call.
        metrics: Where calls are counted.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        peer: str,
        url: str,
        headers: Mapping[str, str],
        metrics: Metrics,
    ) -> None:
        self._client = client
        self._peer = peer
        self._engine = peer.partition(":")[0]
        self._url = url.rstrip("/")
        self._headers = headers
        self._metrics = metrics

    async def call(
        self,
        call: str,
        method: str,
        path: str,
        limit: timedelta,
        *,
        limit_bytes: int = ANSWER_LIMIT,
        headers: Mapping[str, str] | None = None,
        room: asyncio.Semaphore | None = None,
        large: asyncio.Semaphore | None = None,
        **body: Any,  # noqa: ANN401 - httpx's own arguments
    ) -> Answer:
        """Make one call, all of it within `limit`; return its answer, whatever it says.

        Where there is a `room`, a call waits for its turn in it, and others of that room for it.
        Where there is one for `large` answers, one of more than `SMALL` bytes waits for its turn
        there before the rest of it is read.

        Raises:
            PeerSilentError: Nothing was sent, so nothing was done.
            PeerBusyError: Nor was it here; but it waited for calls of our own, not for the peer.
            PeerUnknownError: It broke off.
        """
        began, outcome = monotonic(), "failed"
        try:
            more = {**self._headers, **(headers or {})}
            async with asyncio.timeout(limit.total_seconds()), self._turn(room, limit):
                answer = await self._exchange(
                    method, path, limit, limit_bytes, large, headers=more, **body
                )
            outcome = _OUTCOMES.get(answer.status // 100, outcome)
        except httpx.PoolTimeout as error:
            raise PeerBusyError(self._peer, "is asked too much by us at once") from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise PeerSilentError(
                self._peer, f"cannot be reached ({type(error).__name__})"
            ) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise PeerUnknownError(self._peer, f"broke off ({type(error).__name__})") from error
        finally:
            self._metrics.engine_call(self._engine, call, outcome, monotonic() - began)
        return answer

    async def _exchange(
        self,
        method: str,
        path: str,
        limit: timedelta,
        limit_bytes: int,
        large: asyncio.Semaphore | None,
        **request: Any,  # noqa: ANN401 - httpx's own arguments
    ) -> Answer:
        """Send a request and read its answer.

        httpx limits each of its steps; a peer that sends a byte now and then passes them all.
        """
        whole = limit.total_seconds()
        first = whole * CONNECTING
        steps = httpx.Timeout(whole, connect=first, pool=first)
        url = self._url + path
        async with (
            AsyncExitStack() as turn,
            self._client.stream(method, url, timeout=steps, **request) as answer,
        ):
            content = bytearray()
            async for chunk in answer.aiter_bytes():
                content += chunk
                if large is not None and len(content) > SMALL:
                    await turn.enter_async_context(large)
                    large = None
                if len(content) > limit_bytes:
                    raise PeerUnknownError(self._peer, "answered more than can be read")
            return Answer(answer.status_code, answer.headers, bytes(content))

    @asynccontextmanager
    async def _turn(self, room: asyncio.Semaphore | None, limit: timedelta) -> AsyncGenerator[None]:
        """Wait for a place in a room, no longer than for a free connection."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(limit.total_seconds() * CONNECTING):
                    if room is not None:
                        await stack.enter_async_context(room)
            except TimeoutError as error:
                raise httpx.PoolTimeout("too many calls are under way") from error
            yield
