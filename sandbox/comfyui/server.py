"""One ComfyUI server: its queue and its worker, its history, and its answer to a prompt."""

import asyncio
import contextlib
import heapq
import itertools
import time
import uuid
from collections import deque
from typing import Final

from sandbox.background import Background
from sandbox.comfyui import validating, versions
from sandbox.comfyui.folders import Folders
from sandbox.comfyui.graphs import read
from sandbox.comfyui.items import Item, stamp
from sandbox.comfyui.progress import Progress
from sandbox.comfyui.running import Place, Run
from sandbox.comfyui.sockets import Socket, Sockets
from sandbox.comfyui.tasks import Made
from sandbox.comfyui.validating import problem
from sandbox.comfyui.values import Json, an_object
from sandbox.comfyui.versions import Version
from sandbox.controls import ComfyUIControls

_JOURNAL_LENGTH: Final = 20_000
_BAD_ID: Final = (
    "invalid_prompt_id",
    "prompt_id must be a valid UUID",
    (
        "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let "
        "the server generate one"
    ),
)


class RefusedPromptError(Exception):
    """A prompt that is not taken; `body` is what the answer says."""

    def __init__(self, error: Json, node_errors: Json | None = None) -> None:
        super().__init__(error)
        self.body: Json = {"error": error, "node_errors": node_errors or {}}


