"""app.web.signatures: an engine that signs is believed by its signature, once for each message."""

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import orjson
import pytest

from app.web import signatures, webhooks
from app.web.signatures import Message, Signatures
from processors.protocols import replicate, signing, standard_webhooks
from schemas.base import GenerationId
from schemas.run import RunStatus
from tests.app.web.fakes import ID, KEY, NOON, World
from tests.app.web.serving import Site, serving
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio

SAMPLES: Final = Path(__file__).parents[2] / "samples" / "replicate"
SECRET: Final = replicate.signing_secret((SAMPLES / "webhook_secret.json").read_bytes())
SIGNING: Final = standard_webhooks.keys([SECRET])
BODY: Final = (SAMPLES / "get_succeeded_list.json").read_bytes()
SECONDS: Final = int(NOON.timestamp())
TOKEN: Final = signing.webhook_token(KEY, replicate.NAME, ID, 1)
HOOK: Final = f"/api/webhook/replicate?generation={ID}&token={TOKEN}"
UNSIGNED: Final = {"Content-Type": "application/json"}


class Slowly:
    """Attends to an event for as long as it is not let go."""

    def __init__(self) -> None:
        self.accepted, self.done = asyncio.Event(), asyncio.Event()

    async def event(self, generation_id: GenerationId, accepted: Awaitable[None]) -> None:
        """See app.web.services.Attend."""
        del generation_id
        await accepted
        self.accepted.set()
        async with asyncio.timeout(10):
            await self.done.wait()

    async def update(self, taken: Awaitable[None]) -> None:
        """See app.web.services.Attend."""
        await taken


def headed(
    body: bytes, timestamp: object = SECONDS, message_id: str = "msg_1", key: bytes = SIGNING[0]
) -> dict[str, str]:
    """The headers of a message that was signed by this key."""
    mac = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


async def posted(
    site: Site, body: bytes = BODY, headers: Mapping[str, str] | None = None, path: str = HOOK
) -> int:
    """Post a webhook, signed as it should be unless told otherwise; return the status."""
    given = headed(body) if headers is None else headers
    answer = await site.post(path, content=body, headers=given)
    return answer.status_code


async def test_a_signed_webhook_is_taken_in(a_world: type[World]) -> None:
    """Its run is vouched for, and the bytes are kept as they came."""
    world = a_world(signing=SIGNING)
    async with serving(world) as site:
        assert await posted(site) == 200

    [(delivery, event)] = world.acceptor.taken
    assert (delivery.engine, delivery.attempt, delivery.raw) == ("replicate", 1, BODY)
    assert (event.status, event.vouched) == (RunStatus.COMPLETED, True)
    assert world.acceptor.by_short_way == 0


async def test_without_a_secret_there_is_no_door(a_world: type[World]) -> None:
    """Nobody could be told from anybody else."""
    world = a_world()
    async with serving(world) as site:
        assert await posted(site) == 404
    assert world.acceptor.taken == []


async def test_case_21_whatever_is_wrong_with_a_signature_is_401() -> None:
    """Never 500, and nothing is taken in."""
    world, right = World(signing=SIGNING), headed(BODY)
    bad = [
        UNSIGNED,
        *(headed(BODY, SECONDS + away) for away in (301, -301)),
        *(headed(BODY, odd) for odd in ("NaN", f"{SECONDS}.0", "1e400", -SECONDS, "9" * 99)),
        *(headed(BODY, key=key) for key in (b"another", b"")),
        headed(BODY + b" "),
        *(
            right | {"webhook-signature": odd}
            for odd in (
                "v1,x,y",
                "",
                ",",
                "v1",
                right["webhook-signature"].replace("v1,", "v1a,"),
                "v1,????",
                right["webhook-signature"] + "=",
            )
        ),
        right | {"webhook-id": "msg_2"},
        right | {"Webhook-Id": "msg_1"},
    ]
    async with serving(world) as site:
        statuses = [await posted(site, headers=each) for each in bad]

    assert statuses == [401] * len(bad)
    assert world.acceptor.taken == []
    assert set(world.metrics.counted) == {"refused signature"}


