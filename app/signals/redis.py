"""Wake-ups over Redis: one small message on a channel, which may be lost without harm.

A message says that there is something to do, not what: the database knows that. So there is
nothing to store, to confirm or to order, and a Redis that is slow, empty, gone or back again
changes only how soon it is looked. Whoever wakes sets a flag and goes on; one task publishes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Final, Literal, NoReturn, Protocol, TypeVar, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.errors import PeerDownError, SetupError
from app.observability.metrics import Metrics
from processors import backoff
from schemas.base import InstanceName
from schemas.timing import Timing

GAP_SECONDS: Final = 0.01
"""Shortest time between two messages of one process: one stands for all of it."""
WAITS: Final = tuple(timedelta(seconds=each) for each in (0.2, 0.5, 1, 2, 5, 10, 15))
"""Waits before a lost connection is tried again; the last one repeats."""

_PEER: Final = "redis"
_Line = Literal["publishing", "listening"]
_Message = Mapping[str, Any]
T = TypeVar("T")


class Subscription(Protocol):
    """What we use of a connection that listens; the library's own types are incomplete."""

    async def subscribe(self, channel: str, /) -> object:
        """Ask for a channel's messages."""
        ...

    async def ping(self) -> object:
        """Ask for a sign of life, which comes as a message."""
        ...

    async def get_message(self, *, timeout: None) -> _Message:  # noqa: ASYNC109 - theirs
        """Return the next message, however long it takes."""
        ...


