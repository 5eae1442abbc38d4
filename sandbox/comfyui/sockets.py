"""The sockets of one server, the map of them by client id, and who is sent what.

The map has the flaw of ComfyUI's own, measured in 0.3.64 and 0.30.2: of two sockets with one id the
newer gets everything, and when the older one closes, the id is forgotten, though the newer is open.
"""

import asyncio
import json
import time
import uuid
from collections import deque
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.comfyui.values import Json, an_object
from sandbox.controls import ComfyUIControls
from sandbox.endings import break_off

_Message = str | bytes


@dataclass(eq=False)
class Socket:
    """One connection.

    Attributes:
        sid: The client id, or one that was thrown.
        previews_named: Whether it asked for previews that name their prompt.
        opened_at: When, in seconds of the machine's monotonic clock.
        sent: How many messages went out.
        heard: How many came in.
        forgotten: Whether its end was noticed, and its id forgotten therefore.
    """

    websocket: WebSocket
    sid: str
    previews_named: bool = False
    opened_at: float = field(default_factory=time.monotonic)
    sent: int = 0
    heard: int = 0
    closed_at: float | None = None
    broken: bool = False
    forgotten: bool = False
    waiting: deque[tuple[float, _Message]] = field(default_factory=deque[tuple[float, _Message]])
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, message: _Message, due: float) -> None:
        """Send a message when it is due, after those before it."""
        self.waiting.append((due, message))
        self.woken.set()


class Sockets:
    """All connections to one server, those of the past included."""

    def __init__(self, controls: ComfyUIControls) -> None:
        self.controls = controls
        self.known: dict[str, Socket] = {}
        self.all = deque[Socket](maxlen=1_000)
        self._silenced: set[str] = set()

    def meet(self, websocket: WebSocket) -> Socket:
        """Take a connection in; an older one of the same id is in the map no more."""
        sid = websocket.query_params.get("clientId") or uuid.uuid4().hex
        socket = self.known[sid] = Socket(websocket, sid)
        self.all.append(socket)
        return socket

    async def serve(self, socket: Socket, features: Json) -> None:
        """Send and hear until the connection ends; then forget its id, whoever has it by now."""
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._write(socket))
                await self._read(socket, features)
                writing.cancel()
        finally:
            socket.closed_at = time.monotonic()
            self._lose(socket)

    def tell(self, kind: str, data: Json, sid: str | None) -> None:
        """Send a message to a client; without one, to all that the map knows."""
        said = "end" if kind == "executing" and data.get("node", "") is None else kind
        receivers = self._receivers(sid)
        if receivers and not self._unsaid(said, str(data.get("prompt_id", ""))):
            self._send(receivers, json.dumps({"type": kind, "data": data}))

    def show(self, frame: bytes, sid: str | None, prompt_id: str) -> None:
        """Send a binary frame, as `tell` does."""
        receivers = self._receivers(sid)
        if receivers and not self._unsaid("binary", prompt_id):
            self._send(receivers, frame)

    def listens(self, sid: str | None) -> bool:
        """Say whether a message to this client would reach anybody."""
        return bool(self._receivers(sid))

    def names_previews(self, sid: str | None) -> bool:
        """Say whether this client asked for previews that name their prompt."""
        return sid is not None and sid in self.known and self.known[sid].previews_named

    def break_off(self, sid: str | None = None) -> int:
        """Break the connections of a client, or all; return how many there were."""
        ending = [one for one in self._open() if sid is None or one.sid == sid]
        for socket in ending:
            self._break(socket)
        return len(ending)

    def forget(self, sid: str | None = None) -> None:
        """Forget the id of a client, or all ids, and leave the connections open."""
        for known in [sid] if sid is not None else list(self.known):
            self.known.pop(known, None)

    def told(self) -> list[Json]:
        """Return every connection, oldest first."""
        return [
            {
                "client_id": one.sid,
                "open": one.closed_at is None and not one.broken,
                "known": self.known.get(one.sid) is one,
                "previews_named": one.previews_named,
                "opened_at": one.opened_at,
                "closed_at": one.closed_at,
                "sent": one.sent,
                "heard": one.heard,
            }
            for one in self.all
        ]

    def _open(self) -> list[Socket]:
        return [one for one in self.all if one.closed_at is None and not one.broken]

    def _receivers(self, sid: str | None) -> list[Socket]:
        if sid is None:
            return list(self.known.values())
        return [self.known[sid]] if sid in self.known else []

    def _unsaid(self, said: str, prompt_id: str) -> bool:
        if prompt_id and said == self.controls.silent_from:
            self._silenced.add(prompt_id)
        return said in self.controls.unsaid or prompt_id in self._silenced

    def _send(self, receivers: list[Socket], message: _Message) -> None:
        due = time.monotonic() + self.controls.late
        for socket in receivers:
            socket.put(message, due)

    async def _write(self, socket: Socket) -> None:
        while True:
            while socket.waiting:
                due, message = socket.waiting[0]
                if due > time.monotonic():
                    await asyncio.sleep(due - time.monotonic())
                if socket.broken:
                    return
                socket.waiting.popleft()
                await _pass(socket.websocket, message)
                socket.sent += 1
                self._drop(socket)
            socket.woken.clear()
            await socket.woken.wait()

    def _drop(self, socket: Socket) -> None:
        controls = self.controls
        once = controls.drop_after == 1
        if controls.drop_after is not None:
            controls.drop_after = None if once else controls.drop_after - 1
        if once or (controls.drop_every is not None and socket.sent >= controls.drop_every):
            self._break(socket)

    def _break(self, socket: Socket) -> None:
        """End a connection without a close frame, and notice that at once."""
        socket.broken = True
        socket.waiting.clear()
        self._lose(socket)
        break_off(socket.websocket.scope)

    def _lose(self, socket: Socket) -> None:
        if not socket.forgotten:
            socket.forgotten = True
            self.known.pop(socket.sid, None)

    async def _read(self, socket: Socket, features: Json) -> None:
        while True:
            heard = await socket.websocket.receive()
            if heard["type"] == "websocket.disconnect":
                return
            socket.heard += 1
            wish = _wish(heard.get("text"))
            if socket.heard == 1 and wish is not None and wish.get("type") == "feature_flags":
                flags = an_object(wish.get("data")) or {}
                socket.previews_named = flags.get("supports_preview_metadata") is True
                self.tell("feature_flags", features, socket.sid)


def _wish(text: str | None) -> Json | None:
    try:
        return an_object(json.loads(text or ""))
    except ValueError:
        return None


async def _pass(websocket: WebSocket, message: _Message) -> None:
    try:
        if isinstance(message, str):
            await websocket.send_text(message)
        else:
            await websocket.send_bytes(message)
    except (WebSocketDisconnect, RuntimeError):
        # Gone: the reader is told so, and ends.
        await asyncio.Event().wait()
