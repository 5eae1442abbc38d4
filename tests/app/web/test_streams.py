"""Streams of events and sockets, over real connections."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast

import pytest
from starlette.types import Message
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from app.web.frames import Frames
from app.web.streams import EventStream, Telling
from processors.protocols import view_tokens
from schemas.access import Sight
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.live import Kind, Wanted
from schemas.run import RunStatus
from tests.app.live.readers import PATIENCE, running, until
from tests.app.web.fakes import API_KEY, World
from tests.app.web.serving import Site, serving
from tests.builders import ID, JOB, USER, a_generation, a_job, its_id, later, some_metadata
from tests.fakes.hubs import PROMPT, Scenery

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def showing(scenery: Scenery) -> AsyncGenerator[Site]:
    """Serve what a hub tells."""
    world = World(scenery=scenery)
    world.generations.records = cast("dict[GenerationId, Generation]", scenery.generations)
    async with running(scenery), serving(world) as site:
        yield site


async def lines(site: Site, path: str, last: str, **headers: str) -> list[str]:
    """Return the lines of a stream up to one that begins so."""
    found = list[str]()
    async with asyncio.timeout(PATIENCE), site.client.stream("GET", path, headers=headers) as told:
        assert told.status_code == HTTPStatus.OK
        assert told.headers["content-type"].startswith("text/event-stream")
        assert told.headers["cache-control"] == "no-store"
        async for line in told.aiter_lines():
            found.append(line)
            if line.startswith(last):
                return found
    return found


def told_in(found: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return the names of events, and what they said."""
    names = [line.partition(": ")[2] for line in found if line.startswith("event: ")]
    data = [json.loads(line.partition(": ")[2]) for line in found if line.startswith("data: ")]
    return list(zip(names, data, strict=False))


async def test_a_stream_tells_how_things_stand_and_how_they_change() -> None:
    """Lists' jobs and whole records; ids come with changes only, previews with where they are."""
    scenery = Scenery()
    record = scenery.generations[ID] = a_generation(version=3)
    scenery.jobs[JOB] = a_job()
    async with showing(scenery) as site:
        at = await scenery.changes.now()
        found = await lines(site, "/api/events", "event: ready")
        assert found[:2] == ["retry: 2000", ""]
        names = ["reset", "job", "generation"]
        assert [name for name, _ in told_in(found)][:3] == names
        assert not [line for line in found if line.startswith("id: ")]
        assert told_in(found)[2][1]["status"] == "queued"

        changed = scenery.generations[ID] = record.change(version=4, progress=0.5)
        again = await lines(site, "/api/events", "event: ready", **{"Last-Event-ID": str(at)})
        assert f"id: {scenery.changes.told[-1].at}" in again
        assert told_in(again)[-1][1]["version"] == changed.version
        assert "event: reset" not in again
        also = await lines(site, f"/api/events?after={at}", "event: ready")
        assert also == again
        odd = await lines(site, "/api/events?after=long-ago", "event: ready")
        assert told_in(odd)[0] == ("reset", {"reason": "too_old"})

        scenery.changes.tell(Kind.PREVIEW, ID, drawn=later(1))
        shown = await lines(site, f"/api/events?after={at}", "event: ready")
        preview = {
            "id": ID,
            "at": "2026-01-01T12:00:01.000Z",
            "url": f"/api/generations/{ID}/preview",
        }
        assert ("preview", preview) in told_in(shown)


async def test_a_stream_of_one_generation_needs_one_that_is_there() -> None:
    """The others are not told of; a wrong filter is refused by its name, and HEAD has no end."""
    scenery = Scenery()
    scenery.generations[ID] = a_generation(version=3)
    async with showing(scenery) as site:
        found = await lines(site, f"/api/generations/{ID}/events", "event: ready")
        assert [data.get("id") for name, data in told_in(found) if name == "generation"] == [ID]
        missing = await site.client.get(f"/api/generations/{its_id(1)}/events")
        wrong = await site.client.get("/api/events?status=asleep")
        head = await site.client.head("/api/events")

    assert [missing.status_code, wrong.status_code, head.status_code] == [404, 400, 200]
    assert "status" in wrong.text


async def test_a_token_sees_what_is_its_own_in_public() -> None:
    """On a stream and through a socket; what is somebody else's is not there for it."""
    scenery = Scenery()
    scenery.generations[ID] = a_generation(metadata=some_metadata(user_id=USER))
    scenery.generations[its_id(1)] = a_generation(id=its_id(1))
    world = World(scenery=scenery)
    key = world.services().view_keys[0]
    token = view_tokens.mint(key, Sight(name="view", user=USER, until=later(60)))
    auth = {"Authorization": f"Bearer {token}"}
    async with running(scenery), serving(world) as site:
        found = await lines(site, "/api/events", "event: ready", **auth)
        other = await site.client.get(f"/api/events?user={'0' * 32}", headers=auth)
        async with a_socket(site, "/api/ws", f"bearer.{token}") as through:
            said = [await heard(through) for _ in range(3)]

    shown = [data for name, data in told_in(found) if name == "generation"]
    assert [each["id"] for each in shown] == [ID]
    assert "telegramChatId" not in json.dumps(shown)
    assert other.status_code == HTTPStatus.NOT_FOUND
    assert [each["event"] for each in said] == ["reset", "generation", "ready"]
    assert said[1]["data"] == shown[0]


