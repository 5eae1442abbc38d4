"""A sender at work, with everything around it."""

import asyncio
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from PIL import Image

from app.clock import Clock
from app.observability.metrics import Metrics
from app.telegram.room import BYTES, Room
from app.telegram.sender import Sender
from app.usecases.calls import Calls
from processors.notifications import Content, Item
from processors.notifications.buttons import Button, Rows
from processors.notifications.pacing import Pace, Rate
from schemas.base import GenerationId, InstanceName
from schemas.run import OutputKind
from schemas.timing import Timing
from tests.app.telegram.conditions import until
from tests.app.telegram.conftest import TOKEN
from tests.app.telegram.fakes import FakeAlerts, FakeChats, FakeFetch, FakeLeases, File
from tests.peers import Json, Peers

TIMING = Timing(
    send_limit=timedelta(seconds=10),
    call_limit=timedelta(seconds=5),
    edit_every=timedelta(),
    probe_every=timedelta(milliseconds=10),
)
FREE = Pace(*[Rate(10_000, 0.001)] * 3)
HOSTS = ("cdn.test",)
ROWS: Rows = ((Button(text="Again", data="a:1"), Button(text="Info", data="i:1")),)
"""Two buttons, side by side."""


@dataclass
class Setting:
    """The sender and what stands around it."""

    sender: Sender
    peers: Peers
    leases: FakeLeases
    chats: FakeChats
    alerts: FakeAlerts
    fetch: FakeFetch
    room: Room
    uploaded: dict[str, str] = field(default_factory=dict[str, str])

    async def tell(
        self,
        content: Content,
        chat_id: int = 1,
        *,
        reply_to: int | None = None,
        replace: int | None = None,
        end: str | None = None,
    ) -> bool:
        """Tell an end within a turn, as a debt's worker does; return whether a file got there."""
        named = GenerationId(end) if end else None
        async with self.sender.turn(chat_id, editing=False, end=named):
            return await self.sender.tell(chat_id, content, reply_to, replace, HOSTS)

    async def show(
        self, text: str, message_id: int | None = None, chat_id: int = 1, rows: Rows = ()
    ) -> int | None:
        """Show a status within a turn."""
        async with self.sender.turn(chat_id, editing=True):
            return await self.sender.show(chat_id, message_id, text, None, rows)

    async def buttons(self, chat_id: int = 1) -> list[list[str]]:
        """Return what the buttons of each message carry."""
        return [carried_by(message) for message in await self.peers.chat(chat_id)]

    async def methods(self) -> list[str]:
        """Return the methods called so far."""
        return [request["method"] for request in await self.peers.look("telegram/requests")]

    async def kinds(self, chat_id: int = 1) -> list[str]:
        """Return the kinds of a chat's messages."""
        return [message["kind"] for message in await self.peers.chat(chat_id)]


@asynccontextmanager
async def a_setting(
    peers: Peers,
    *,
    token: str = TOKEN,
    timing: Timing = TIMING,
    pace: Pace = FREE,
    allow_private: bool = False,
    own: tuple[str, ...] = (),
    leases: FakeLeases | None = None,
    me: str = "one",
    aside: bool = False,
    calls: Calls | None = None,
    wait: bool = True,
) -> AsyncGenerator[Setting]:
    """Run a sender, on duty unless told not to wait for that."""
    chats, alerts, fetch = FakeChats(), FakeAlerts(), FakeFetch()
    room = Room(BYTES, timedelta(milliseconds=50))
    leases = leases or FakeLeases()
    sender = Sender(
        token=token,
        api_url=peers.telegram,
        me=InstanceName(me),
        leases=leases,
        chats=chats,
        clock=Clock(),
        alerts=alerts,
        fetch=fetch,
        timing=timing,
        metrics=Metrics(),
        pace=pace,
        room=room,
        allow_private=allow_private,
        own=own,
        aside=aside,
        calls=calls,
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(sender.run())
        if wait:
            await until(sender.on_duty)
        try:
            yield Setting(sender, peers, leases, chats, alerts, fetch, room)
        finally:
            running.cancel()


def a_picture(width: int = 4, height: int = 3) -> bytes:
    """Return a PNG."""
    made = io.BytesIO()
    Image.new("1", (width, height)).save(made, "png")
    return made.getvalue()


def an_item(
    n: int = 0,
    *,
    kind: OutputKind = OutputKind.IMAGE,
    name: str | None = None,
    url: str | None = None,
    text: str | None = None,
) -> Item:
    """A picture on a host that is not there, unless told otherwise."""
    return Item(
        kind=kind,
        url=None if text is not None else url or f"https://cdn.test/{n}.png",
        filename=name or f"{n}.png",
        output_id=f"o/{n}",
        text=text,
    )


def a_content(*items: Item) -> Content:
    """An end with these outputs."""
    return Content(text="<b>Done</b> &amp; dusted", plain="Done & dusted", items=items)


def with_buttons(*items: Item) -> Content:
    """An end with buttons under it."""
    return a_content(*items).change(rows=ROWS, rows_text="What <next>?")


def carried_by(message: Json) -> list[str]:
    """Return what the buttons of a message carry."""
    markup: dict[str, list[list[Json]]] = message["reply_markup"] or {"inline_keyboard": []}
    return [button["callback_data"] for row in markup["inline_keyboard"] for button in row]


def has(setting: Setting, *items: Item, content: bytes | None = None) -> None:
    """Let outputs be fetched by us; Telegram itself cannot get at them."""
    for item in items:
        setting.fetch.files[item.url or ""] = File(content or a_picture())


async def hosted(peers: Peers, name: str, content: bytes) -> str:
    """Put a file where the sandbox's Telegram can fetch it; return its URL."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{peers.comfydeploy}/file/upload",
            files={"file": (name, content)},
            headers={"Authorization": "Bearer key"},
        )
    url: str = answer.raise_for_status().json()["file_url"]
    return url