class Server:
    """The state behind one server's routes."""

    def __init__(self, name: str, background: Background, seconds: float) -> None:
        self.name = name
        self.controls = ComfyUIControls()
        self.sockets = Sockets(self.controls)
        self.folders = Folders()
        self.pending: list[tuple[float, str, int, Item]] = []
        self.running: Item | None = None
        self.history: dict[str, Item] = {}
        self.posted = deque[Item](maxlen=_JOURNAL_LENGTH)
        self.requests = deque[Json](maxlen=_JOURNAL_LENGTH)
        self._background = background
        self._seconds = seconds
        self._cache: dict[str, Made] = {}
        self._number = 0
        self._order = itertools.count()
        self._more = asyncio.Event()
        self._node: str | None = None
        self._worker = background.start(self._work())

    @property
    def version(self) -> Version:
        """Which ComfyUI it is."""
        return versions.parse(self.controls.version)

    def merge(self, changes: ComfyUIControls) -> None:
        """Turn the switches given, and let everything look at them at once."""
        self.controls.merge(changes)
        if self.controls.down is not None:
            self.sockets.break_off()
        if self.running is not None:
            self.running.woken.set()

    def restart(self) -> None:
        """Lose queue, history, connections and client ids, as a server that starts again."""
        self.stop()
        for item in [one for *_, one in self.pending] + [self.running]:
            if item is not None:
                item.status = "lost"
        self.pending, self.running, self._node = [], None, None
        self.history.clear()
        # A new one, for what is cancelled here may still write into the old.
        self._cache = {}
        self._number = 0
        self.folders.restart()
        self._worker = self._background.start(self._work())

    def stop(self) -> None:
        """End everything that still goes on."""
        self._worker.cancel()
        self.sockets.break_off()
        self.sockets.forget()

    def features(self) -> Json:
        """Return what this server says it can."""
        known: Json = {"supports_preview_metadata": True, "max_upload_size": 104_857_600}
        if self.version < versions.ASSETS:
            return known
        return {
            "supports_preview_metadata": True,
            "supports_model_type_tags": True,
            "max_upload_size": 104_857_600,
            "extension": {"manager": {"supports_v4": True}},
            "node_replacements": True,
            "assets": False,
        }

    def remaining(self) -> Json:
        """Return how many prompts wait and run."""
        count = len(self.pending) + (self.running is not None)
        return {"exec_info": {"queue_remaining": count}}

    def greet(self, socket: Socket) -> None:
        """Tell one who connects how things stand, and which node of its prompt runs."""
        sid = socket.sid
        self.sockets.tell("status", {"status": self.remaining(), "sid": sid}, sid)
        if self._node is not None and self.running and self.running.client_id == sid:
            self.sockets.tell("executing", {"node": self._node}, sid)

    def post(self, body: Json) -> Json:
        """Take a prompt; return the answer.

        Raises:
            RefusedPromptError: It is not taken.
            TypeError: The server breaks over it.
            ValueError: The same.
        """
        number = self._take_number(body)
        if "prompt" not in body:
            words = "No prompt provided"
            raise RefusedPromptError(problem("no_prompt", words, words))
        prompt_id = self._prompt_id(body.get("prompt_id"))
        prompt = an_object(body["prompt"])
        if prompt is None:
            raise TypeError("the prompt is no object")
        checked = validating.check(prompt, self.version, self._is_input)
        if checked.error is not None:
            raise RefusedPromptError(checked.error, checked.node_errors)
        extra = dict(an_object(body.get("extra_data")) or {})
        if "client_id" in body:
            extra["client_id"] = body["client_id"]
        if self.version >= versions.CREATE_TIME:
            extra["create_time"] = stamp()
        self.put(
            Item(
                number=number,
                prompt_id=prompt_id,
                prompt=prompt,
                extra_data=extra,
                outputs=checked.outputs,
            )
        )
        return {"prompt_id": prompt_id, "number": number, "node_errors": checked.node_errors}

    def put(self, item: Item) -> None:
        """Queue a prompt."""
        self.posted.append(item)
        heapq.heappush(self.pending, (item.number, item.prompt_id, next(self._order), item))
        self._tell_status()
        self._more.set()

    def delete(self, prompt_ids: list[object] | None = None) -> bool:
        """Take prompts out of the queue, all or those of these ids; say whether one was there."""
        gone = [
            one for *_, one in self.pending if prompt_ids is None or one.prompt_id in prompt_ids
        ]
        for item in gone:
            item.status = "deleted"
        self.pending = [entry for entry in self.pending if entry[-1] not in gone]
        heapq.heapify(self.pending)
        if gone:
            self._tell_status()
        return bool(gone)

    def interrupt(self, prompt_id: object = None) -> bool:
        """Interrupt what runs, whichever or only if it is this; say whether it was."""
        running = self.running
        if running is None or (prompt_id is not None and running.prompt_id != prompt_id):
            return False
        running.interrupt()
        return True

    def free(self) -> None:
        """Forget what nodes have made."""
        self._cache.clear()

    def _take_number(self, body: Json) -> float:
        if "number" in body:
            return float(str(body["number"]))
        number, self._number = self._number, self._number + 1
        return -number if body.get("front") else number

    def _prompt_id(self, wish: object) -> str:
        if wish is None or self.version < versions.PROMPT_IDS:
            return str(uuid.uuid4())
        if self.version < versions.STRICT_IDS:
            return str(wish)
        if not isinstance(wish, str) or not versions.ID.fullmatch(wish):
            raise RefusedPromptError(problem(*_BAD_ID))
        return wish

    def _is_input(self, path: str) -> bool:
        return self.folders.input(path) is not None

    def _tell_status(self) -> None:
        self.sockets.tell("status", {"status": self.remaining()}, None)

    async def _work(self) -> None:
        while True:
            while not self.pending:
                self._more.clear()
                await self._more.wait()
            self.running = item = heapq.heappop(self.pending)[-1]
            self._tell_status()
            await self._run(item)
            await self._linger(item)
            self.running = None
            item.store()
            self.history.pop(item.prompt_id, None)
            self.history[item.prompt_id] = item
            self._tell_status()
            if item.client_id is not None:
                over: Json = {"node": None, "prompt_id": item.prompt_id}
                self.sockets.tell("executing", over, item.client_id)
            self._tell_assets()

    async def _run(self, item: Item) -> None:
        place = Place(
            controls=self.controls,
            sockets=self.sockets,
            folders=self.folders,
            cache=self._cache,
            seconds=self._seconds,
            executing=self._note_node,
        )
        progress = Progress(self.sockets, self.version, item.prompt_id, item.client_id)
        await Run(place, item, read(item.prompt), progress).run()

    async def _linger(self, item: Item) -> None:
        """Keep a prompt that is done from its history for as long as the switch says."""
        done_at = time.monotonic()
        while (left := done_at + self.controls.history_after - time.monotonic()) > 0:
            item.woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await item.woken.wait()

    def _note_node(self, node_id: str | None) -> None:
        self._node = node_id

    def _tell_assets(self) -> None:
        if self.controls.assets:
            for what in ("started", "enrich_complete", "completed"):
                self.sockets.tell(f"assets.seed.{what}", {"roots": ["output"]}, None)
