"""All that one Telegram knows: its chats, its files, its updates, its switches, its failures."""

import time
from collections import deque

import httpx

from sandbox.background import Background
from sandbox.controls import TelegramControls
from sandbox.multipart import Form
from sandbox.telegram.calls import Call
from sandbox.telegram.display import Display
from sandbox.telegram.faults import Faults
from sandbox.telegram.media import Files
from sandbox.telegram.messages import Chats, Json
from sandbox.telegram.methods import Methods
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.updates import Updates, Wish

_JOURNAL_LENGTH = 50_000


class Server:
    """The state behind the Bot API's routes."""

    def __init__(self, background: Background, client: httpx.AsyncClient, display: Display) -> None:
        self.controls = TelegramControls()
        self.chats = Chats()
        self.faults = Faults()
        self.files = Files(client, self.controls)
        self.updates = Updates(client, self.controls)
        self.requests: deque[Json] = deque(maxlen=_JOURNAL_LENGTH)
        self.methods = Methods(
            chats=self.chats,
            files=self.files,
            updates=self.updates,
            display=display,
        )
        self._background = background

    def note(self, method: str, chat_id: str) -> Json:
        """Write down that a call came, and return the note to complete when it is answered."""
        number = int(chat_id) if chat_id.removeprefix("-").isdecimal() else chat_id or None
        noted: Json = {"method": method, "chat_id": number, "at": time.monotonic(), "ok": None}
        self.requests.append(noted)
        return noted

    async def inject(self, wish: Wish) -> Json:
        """Return the update wished for, on its way to the webhook or to getUpdates."""
        update = await self.updates.add(wish)
        if self.updates.webhook:
            self._background.start(self._deliver(update))
        return update

    def reset(self) -> None:
        """Forget everything but the files already known by their ids."""
        self.chats.clear()
        self.faults.clear()
        self.updates.reset()
        self.requests.clear()
        self.controls.merge(TelegramControls.model_validate(TelegramControls().model_dump()))

    async def _deliver(self, update: Json) -> None:
        answer = await self.updates.deliver(update)
        if answer is None:
            return
        # A call in a webhook's answer is done, and its result is told to nobody.
        method = str(answer.pop("method"))
        form = Form.of(answer)
        noted = self.note(method, form.fields.get("chat_id", ""))
        try:
            await self.methods.call(method, Call(bot_id=1, form=form))
        except Refusal as refused:
            noted |= {"ok": False, "status": refused.code}
        else:
            noted |= {"ok": True, "status": 200}