async def test_a_reader_who_goes_is_forgotten_and_so_is_one_who_never_reads() -> None:
    """The one at once; the other after a while, whatever is still to be sent to them."""
    scenery = Scenery(PROMPT.change(live_unread=timedelta(milliseconds=50)))
    long = a_generation().request_payload.change(inputs={"prompt": "x" * 16_000})
    for n in range(800):
        scenery.generations[its_id(n)] = a_generation(id=its_id(n), request_payload=long)
    async with showing(scenery) as site:
        await lines(site, "/api/events?status=failed", "event: ready")
        await until(lambda: scenery.metrics.readers == 0)
        silent = socket.create_connection(("127.0.0.1", site.port))
        asked = f"GET /api/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {API_KEY}\r\n\r\n"
        await asyncio.to_thread(silent.sendall, asked.encode())
        await until(lambda: scenery.metrics.readers == 1)
        await until(lambda: scenery.metrics.readers == 0)
        silent.close()


async def test_a_socket_tells_the_same_and_says_why_it_is_closed() -> None:
    """Of one generation, with ids; then that we stop. What a client says is not heeded."""
    scenery = Scenery()
    record = scenery.generations[ID] = a_generation(version=1)
    async with showing(scenery) as site:
        async with a_socket(site, f"/api/ws?generation={ID}", f"bearer.{API_KEY}") as through:
            assert through.subprotocol == "runrelay.v1"
            first = [await heard(through) for _ in range(3)]
            assert [each["event"] for each in first] == ["reset", "generation", "ready"]
            await through.send("hello")
            scenery.generations[ID] = record.change(version=2, status=RunStatus.RUNNING)
            changed = await heard(through)
            assert changed["id"] == str(scenery.changes.told[-1].at)
            assert changed["data"]["version"] == 2
            scenery.hub.close()
            assert (await heard(through))["data"] == {"reason": "stopping", "again": True}
            assert await closed(through) == 1012
        async with a_socket(site, "/api/ws", f"bearer.{API_KEY}") as late:
            assert await closed(late) == 1013


@pytest.mark.parametrize(
    ("path", "protocol", "code", "reason"),
    [
        ("/api/ws", "bearer.wrong", 4401, "unauthorized"),
        ("/api/ws?status=asleep", f"bearer.{API_KEY}", 4400, "bad_field"),
    ],
    ids=["unauthorized", "bad query"],
)
async def test_a_socket_that_is_refused_says_why(
    path: str, protocol: str, code: int, reason: str
) -> None:
    """By a code that a browser sees, and it is counted like every other refused request."""
    async with showing(Scenery()) as site:
        async with a_socket(site, path, protocol) as through:
            assert await closed(through) == code
        assert (await site.client.get("/metrics")).text == f"refused {reason}"


async def test_who_signs_out_is_told_so_at_the_next_heartbeat() -> None:
    """On a stream and through a socket, whoever else reads."""
    scenery = Scenery(PROMPT.change(live_beat=timedelta(0)))
    asked = list[Sight]()

    async def still(sight: Sight) -> bool:
        asked.append(sight)
        return len(asked) < 2

    telling = Telling(scenery.hub, Frames(lambda _: None), still)
    said = list[bytes]()

    async def send(message: Message) -> None:
        said.append(message.get("body", b""))

    async def receive() -> Message:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    sight = Sight(name="dashboard")
    stream = EventStream(telling, Wanted(), sight, None)
    async with running(scenery), asyncio.timeout(PATIENCE):
        await stream({"type": "http", "method": "GET"}, receive, send)

    assert asked == [sight, sight]
    assert b"".join(said).endswith(
        b': \n\nevent: bye\ndata: {"reason":"signed_out","again":false}\n\n'
    )


async def test_a_socket_that_another_site_asked_for_is_not_opened() -> None:
    """A session's cookie alone opens none: the browser says which page asked."""
    async with showing(Scenery()) as site:
        url = f"ws://127.0.0.1:{site.port}/api/ws"
        cookie = {"Cookie": f"runrelay={'a' * 43}", "Sec-Fetch-Site": "cross-site"}
        opening = connect(url, origin=Origin("https://elsewhere.test"), additional_headers=cookie)
        refused = (await asyncio.gather(_opened(opening), return_exceptions=True))[0]
        counted = (await site.client.get("/metrics")).text

    assert isinstance(refused, InvalidStatus)
    assert refused.response.status_code == HTTPStatus.FORBIDDEN
    assert counted == "refused cross_site"


async def _opened(opening: connect) -> None:
    await (await opening).close()


def a_socket(site: Site, path: str, protocol: str) -> connect:
    """Return a socket to open."""
    url = f"ws://127.0.0.1:{site.port}{path}"
    return connect(url, subprotocols=["runrelay.v1", protocol], proxy=None)  # pyright: ignore[reportArgumentType] - a kind of string


async def heard(through: ClientConnection) -> dict[str, Any]:
    """Return the next message."""
    async with asyncio.timeout(PATIENCE):
        return json.loads(await through.recv())


async def closed(through: ClientConnection) -> int | None:
    """Return the code that a socket is closed with."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                await through.recv()
    except ConnectionClosed as gone:
        return None if gone.rcvd is None else gone.rcvd.code
