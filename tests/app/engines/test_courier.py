"""app.engines.courier: one message, once, to a checked address, and what is said of it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import format_datetime

import pytest

from app.engines.courier import WAIT_MOST, HttpCourier
from app.ports import Receipt
from tests.builders import NOON
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio

Names = Callable[[str, int], Awaitable[Sequence[str]]]


class Listener:
    """Somebody who listens, and answers each request with the same.

    Attributes:
        requests: What came, head and body.
        port: Where.
    """

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request and answer it."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head + await reader.readexactly(2))
        writer.write(self.answer)
        writer.close()


@asynccontextmanager
async def a_listener(answer: bytes) -> AsyncGenerator[Listener]:
    """Listen on a free port of this machine."""
    listener = Listener(answer)
    async with await asyncio.start_server(listener.serve, "127.0.0.1", 0) as server:
        listener.port = server.sockets[0].getsockname()[1]
        yield listener


def names(*found: str) -> Names:
    """A resolver that knows the same addresses of every name."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        del host, port
        return found

    return resolve


def a_courier(
    resolve: Names | None = None, *, private: bool = True, seconds: float = 20
) -> HttpCourier:
    """A courier that may send to this machine, unless told otherwise."""
    return HttpCourier(
        allow_private=private,
        limit=timedelta(seconds=seconds),
        clock=FakeClock(),
        resolve=resolve or names("127.0.0.1"),
    )


async def sent(answer: bytes) -> tuple[Receipt, Listener]:
    """What comes of sending to somebody who answers so."""
    async with a_listener(answer) as listener:
        url = f"http://hooks.test:{listener.port}/a?b=c"
        receipt = await a_courier().send(url, {"webhook-id": "1"}, b"{}")
    return receipt, listener


async def test_a_message_arrives_as_it_was_signed() -> None:
    """At the address of its name, with the name said; of the answer the status is told."""
    receipt, listener = await sent(b"HTTP/1.1 204 No Content\r\n\r\n")
    [request] = listener.requests

    assert receipt == Receipt(204)
    assert request.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n{}")
    assert f"Host: hooks.test:{listener.port}\r\n".encode() in request
    assert b"webhook-id: 1\r\n" in request


async def test_no_redirect_is_followed() -> None:
    """It is an answer like any other that is not 2xx."""
    receipt, listener = await sent(b"HTTP/1.1 302 Found\r\nLocation: /other\r\n\r\n")

    assert receipt == Receipt(302)
    assert len(listener.requests) == 1


@pytest.mark.parametrize(
    ("status", "named", "wait"),
    [
        (429, "90", timedelta(seconds=90)),
        (503, format_datetime(NOON + timedelta(minutes=2), usegmt=True), timedelta(minutes=2)),
        (503, format_datetime(NOON - timedelta(minutes=2), usegmt=True), timedelta()),
        (429, "99999999999", WAIT_MOST),
        (503, "soon", None),
        (503, "Thu, 01 Jan 2026 12:00:00", None),
        (500, "90", None),
    ],
)
async def test_a_wait_that_a_receiver_names_is_told(
    status: int, named: str, wait: timedelta | None
) -> None:
    """In seconds or as a date, six hours at most; only with the answers that may name one."""
    receipt, _ = await sent(f"HTTP/1.1 {status} No\r\nRetry-After: {named}\r\n\r\n".encode())
    assert receipt == Receipt(status, retry_after=wait)


async def test_an_endless_answer_is_not_read() -> None:
    """Its head says all that is wanted."""
    receipt, _ = await sent(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 99)
    assert receipt == Receipt(200)


async def test_nobody_there_is_said_without_the_url() -> None:
    """Whatever is wrong, the path stays where it is."""
    async with a_listener(b"nonsense\r\n\r\n") as listener:
        strange = await a_courier().send(f"http://hooks.test:{listener.port}/s3cret", {}, b"{}")
    gone = await a_courier().send(f"http://hooks.test:{listener.port}/s3cret", {}, b"{}")
    unknown = await a_courier(names()).send("http://hooks.test/s3cret", {}, b"{}")

    assert strange == Receipt(None, "broke the connection off, or answers no HTTP")
    assert gone == Receipt(None, "takes no connection")
    assert unknown == Receipt(None, "its name leads to no address")


async def test_the_next_address_is_tried_where_one_takes_no_connection() -> None:
    """As browsers do."""
    async with a_listener(b"HTTP/1.1 200 OK\r\n\r\n") as listener:
        both = names("127.0.0.2", "127.0.0.1")
        receipt = await a_courier(both).send(f"http://hooks.test:{listener.port}/", {}, b"{}")

    assert receipt == Receipt(200)


async def test_a_receiver_that_says_nothing_is_left_in_time() -> None:
    """A limit holds for everything together."""
    silent = asyncio.Event()

    async def resolve(host: str, port: int) -> Sequence[str]:
        await silent.wait()
        return (host, str(port))

    receipt = await a_courier(resolve, seconds=0.01).send("http://hooks.test/", {}, b"{}")
    assert receipt == Receipt(None, "did not answer in time")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://127.0.0.1/", ()),
        ("http://hooks.test/", ("93.184.216.34", "10.0.0.1")),
        ("http://hooks.test/", ("169.254.169.254",)),
    ],
)
async def test_a_private_address_is_not_connected_to(url: str, found: tuple[str, ...]) -> None:
    """Neither one that is written down nor one that a name leads to."""
    receipt = await a_courier(names(*found), private=False).send(url, {}, b"{}")
    assert receipt == Receipt(None, "leads to a private address, which is not allowed here")
