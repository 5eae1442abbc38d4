"""More senders at once than there is room for, with the parts that take webhooks in for real."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Final

import httpx
import orjson
import pytest

from app.usecases.accept_events import ROOM_BYTES
from app.web.services import Services
from tests.app.telegram.conditions import until
from tests.app.usecases.scenes import Scene
from tests.app.web.fakes import ID, World, a_hook
from tests.app.web.serving import Site, serving
from tests.builders import RUN, a_generation, some_metadata
from tests.fakes.gates import Gate

pytestmark = pytest.mark.anyio

LENGTH: Final = 1_000_000
"""Bytes of one body, so that few senders need all the room."""
SENDERS: Final = ROOM_BYTES // LENGTH + 20


@dataclass
class Taking(World):
    """A web layer that hands what it takes in to a scene."""

    scene: Scene = field(default_factory=Scene)

    def services(self) -> Services:
        """Return these as the services of the web layer."""
        return replace(super().services(), acceptor=self.scene.acceptor, clock=self.scene.clock)


def a_body(number: int) -> bytes:
    """A long webhook with an output of its own."""
    output = {"id": f"o{number}", "data": {"text": ["made"]}}
    told = {"run_id": RUN, "status": "running", "outputs": [output]}
    return orjson.dumps(told | {"more": "x" * LENGTH})


async def sent(site: Site, number: int) -> httpx.Response:
    """Send the webhook of one of many."""
    headers = {"Content-Type": "application/json"}
    return await site.client.post(a_hook(), content=a_body(number), headers=headers)


def slow(free: asyncio.Event) -> Gate:
    """A gate that opens when it is told."""

    async def wait() -> None:
        await free.wait()

    return wait


async def test_case_34_of_too_many_at_once_those_answered_200_are_applied() -> None:
    """Whoever finds no room is told when to come again; nobody is answered 200 for nothing."""
    world, on_disk = Taking(), asyncio.Event()
    scene = world.scene
    scene.generations.records[ID] = a_generation(id=ID, metadata=some_metadata(run_id=RUN))
    scene.inbox.gate = slow(on_disk)
    async with scene.running(), serving(world) as site, asyncio.TaskGroup() as senders:
        tasks = [senders.create_task(sent(site, number)) for number in range(SENDERS)]
        # The disk stands still until the first is sent away.
        await until(lambda: any(task.done() for task in tasks))
        assert not scene.inbox.batches
        on_disk.set()
        answers = await asyncio.gather(*tasks)
        await until(lambda: all(batch.applied for batch in scene.inbox.batches.values()))

    accepted = {f"o{n}/text/0" for n, each in enumerate(answers) if each.status_code == 200}
    refused = [each for each in answers if each.status_code != 200]
    assert {each.id for each in scene.record(ID).heard} == accepted
    assert accepted
    assert {each.status_code for each in refused} == {503}
    assert all(int(each.headers["retry-after"]) >= 1 for each in refused)
    assert len(accepted) + len(refused) == SENDERS
