"""A service of one's own before ComfyUI servers that misbehave, and what they saw of its runs."""

import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from string import ascii_lowercase
from typing import Final, NamedTuple

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from sandbox.controls import ComfyUIControls
from tests.faults.door import Door, a_door
from tests.faults.witness import Witness, a_witness
from tests.peers import Json, Peers
from tests.service import RATE, Service, a_service, until

HELD: Final = "ImageInvert"
"""The class of nodes that a run stops at where it is to be held up: all its progress is made."""
GRAPH: Final[Json] = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0},
    },
    "2": {
        "class_type": "SleepProgress",
        "inputs": {
            "image": ["1", 0],
            "steps": 2,
            "step_seconds": 0.01,
            "preview": True,
            "text": False,
            "fail_at_step": -1,
            "seed": 0,
        },
    },
    "3": {"class_type": HELD, "inputs": {"image": ["2", 0]}},
    "4": {
        "class_type": "SaveImage",
        "inputs": {"images": ["3", 0], "filename_prefix": "x"},
        "_meta": {"title": "The result"},
    },
}
"""A run of a tenth of a second; its seed is another each time, so that nothing of it is cached."""
MARK: Final = "4/filename_prefix"
"""The input by which a server's runs are told apart, whatever they are called."""
ORDINARY: Final[Json] = ComfyUIControls().model_dump(mode="json")
LIVELY: Final = {
    "lease": 6,
    "submit_limit": 1.2,
    "unknown_submit": 3,
    "ask_waiting": 1,
    "ask_running": 1,
    "ask_most": 2,
    "sender_lease": 2,
    "server_lease": 2,
    "health_every": 0.5,
    "health_limit": 1,
    "history_every": 0.5,
    "history_down": 0.2,
    "relist_every": 0.5,
    "tidy_every": 0.5,
    "place_every": 0.2,
    "line_every": 0.5,
    "server_gone": 1.5,
    "cancel_grace": 6,
    "socket_open_limit": 1,
    "socket_ping_every": 0.5,
    "socket_ping_limit": 1,
    "socket_close_limit": 0.5,
    "socket_lasting": 1,
    "socket_retry": [0.02, 0.05, 0.1],
}
"""Limits of such a service in seconds."""
_NAMES: Final = count(1)
_CHATS: Final = count(900_001)


class Order(NamedTuple):
    """A generation that was ordered, and the chat of its own that is told."""

    id: str
    chat: int
    mark: str


@dataclass(frozen=True)
class Box:
    """One of the stand-in's ComfyUI servers.

    Attributes:
        name: Its name.
        peers: The sandbox that it is in.
        door: What leads to it.
    """

    name: str
    peers: Peers
    door: Door

    @property
    def url(self) -> str:
        """Its address for the service."""
        return f"http://{self.door.host}/comfyui/{self.name}"

    async def behave(self, **controls: object) -> None:
        """Have it behave otherwise."""
        await self.peers.control(f"comfyui/{self.name}", **controls)

    async def act(self, act: str, **more: object) -> Json:
        """Have something happen to it."""
        return await self.peers.control(f"comfyui/{self.name}/acts", act=act, **more)

    async def controls(self) -> Json:
        """Return how it behaves."""
        return await self.peers.look(f"comfyui/{self.name}")

    async def prompts(self) -> list[Json]:
        """Return all that was posted and taken, in that order."""
        return await self.peers.look(f"comfyui/{self.name}/prompts")

    async def posted(self, order: Order) -> list[Json]:
        """Return the prompts that were taken for an order."""
        return [one for one in await self.prompts() if mark_of(one) == order.mark]

    async def posts(self) -> int:
        """Count the calls that would post a prompt, whatever became of them."""
        return len([one for one in await self.requests("/prompt") if one["method"] == "POST"])

    async def requests(self, *ends: str) -> list[Json]:
        """Return the requests whose paths end so."""
        requests: list[Json] = await self.peers.look(f"comfyui/{self.name}/requests")
        return [one for one in requests if one["path"].endswith(ends)]

    async def sockets(self) -> list[Json]:
        """Return all sockets there were."""
        return await self.peers.look(f"comfyui/{self.name}/sockets")

    async def open_sockets(self) -> list[Json]:
        """Return the sockets that are open, and told of runs."""
        return [one for one in await self.sockets() if one["open"] and one["known"]]

    async def held(self, order: Order) -> Json:
        """Wait until a run of an order is held up; return it."""
        return (await until(lambda: self._held(order), bool))[0]

    async def becomes(self, order: Order, status: str) -> None:
        """Wait until the first run of an order that was taken stands so, which is its end."""
        await until(lambda: self.posted(order), lambda it: it and it[0]["status"] == status)

    async def _held(self, order: Order) -> list[Json]:
        return [
            one
            for one in await self.posted(order)
            if one["status"] == "running" and "3" in one["ran"]
        ]


