"""app.web.telegram: the secret first, then the body, then the disk, then 200."""

from datetime import timedelta
from typing import Any

import pytest

from app.errors import StoreDownError
from tests.app.web.fakes import UPDATE_SECRET, FakeIntake, World
from tests.app.web.serving import Site, serving

pytestmark = pytest.mark.anyio

SECRET = "X-Telegram-Bot-Api-Secret-Token"
RIGHT = {SECRET: UPDATE_SECRET.decode()}
HEAD = ("POST /webhook HTTP/1.1", "Host: relay.test", "Connection: close")


async def status(site: Site, secret: str = RIGHT[SECRET], body: bytes = b"{}") -> int:
    """Post an update with the right secret unless told otherwise; return the answer's status."""
    answer = await site.post("/webhook", content=body, headers={SECRET: secret})
    return answer.status_code


@pytest.mark.parametrize("path", ["/webhook", "/webhook/", "/relay/webhook", "/relay/webhook/"])
async def test_an_update_is_taken_in_and_then_accepted(path: str) -> None:
    """As it came, at the root and under the prefix; the answer asks Telegram for nothing."""
    world, intake = World(prefix="/relay"), FakeIntake()
    world.updates = intake
    async with serving(world) as site:
        answer = await site.post(path, content=b"\xff[", headers=RIGHT)

    assert answer.status_code == 200
    assert answer.json() == {"status": "accepted"}
    assert intake.taken == [b"\xff["]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("X-Telegram-Bot-Api-Secret-Token: ",),
        ("X-Telegram-Bot-Api-Secret-Token: wrong",),
        ("X-Telegram-Bot-Api-Secret-Token: \xfc\xdf\xff",),
        (f"X-Telegram-Bot-Api-Secret-Token: {UPDATE_SECRET.decode()}",) * 2,
        (f"X-Telegram-Bot-Api-Secret-Token: {UPDATE_SECRET.decode().upper()}",),
    ],
)
async def test_a_wrong_secret_is_refused_before_the_body_is_read(lines: tuple[str, ...]) -> None:
    """None, a wrong one, one that is no ASCII: 401, though the body never comes."""
    world, intake = World(), FakeIntake()
    world.updates = intake
    async with serving(world) as site:
        answer = await site.raw(*HEAD, "Content-Length: 100", *lines)

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert intake.taken == []
    assert world.metrics.counted == ["refused unauthorized"]


async def test_bodies_have_limits() -> None:
    """Too large is 413, too slow is 408: neither is taken in."""
    world, intake = World(body_deadline=timedelta(milliseconds=50)), FakeIntake()
    world.updates = intake
    secret = f"X-Telegram-Bot-Api-Secret-Token: {UPDATE_SECRET.decode()}"
    async with serving(world) as site:
        assert await status(site, body=b" " * (1024 * 1024 + 1)) == 413
        slow = await site.raw(*HEAD, "Content-Length: 100", secret)

    assert slow.startswith(b"HTTP/1.1 408 ")
    assert intake.taken == []


async def test_what_cannot_be_kept_is_refused_for_now() -> None:
    """Telegram is asked to come again."""
    world = World(updates=FakeIntake(failure=StoreDownError("no answer")))
    async with serving(world) as site:
        answer = await site.post("/webhook", content=b"{}", headers=RIGHT)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1


async def test_updates_are_posted() -> None:
    """Any other method is 405, whatever comes with it."""
    async with serving(World()) as site:
        answer = await site.client.get("/webhook", headers=RIGHT)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("off", [{"updates": None}, {"update_secret": b""}])
async def test_there_is_no_door_where_nothing_comes(off: dict[str, Any]) -> None:
    """Where Telegram brings nothing, or has no secret, there is nothing at that path."""
    async with serving(World(**off)) as site:
        assert await status(site) == 404
        assert await status(site, "") == 404


@pytest.mark.parametrize("updates", [None, FakeIntake()])
async def test_the_document_says_whether_updates_come(updates: FakeIntake | None) -> None:
    """It is listed where it is served, with its header."""
    async with serving(World(updates=updates)) as site:
        document = (await site.client.get("/api/openapi.json")).json()

    assert ("/webhook" in document["paths"]) is (updates is not None)
    if updates is not None:
        assert document["paths"]["/webhook"]["post"]["security"] == [{"secret": []}]