class Client(Protocol):
    """What we use of a client, in the same way."""

    async def publish(self, channel: str, message: bytes, /) -> object:
        """Publish a message."""
        ...

    async def ping(self) -> object:
        """Ask for a sign of life."""
        ...

    async def info(self, section: str, /) -> Mapping[str, object]:
        """Return what it tells of itself."""
        ...

    def pubsub(self) -> AbstractAsyncContextManager[Subscription]:
        """Take a connection to listen by."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


class RedisWaker:
    """An `app.ports.Waker` by a channel of Redis; `run` keeps it going."""

    def __init__(
        self,
        url: str,
        *,
        database: str,
        me: InstanceName,
        jitter: Callable[[], float],
        timing: Timing,
        metrics: Metrics,
    ) -> None:
        """Set it up; nothing is connected before `run`.

        Args:
            url: Where Redis is, its password included.
            database: Whose processes wake each other; it names the channel.
            me: This process, which need not be woken by itself.
            jitter: Draws from 0.0 to 1.0.
            timing: Limits and intervals.
            metrics: Where wake-ups are counted.

        Raises:
            SetupError: The address is none.
        """
        self._limit = timing.wake_limit.total_seconds()
        self._quiet = timing.wake_quiet.total_seconds()
        self._client = connect(url)
        self._channel = f"runrelay:{database}:wake"
        self._me = me.encode()
        self._jitter = jitter
        self._metrics = metrics
        self._looks = list[Callable[[], None]]()
        self._wanted = asyncio.Event()
        self._failures: dict[_Line, int] = {}
        self._log = structlog.get_logger()

    def wake(self) -> None:
        """See app.ports.Waker."""
        self._wanted.set()

    def heed(self, look: Callable[[], None]) -> None:
        """See app.ports.Waker."""
        self._looks.append(look)

    async def run(self) -> NoReturn:
        """Publish, and listen where somebody heeds it, until cancelled; nothing is left unsaid."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._lasting("publishing", self._publish))
                if self._looks:
                    group.create_task(self._lasting("listening", self._listen))
            raise AssertionError  # pragma: no cover - neither of the two ever ends
        finally:
            await self._finish()

    async def _finish(self) -> None:
        """Publish what is still to be, if that is soon done, and close the connections."""
        try:
            if self._wanted.is_set() and not any(self._failures.values()):
                await self._say()
        except Exception as error:  # noqa: BLE001 - as below
            self._log.debug("nobody was woken at the end", error=str(error))
        finally:
            await self._client.aclose()

    async def _lasting(self, line: _Line, do: Callable[[], Awaitable[NoReturn]]) -> NoReturn:
        """Do something for ever that a lost connection ends, the waits growing meanwhile."""
        while True:
            try:
                await do()
            except Exception as error:  # noqa: BLE001 - whatever a hint fails of, the service goes on
                await asyncio.sleep(self._down(line, error))

    async def _publish(self) -> NoReturn:
        while True:
            wanted = await self._soon()
            if wanted:
                await self._say()
            else:
                await _within(self._limit, self._client.ping())
            self._up("publishing")
            await asyncio.sleep(GAP_SECONDS)

    async def _say(self) -> None:
        """Publish one message for all that is to be said; what is not said is left to be said."""
        # Before the call: what comes during it may come too late for it.
        self._wanted.clear()
        try:
            await _within(self._limit, self._client.publish(self._channel, self._me))
        except BaseException:
            self._wanted.set()
            raise
        self._metrics.wakeup("published")

    async def _soon(self) -> bool:
        """Wait until somebody is to be woken; return False where it has been quiet for long.

        A connection that has failed, or is new, is tried at once.
        """
        if self._failures.get("publishing") != 0:
            return self._wanted.is_set()
        try:
            async with asyncio.timeout(self._quiet):
                return await self._wanted.wait()
        except TimeoutError:
            return False

    async def _listen(self) -> NoReturn:
        async with self._client.pubsub() as pubsub:
            await _within(self._limit, pubsub.subscribe(self._channel))
            asked = False
            while True:
                try:
                    message = await _within(self._quiet, pubsub.get_message(timeout=None))
                except TimeoutError:
                    if asked:
                        raise
                    asked = True
                    await _within(self._limit, pubsub.ping())
                else:
                    asked = False
                    self._heard(message)

    def _heard(self, message: _Message) -> None:
        """Take what came: that we are subscribed, a sign of life, or a wake-up."""
        if message["type"] == "subscribe":
            self._up("listening")
        elif message["type"] == "message" and message["data"] != self._me:
            self._metrics.wakeup("received")
            for look in self._looks:
                look()

    def _up(self, line: _Line) -> None:
        """Note that a line works; say so where it had been said that it does not."""
        failed = any(self._failures.values())
        self._failures[line] = 0
        all_up = self._all_up()
        self._metrics.redis_connected(connected=all_up)
        if failed and all_up:
            self._log.info("Redis answers again")

    def _down(self, line: _Line, error: Exception) -> float:
        """Note that a line was lost; return after how many seconds it is tried again."""
        if not any(self._failures.values()):
            self._log.warning(
                "Redis does not answer; what is due is found by looking each second",
                error=f"{type(error).__name__}: {error}",
            )
        self._failures[line] = self._failures.get(line, 0) + 1
        self._metrics.redis_connected(connected=False)
        return backoff.wait(self._failures[line], WAITS, self._jitter()).total_seconds()

    def _all_up(self) -> bool:
        return len(self._failures) > bool(self._looks) and not any(self._failures.values())


def connect(url: str) -> Client:
    """Return a client for an address, without limits of its own; nothing is connected yet.

    Raises:
        SetupError: The address is none.
    """
    made = cast("Callable[..., Client]", Redis.from_url)  # pyright: ignore[reportUnknownMemberType] - see `Client`
    try:
        return made(
            url,
            protocol=2,
            # Its limit for a write can swallow a cancellation (`asyncio.wait_for`, Python 3.11).
            socket_timeout=None,
            # We try again ourselves: nobody shall wait longer than they are to.
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:
        # Its words may hold the address, and with that the password.
        raise SetupError(
            ["REDIS_URL: cannot be used; write it like redis://:password@host:6379/0"]
        ) from None


async def check(url: str, seconds: float) -> str:
    """Ask a Redis whether it is there; return its version.

    Args:
        url: Its address.
        seconds: Longest wait for its answer.

    Raises:
        PeerDownError: It does not answer, or does not let us in.
        SetupError: The address is none.
    """
    client = connect(url)
    try:
        async with asyncio.timeout(seconds):
            told = await client.info("server")
    except (RedisError, OSError) as error:
        raise PeerDownError(_PEER, f"{type(error).__name__}: {error}") from None
    finally:
        await client.aclose()
    return f"Redis {told['redis_version']}"


async def _within(seconds: float, answer: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await answer
