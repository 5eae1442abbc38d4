"""Wake-ups over a Redis that comes, goes, hangs, forgets and refuses."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from app.errors import PeerDownError, SetupError
from app.observability.metrics import Metrics
from app.signals.redis import check, connect
from schemas.timing import Timing
from tests.app.signals.wakers import HASTY, a_waker, connected, figure
from tests.redis import SharedRedis, a_redis
from tests.service import until

pytestmark = pytest.mark.anyio

PASSWORD: Final = "a-password-that-nobody-may-read"
LOST: Final = "Redis does not answer"
BACK: Final = "Redis answers again"


class Pair:
    """One process that wakes, and one that is woken.

    Attributes:
        heard: Set by each wake-up.
    """

    def __init__(self, url: str, timing: Timing = HASTY) -> None:
        self.metrics, self.theirs = Metrics(), Metrics()
        self.waker = a_waker(url, self.metrics, timing=timing)
        self.listener = a_waker(url, self.theirs, name="there", timing=timing)
        self.heard = asyncio.Event()
        self.listener.heed(self.heard.set)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run both for the length of the block."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each.run()) for each in (self.waker, self.listener)]
            yield
            for each in tasks:
                each.cancel()

    async def wakes(self) -> None:
        """See that a wake-up arrives, the connections standing or coming back."""

        async def woken() -> bool:
            self.waker.wake()
            return self.heard.is_set()

        self.heard.clear()
        await until(woken, bool)

    async def both(self, *, connected_: bool) -> None:
        """Wait until both are connected, or neither is."""
        await connected(self.metrics, is_so=connected_)
        await connected(self.theirs, is_so=connected_)


@pytest.fixture
def redis() -> Iterator[SharedRedis]:
    """A redis-server that the test may kill."""
    with a_redis() as own:
        yield own


async def test_what_is_sent_and_heard_is_counted(shared_redis: SharedRedis) -> None:
    """A burst while a message is on its way is one more message."""
    pair = Pair(shared_redis.url, Timing())
    async with pair.running():
        await pair.both(connected_=True)
        for _ in range(1_000):
            pair.waker.wake()
        await pair.heard.wait()

        assert figure(pair.metrics, 'wakeups_total{way="published"}') == 1
        assert figure(pair.theirs, 'wakeups_total{way="received"}') == 1


async def test_a_quiet_connection_is_asked_for_a_sign_of_life(shared_redis: SharedRedis) -> None:
    """Neither that, nor its answer, is taken for a wake-up, and it stays connected."""
    pair = Pair(shared_redis.url)
    async with pair.running():
        await pair.both(connected_=True)
        before = shared_redis.pings()
        await until(lambda: _pings(shared_redis), lambda pings: pings >= before + 6)

        assert not pair.heard.is_set()
        assert figure(pair.theirs, "redis_connected") == 1


async def test_the_last_word_is_said(shared_redis: SharedRedis) -> None:
    """Who wakes others and ends in the same moment has woken them."""
    ending = Pair(shared_redis.url, Timing())
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(ending.listener.run())
        running = group.create_task(ending.waker.run())
        await ending.both(connected_=True)
        ending.waker.wake()
        running.cancel()
        await ending.heard.wait()
        listening.cancel()


async def test_who_ends_waits_for_no_redis_that_hangs(redis: SharedRedis) -> None:
    """The last word is tried for a while, and not counted as said."""
    pair = Pair(redis.url)
    async with pair.running():
        await pair.both(connected_=True)
        redis.hang()
        pair.waker.wake()
    redis.go_on()

    assert figure(pair.metrics, 'wakeups_total{way="published"}') == 0


async def test_a_killed_redis_is_found_again(redis: SharedRedis) -> None:
    """Nobody who wakes notices anything; the loss is said once, and so is the return."""
    pair = Pair(redis.url)
    with capture_logs() as entries:
        async with pair.running():
            await pair.both(connected_=True)
            redis.kill()
            await pair.both(connected_=False)
            for _ in range(1_000):
                pair.waker.wake()
            redis.start()
            await pair.both(connected_=True)
            await pair.wakes()

    assert _said(entries, LOST) == _said(entries, BACK) >= 2


async def test_an_emptied_redis_is_as_good_as_before(redis: SharedRedis) -> None:
    """There was nothing in it."""
    pair = Pair(redis.url)
    async with pair.running():
        await pair.both(connected_=True)
        assert redis.say("DBSIZE") == ":0"
        assert redis.say("FLUSHALL") == "+OK"
        await pair.wakes()


async def test_a_redis_that_hangs_counts_as_lost(redis: SharedRedis) -> None:
    """Its connections stand and say nothing; when it goes on, so do they."""
    pair = Pair(redis.url)
    async with pair.running():
        await pair.both(connected_=True)
        redis.hang()
        await pair.both(connected_=False)
        redis.go_on()
        await pair.both(connected_=True)
        await pair.wakes()


async def test_a_redis_that_hung_from_the_start_is_waited_for(redis: SharedRedis) -> None:
    """That somebody takes the connection is not yet an answer."""
    redis.hang()
    pair = Pair(redis.url)
    with capture_logs() as entries:
        async with pair.running():
            await until(lambda: _lost(entries), bool)
            redis.go_on()
            await pair.both(connected_=True)


async def test_a_redis_that_refuses_us_changes_nothing() -> None:
    """It is said, without the password, and everything else goes on."""
    with a_redis(PASSWORD) as guarded, capture_logs() as entries:
        pair = Pair(guarded.url.replace(PASSWORD, "another-word"))
        async with pair.running():
            await until(lambda: _lost(entries), bool)
        right = Pair(guarded.url)
        async with right.running():
            await right.wakes()

    assert PASSWORD not in str(entries)
    assert "another-word" not in str(entries)


async def test_a_redis_tells_whether_it_is_there(redis: SharedRedis) -> None:
    """And who it is; one that is gone is an error without the address."""
    assert (await check(redis.url, 5)).startswith("Redis ")
    redis.kill()
    with pytest.raises(PeerDownError, match="ConnectionError"):
        await check(redis.url, 5)


def test_an_address_that_is_none_is_not_repeated() -> None:
    """It may hold a password."""
    with pytest.raises(SetupError) as refused:
        connect(f"redis://:{PASSWORD}@127.0.0.1:6379/no-number?db=none")

    assert "REDIS_URL" in str(refused.value.problems)
    assert PASSWORD not in str(refused.value.problems)


async def _pings(redis: SharedRedis) -> int:
    return redis.pings()


def _said(entries: Sequence[Mapping[str, Any]], words: str) -> int:
    """Return how often something was logged."""
    return sum(each["event"].startswith(words) for each in entries)


async def _lost(entries: Sequence[Mapping[str, Any]]) -> int:
    return _said(entries, LOST)
