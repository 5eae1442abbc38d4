"""The fleet of clients: everything is sent, and every answer is told, also where none comes."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks import fleet, latency
from benchmarks.fleet import Fleet

pytestmark = pytest.mark.anyio


async def answer(request: Request) -> Response:
    """Answer with the status that the body names."""
    return Response("said", int(await request.body()))


async def test_every_order_is_answered_over_few_connections() -> None:
    """At a rate or all at once: more orders than connections wait for one."""
    serving = latency.serving(Starlette(routes=[Route("/orders", answer, methods=["POST"])]))
    async with serving as url:
        clients = Fleet(url, "/orders", 2)
        await clients.open()
        for rate in (1_000.0, None):
            answers = await fleet.send(clients.post, [b"201", b"402", b"503", b"201"], rate)
            assert [each.status for each in answers] == [201, 402, 503, 201]
            assert all(each.due <= each.sent <= each.at for each in answers)
        clients.close()