async def test_the_token_comes_before_the_signature_and_the_body() -> None:
    """A right signature over another's run opens nothing; who has no token sends no bytes."""
    world = World(signing=SIGNING)
    async with serving(world) as site:
        assert await posted(site, path=HOOK.replace(TOKEN, TOKEN[:-1])) == 401
        answer = await site.raw(
            f"POST {HOOK}x HTTP/1.1",
            "Host: relay.test",
            "Connection: close",
            "Content-Type: application/json",
            "Content-Length: 4000000",
        )
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert set(world.metrics.counted) == {"refused unauthorized"}


async def test_a_message_is_known_from_when_it_is_on_disk() -> None:
    """What it brings may take so long that its sender tries again meanwhile."""
    attend = Slowly()
    world = World(signing=SIGNING, attend=attend)
    async with serving(world) as site, asyncio.TaskGroup() as group:
        first = group.create_task(posted(site))
        await attend.accepted.wait()
        assert await posted(site) == 200
        attend.done.set()
    assert first.result() == 200
    assert world.metrics.counted == ["repeated replicate"]


async def test_a_message_that_comes_again_is_taken_in_once() -> None:
    """By its id: a retry has another time and another signature. A further one is another."""
    world = World(signing=SIGNING)
    async with serving(world) as site:
        statuses = [
            await posted(site, headers=headed(BODY, SECONDS + later, message_id))
            for later, message_id in ((0, "msg_1"), (0, "msg_1"), (9, "msg_1"), (9, "msg_2"))
        ]
    assert statuses == [200] * 4
    assert len(world.acceptor.taken) == 2
    assert world.metrics.counted == ["repeated replicate"] * 2


async def test_a_message_that_was_not_kept_may_come_again() -> None:
    """Only what is on disk is known."""
    world = World(signing=SIGNING)
    nonsense = b'{"id": 5}'
    async with serving(world) as site:
        assert [await posted(site, nonsense) for _ in range(2)] == [400, 400]
    assert world.metrics.counted == ["refused schema"] * 2


async def test_a_large_body_is_taken_in_and_a_larger_one_makes_us_ask() -> None:
    """Logs and files come with it; of what is beyond the limit something happened all the same."""
    world = World(signing=SIGNING)
    told = orjson.loads(BODY)
    large = orjson.dumps(told | {"logs": "x" * (webhooks.LARGE - 2_000)})
    async with serving(world) as site:
        assert await posted(site, large) == 200
        assert await posted(site, large + b" " * 3_000) == 413

    assert [len(delivery.raw) for delivery, _ in world.acceptor.taken] == [len(large), 0]


async def test_a_get_without_a_body_asks_the_run_now() -> None:
    """The token is enough for that: nothing is told, so nothing is signed."""
    world = World(signing=SIGNING)
    async with serving(world) as site:
        answer = await site.raw(f"GET {HOOK} HTTP/1.1", "Host: relay.test", "Connection: close")

    [(_, event)] = world.acceptor.taken
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert (event.run_id, event.vouched) == (None, False)


def test_so_many_messages_are_remembered_for_so_long() -> None:
    """For as long as the same bytes could come again and be right, and no more than fit."""
    clock = FakeClock(NOON)
    door = Signatures(SIGNING, clock)
    first = Message(b"msg_0", GenerationId(ID), 1)
    door.remember(first)
    clock.move(timedelta(minutes=10))
    assert door.known(first)
    clock.move(timedelta(milliseconds=1))
    assert not door.known(first)

    door.remember(first)
    for n in range(signatures.REMEMBERED):
        assert door.known(first)
        door.remember(first._replace(id=b"msg_%d" % (n + 1)))
    assert not door.known(first)
