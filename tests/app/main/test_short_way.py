"""app.main.short_way: what is said of a webhook is tested in tests/app/web, by both ways in.

Here is what only a protocol does: requests in pieces, in a row, and connections that go.
"""

import asyncio
import gc
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest

from app.errors import UnavailableError
from app.main.short_way import ShortWay
from schemas.run import Delivery, RunEvent
from tests.app.web.fakes import FakeAcceptor, World, a_hook
from tests.app.web.serving import Site, serving

pytestmark = pytest.mark.anyio

BODY: Final = b'{"run_id": "7f3c2b1a", "status": "running", "progress": 0.5}'
JSON: Final = {"Content-Type": "application/json"}
PATIENCE: Final = 20


@dataclass
class SlowAcceptor(FakeAcceptor):
    """Puts everything in line until it is told that it is on disk.

    Attributes:
        waiting: What to call when each is.
        arrived: Set when there is one.
    """

    waiting: list[Callable[[UnavailableError | None], None]] = field(
        default_factory=list[Callable[[UnavailableError | None], None]]
    )
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def put(
        self, delivery: Delivery, event: RunEvent, done: Callable[[UnavailableError | None], None]
    ) -> None:
        """Keep a delivery, and its sender waiting."""
        self.taken.append((delivery, event))
        self.waiting.append(done)
        self.arrived.set()

    async def accept(self, delivery: Delivery, event: RunEvent) -> None:
        """Nothing is to come the long way here."""
        raise AssertionError((delivery, event))


def a_request(*more: str, body: bytes = BODY) -> bytes:
    """A whole webhook as it goes over the wire."""
    lines = (
        f"POST {a_hook()} HTTP/1.1",
        "Host: relay.test",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *more,
    )
    return "\r\n".join((*lines, "", "")).encode() + body


@asynccontextmanager
async def connected(
    site: Site,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection for the length of the block, and of patience."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        async with asyncio.timeout(PATIENCE):
            yield reader, writer
    finally:
        writer.close()


async def answered(reader: asyncio.StreamReader) -> bytes:
    """Read one answer with a body of known length; return its first line and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head.partition(b"\r\n")[0] + b" " + await reader.readexactly(length)


ACCEPTED: Final = b'HTTP/1.1 200 OK {"status":"accepted"}'


async def test_one_connection_carries_many() -> None:
    """Each is answered when it is on disk, and the connection is kept."""
    acceptor = SlowAcceptor()
    async with serving(World(acceptor=acceptor)) as site, connected(site) as (reader, writer):
        for _ in range(3):
            acceptor.arrived.clear()
            writer.write(a_request())
            await acceptor.arrived.wait()
            acceptor.waiting.pop()(None)
            assert await answered(reader) == ACCEPTED

    assert len(acceptor.taken) == 3


async def test_requests_in_a_row_are_answered_in_their_order() -> None:
    """Those that come before the first is answered wait for their turn, as does another page."""
    world = World()
    async with serving(world) as site, connected(site) as (reader, writer):
        page = b"GET /livez HTTP/1.1\r\nHost: relay.test\r\n\r\n"
        writer.write(a_request() + page + a_request())
        assert await answered(reader) == ACCEPTED
        assert (await answered(reader)).startswith(b"HTTP/1.1 200 OK ")
        assert await answered(reader) == ACCEPTED

    assert len(world.acceptor.taken) == 2
    assert world.acceptor.by_short_way == 1


async def test_what_comes_in_pieces_is_put_together() -> None:
    """A head in two, a body apart from it: nothing is taken in before it is whole."""
    world, request = World(), a_request()
    for cut in (10, request.index(BODY), request.index(BODY) + 5):
        async with serving(world) as site, connected(site) as (reader, writer):
            writer.write(request[:cut])
            await writer.drain()
            # Another request, so that the first piece has been read when the second comes.
            assert (await site.client.get("/livez")).status_code == 200
            writer.write(request[cut:])
            assert await answered(reader) == ACCEPTED

    assert [delivery.raw for delivery, _ in world.acceptor.taken] == [BODY] * 3


async def test_a_connection_that_is_not_to_be_kept_is_closed() -> None:
    """After the answer, which says so."""
    world = World()
    async with serving(world) as site, connected(site) as (reader, writer):
        writer.write(a_request("Connection: close"))
        answer = await reader.read()

    assert world.acceptor.by_short_way == 1
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in answer


async def test_a_database_that_does_not_answer_is_said_by_the_app() -> None:
    """503, with the time after which to come again; the connection is kept."""
    acceptor = SlowAcceptor()
    world = World(acceptor=acceptor)
    async with serving(world) as site, connected(site) as (reader, writer):
        writer.write(a_request())
        await acceptor.arrived.wait()
        acceptor.waiting.pop()(UnavailableError("the event cannot be written now"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: " in head.lower()

    assert world.metrics.counted == ["refused unavailable"]


async def test_a_sender_that_has_gone_holds_nobody_up() -> None:
    """What it sent is kept all the same; its answer goes nowhere."""
    acceptor = SlowAcceptor()
    async with serving(World(acceptor=acceptor)) as site:
        async with connected(site) as (_, writer):
            writer.write(a_request())
            await acceptor.arrived.wait()
            writer.transport.abort()
        # Until the server has seen it go.
        assert (await site.client.get("/livez")).status_code == 200
        acceptor.waiting.pop()(None)
        assert (await site.client.get("/livez")).status_code == 200

    assert len(acceptor.taken) == 1


async def test_rubbish_after_a_request_is_taken_for_the_whole() -> None:
    """Its sender is told 400, and nothing is taken in that was said to be wrong."""
    world = World()
    async with serving(world) as site, connected(site) as (reader, writer):
        writer.write(a_request() + b"\x00 what is this\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")

    assert world.acceptor.taken == []


async def test_a_connection_that_is_done_leaves_nothing_behind() -> None:
    """Neither itself nor what was sent: nothing waits for the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        before = _protocols()
        async with serving(World()) as site:
            for _ in range(5):
                assert (await site.post(a_hook(), content=BODY, headers=JSON)).status_code == 200
            # The last one's connection may be closing still; another page closes after it.
            assert (await site.client.get("/livez")).status_code == 200
            assert _protocols() - before <= 2
    finally:
        gc.enable()


def _protocols() -> int:
    return sum(isinstance(each, ShortWay) for each in gc.get_objects())


async def test_a_server_that_ends_answers_first() -> None:
    """What is being taken in when it is told to end is answered, and the connection closed."""
    acceptor = SlowAcceptor()
    async with asyncio.TaskGroup() as tasks:
        async with serving(World(acceptor=acceptor)) as site:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(a_request())
            await acceptor.arrived.wait()
            told = tasks.create_task(_answer_once_refused(site.port, acceptor))
        async with asyncio.timeout(PATIENCE):
            await told
            answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b'{"status":"accepted"}')


async def _answer_once_refused(port: int, acceptor: SlowAcceptor) -> None:
    """Say that it is on disk once the server takes no new connections: then it is ending."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            # Refused, or reset where it stood in the line of a socket that is closed just now.
            break
        writer.close()
    acceptor.waiting.pop()(None)