@dataclass
class Farm:
    """A service and its servers.

    Attributes:
        service: The service, which runs.
        witness: Who sees what it writes and tells.
        boxes: Its servers.
        database: Its database, by a connection of the tests' own.
        folder: Where everything of it is.
    """

    service: Service
    witness: Witness
    boxes: tuple[Box, ...]
    database: AsyncDatabase[Json]
    folder: Path

    async def behave(self, **controls: object) -> None:
        """Have all servers behave otherwise."""
        for box in self.boxes:
            await box.behave(**controls)

    async def order(
        self,
        *,
        of: Service | None = None,
        graph: Json | None = None,
        max_attempts: int = 3,
        user: str | None = None,
        told: bool = True,
        **inputs: object,
    ) -> Order:
        """Order a run.

        Args:
            of: The service; the farm's own where nothing is said.
            graph: What is run; the usual where nothing is said.
            max_attempts: How often it may be tried.
            user: Whose it is; the chat's where nobody is named.
            told: Whether its end is told in a chat.
            inputs: Of its nodes, besides the mark.
        """
        service, chat = of or self.service, next(_CHATS)
        mark = f"m{chat}"
        metadata = {
            "costRate": RATE,
            **({"telegramChatId": chat} if told else {}),
            **({} if user is None else {"userId": user}),
        }
        body = {
            "engine": "comfyui",
            "workflow": graph or GRAPH,
            "inputs": {MARK: mark, **inputs},
            "maxAttempts": max_attempts,
            "metadata": metadata,
        }
        answer = await service.call("POST", "/api/generations", body)
        assert answer.status_code == 201, answer.text
        return Order(answer.json()["id"], chat, mark)

    async def cancel(self, order: Order) -> None:
        """Want a run cancelled."""
        answer = await self.service.call("POST", f"/api/generations/{order.id}/cancel")
        answer.raise_for_status()

    async def posted(self, order: Order) -> list[Json]:
        """Return what all servers have taken for an order."""
        return [one for box in self.boxes for one in await box.posted(order)]

    async def place(self, order: Order) -> Box:
        """Wait until a run has been sent; return the server that it is at."""
        record = await until(
            lambda: self.witness.stored(order.id), lambda it: it["metadata"].get("run_id")
        )
        server = record["runs"][-1]["server"]
        return next(box for box in self.boxes if box.name == server)

    async def held(self, order: Order) -> Box:
        """Wait until a run is held up at its server and known to run; return that server."""
        box = await self.place(order)
        await box.held(order)
        await until(lambda: self.witness.stored(order.id), lambda it: it["status"] == "running")
        return box

    def other(self, box: Box) -> Box:
        """Return another server."""
        return next(each for each in self.boxes if each != box)

    async def ended(
        self, order: Order, status: str = "completed", *, by: str = "engine", posts: int = 1
    ) -> Json:
        """See that an end was written once and told once, and how often its run was posted."""
        record = await self.witness.settled(order.id)
        assert (record["status"], record["endedBy"]) == (status, by), record
        assert [each["status"] for each in record["history"]].count(status) == 1
        assert record.get("slot") is None
        assert len(await self.witness.told(order.chat)) == 1
        posted = [each["prompt_id"] for each in await self.posted(order)]
        assert len(posted) == posts, record
        assert set(posted) <= {each["runId"] for each in record["runs"]}
        return record

    async def well(self) -> None:
        """Wait until every server tells the service of its runs."""
        for box in self.boxes:
            await until(box.open_sockets, bool)

    async def seen(self, box: Box, *, healthy: bool) -> Json:
        """Wait until a server was seen so; return how it was seen."""
        servers = self.database["servers"]
        found = await until(
            lambda: servers.find_one({"name": box.name}),
            lambda it: it is not None and it["healthy"] is healthy,
        )
        assert found is not None
        return found

    async def ordinary(self) -> None:
        """Have everything as it was."""
        for box in self.boxes:
            await box.door.open()
            await box.behave(**ORDINARY)
            await box.act("restart")
        if not self.service.runs:
            await self.service.start()


