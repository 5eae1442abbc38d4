"""app.web.guard: requests that no handler sees."""

import asyncio

import pytest

from tests.app.web.fakes import API_KEY, World, a_hook
from tests.app.web.serving import serving

pytestmark = pytest.mark.anyio

HOST = "Host: relay.test"
CLOSE = "Connection: close"


@pytest.mark.parametrize("target", ["/livez", "/api/generations", a_hook()])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([f"X-Long: {'x' * 200_000}"], id="200 kB"),
        pytest.param([f"X-{n}: 1" for n in range(20_000)], id="20,000 headers"),
        pytest.param([f"X-{n}: 1" for n in range(101)], id="101 headers"),
    ],
)
async def test_case_31_headers_too_many_or_too_long_are_431(
    target: str, headers: list[str]
) -> None:
    """They are refused wherever they go, and the connection is closed."""
    world = World()
    async with serving(world) as site:
        answer = await site.raw(f"GET {target} HTTP/1.1", HOST, *headers)

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert world.metrics.counted == ["refused headers_too_large"]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([HOST, "Content-Length: 2", "Transfer-Encoding: chunked"], id="both"),
        pytest.param([HOST, "Content-Length: 2", "Content-Length: 2"], id="twice"),
        pytest.param([HOST, "Content-Length: 2", "Content-Length: 3"], id="two lengths"),
        pytest.param([HOST, "Content-Length: +5"], id="plus"),
        pytest.param([HOST, "Content-Length: 5, 5"], id="list"),
        pytest.param([HOST, "Content-Length: -1"], id="minus"),
        pytest.param([HOST, "Content-Length: 0x5"], id="hexadecimal"),
        pytest.param([], id="no Host"),
        pytest.param([HOST, HOST], id="two Hosts"),
    ],
)
async def test_case_32_a_head_that_can_be_read_two_ways_is_400(headers: list[str]) -> None:
    """A proxy before us may have read it the other way."""
    world = World()
    async with serving(world) as site:
        head = (f"POST {a_hook()} HTTP/1.1", "Content-Type: application/json", *headers)
        answer = await site.raw(*head, body=b"{}")

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert world.acceptor.taken == []
    # What comes after a head that ends nowhere is no request either.
    assert set(world.metrics.counted) == {"refused malformed"}


async def test_a_health_check_in_http_1_0_needs_no_host() -> None:
    """Proxies still send them."""
    async with serving(World()) as site:
        answer = await site.raw("GET /livez HTTP/1.0")

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_case_30_idle_connections_hold_nobody_up() -> None:
    """A hundred clients that stop within their head, and one that does not."""
    async with serving(World()) as site:
        idle = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(100)]
        for _, writer in idle:
            writer.write(b"GET /livez HTTP/1.1\r\nHost: re")

        answer = await site.client.get("/livez")
        for _, writer in idle:
            writer.close()
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("length", "status"), [("Content-Length: 2097153", 413), ("Content-Length: 9", 401)]
)
async def test_case_22_the_api_reads_no_more_than_its_limit(length: str, status: int) -> None:
    """And nothing at all of a caller without a key."""
    key = f"Authorization: Bearer {API_KEY}" if status == 413 else "X-No: key"
    head = ("POST /api/generations HTTP/1.1", HOST, CLOSE, "Content-Type: application/json")
    async with serving(World()) as site:
        answer = await site.raw(*head, key, length)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
