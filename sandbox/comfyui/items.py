"""One prompt from its POST to its end."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from sandbox.comfyui.values import Json, an_object

_STAMPED: Final = 1_000


def stamp() -> int:
    """Return the time as ComfyUI's messages have it: whole milliseconds since 1970."""
    return int(time.time() * _STAMPED)


@dataclass(eq=False, kw_only=True)
class Item:
    """One prompt in the queue, changed in place by its run.

    Attributes:
        number: Its place in the queue: the lowest is run first.
        outputs: The nodes that make it run.
        interrupted: Whether somebody has interrupted it.
        woken: Set when it is to look again whether it may go on.
        messages: What its history tells of its course.
        made: What its nodes have shown, by node.
        meta: Which nodes those are, by node.
        status: `pending`, `running`, `success`, `error`, `interrupted`, `deleted` or `lost`.
        ran: The nodes that were begun, in order.
        stored_at: When its history came to be, in milliseconds since 1970.
        stored_monotonic: The same in seconds of the machine's monotonic clock.
    """

    number: float
    prompt_id: str
    prompt: Json
    extra_data: Json
    outputs: list[str]
    posted_at: int = field(default_factory=stamp)
    interrupted: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    interrupted_at: int | None = None
    started_at: int | None = None
    stored_at: float | None = None
    stored_monotonic: float | None = None
    status: str = "pending"
    messages: list[tuple[str, Json]] = field(default_factory=list[tuple[str, Json]])
    made: Json = field(default_factory=dict[str, object])
    meta: Json = field(default_factory=dict[str, object])
    ran: list[str] = field(default_factory=list[str])

    @property
    def client_id(self) -> str | None:
        """Who is told of it."""
        client_id = self.extra_data.get("client_id")
        return client_id if isinstance(client_id, str) else None

    @property
    def workflow_id(self) -> object:
        """What the frontend calls its workflow; None where it says nothing."""
        info = an_object(self.extra_data.get("extra_pnginfo")) or {}
        return (an_object(info.get("workflow")) or {}).get("id")

    def interrupt(self) -> None:
        """Have it end at the next node or step."""
        self.interrupted = True
        self.woken.set()

    def store(self) -> None:
        """Note that its history is there from now on."""
        self.stored_at, self.stored_monotonic = time.time() * _STAMPED, time.monotonic()

    def queued(self) -> list[object]:
        """Return it as the queue and the history show it."""
        return [self.number, self.prompt_id, self.prompt, self.extra_data, self.outputs]

    def history(self) -> Json:
        """Return its history."""
        ok = self.status == "success"
        status: Json = {
            "status_str": "success" if ok else "error",
            "completed": ok,
            "messages": self.messages,
        }
        made: Json = {"outputs": self.made, "status": status, "meta": self.meta}
        return {"prompt": self.queued(), **made}

    def told(self) -> Json:
        """Return it as a control call tells it."""
        return {
            "prompt_id": self.prompt_id,
            "number": self.number,
            "client_id": self.client_id,
            "status": self.status,
            "posted_at": self.posted_at,
            "started_at": self.started_at,
            "interrupted_at": self.interrupted_at,
            "stored_at": self.stored_at,
            "stored_monotonic": self.stored_monotonic,
            "ran": self.ran,
            "prompt": self.prompt,
            "extra_data": self.extra_data,
        }