@asynccontextmanager
async def a_farm(
    folder: Path,
    peers: Peers,
    mongodb_uri: str,
    *,
    wire: str | None = None,
    servers: int = 2,
    more: Json | None = None,
    environ: dict[str, str] | None = None,
    limits: dict[str, float] | None = None,
) -> AsyncGenerator[Farm]:
    """Start a service with servers that no other has, and a database of its own.

    Args:
        folder: Where everything of it is.
        peers: The sandbox.
        mongodb_uri: The database.
        wire: Where the service finds it; the same where nothing is said.
        servers: How many ComfyUI servers it has.
        more: What the setting says of every server besides.
        environ: Settings that differ from the usual ones.
        limits: Limits in seconds that differ from the lively ones.
    """
    number = next(_NAMES)
    database = f"farm-{number}"
    async with AsyncExitStack() as stack:
        doors = [await stack.enter_async_context(a_door(peers.url)) for _ in range(servers)]
        boxes = tuple(
            Box(f"farm-{number}-{letter}", peers, door)
            for letter, door in zip(ascii_lowercase, doors, strict=False)
        )
        service = await stack.enter_async_context(
            a_service(folder / "data", peers, wire or mongodb_uri, database)
        )
        service.timing |= LIVELY | (limits or {})
        service.environ |= environ or {}
        service.environ["COMFYUI_SERVERS"] = listed(folder / "servers.yaml", boxes, more)
        witness = await stack.enter_async_context(a_witness(service, peers, mongodb_uri, database))
        client = await stack.enter_async_context(AsyncMongoClient[Json](mongodb_uri))
        farm = Farm(service, witness, boxes, client[database], folder)
        await service.start()
        await farm.well()
        yield farm


@asynccontextmanager
async def another_service(farm: Farm, peers: Peers, mongodb_uri: str) -> AsyncGenerator[Service]:
    """Make a second service with the same servers and database, which is not started yet."""
    first = farm.service
    database = first.environ["MONGODB_DATABASE"]
    async with a_service(farm.folder / "second", peers, mongodb_uri, database) as second:
        second.timing = dict(first.timing)
        second.environ["COMFYUI_SERVERS"] = first.environ["COMFYUI_SERVERS"]
        yield second


def listed(path: Path, boxes: tuple[Box, ...], more: Json | None = None) -> str:
    """Write the file that the setting names; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    servers = [{"name": box.name, "url": box.url, **(more or {})} for box in boxes]
    path.write_text(json.dumps({"servers": servers}))
    return str(path)


def mark_of(prompt: Json) -> str | None:
    """Return the mark of a prompt, None of a stranger's."""
    node = prompt["prompt"].get("4", {"inputs": {}})
    return node["inputs"].get("filename_prefix")
