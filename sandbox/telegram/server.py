"""All that one Telegram knows: its chats, its files, its updates, its switches, its failures."""

import time
from collections import deque

import httpx

from sandbox.background import Background
from sandbox.controls import TelegramControls
from sandbox.multipart import Form
from sandbox.telegram.acts import Wish
from sandbox.telegram.calls import Call
from sandbox.telegram.commands import Commands
from sandbox.telegram.display import Display
from sandbox.telegram.faults import Faults
from sandbox.telegram.media import Files
from sandbox.telegram.messages import Chats, Json
from sandbox.telegram.methods import Methods
from sandbox.telegram.people import People
from sandbox.telegram.posting import Posting
from sandbox.telegram.questions import Questions
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.seen import Seen
from sandbox.telegram.speaking import Speaking
from sandbox.telegram.star_methods import StarMethods
from sandbox.telegram.stars import Stars
from sandbox.telegram.update_methods import UpdateMethods
from sandbox.telegram.updates import Updates

_JOURNAL_LENGTH = 50_000


class Server:
    """The state behind the Bot API's routes.

    Attributes:
        bot_id: Of the bot that called last.
    """

    def __init__(self, background: Background, client: httpx.AsyncClient, display: Display) -> None:
        self.bot_id = 1
        self.controls = TelegramControls()
        self.chats = Chats()
        self.faults = Faults()
        self.files = Files(client, self.controls)
        self.seen = Seen(display)
        self.updates = Updates(client, self.controls, background, self._do)
        self.requests: deque[Json] = deque(maxlen=_JOURNAL_LENGTH)
        self._stars = Stars()
        self._questions = Questions()
        self._commands = Commands()
        self._speaking = Speaking(
            self.chats, self.updates, self.seen, self.controls, lambda: self.bot_id
        )
        self.people = People(
            speaking=self._speaking,
            files=self.files,
            stars=self._stars,
            questions=self._questions,
            seen=self.seen,
            controls=self.controls,
        )
        self.methods = self._methods()

    def note(self, method: str, chat_id: str) -> Json:
        """Write down that a call came, and return the note to complete when it is answered."""
        number = int(chat_id) if chat_id.removeprefix("-").isdecimal() else chat_id or None
        noted: Json = {"method": method, "chat_id": number, "at": time.monotonic(), "ok": None}
        self.requests.append(noted)
        return noted

    async def inject(self, wish: Wish) -> Json | None:
        """Return the update wished for, on its way to the bot; nothing if it wants no such.

        Raises:
            Refusal: Telegram would not let a person do what leads to it.
        """
        if wish.update is not None:
            return await self.updates.add(wish.update)
        done = await self.people.act(wish.act())
        update = done["update"]
        # An act's update is a JSON object or nothing.
        return dict(update) if isinstance(update, dict) else None  # pyright: ignore[reportUnknownArgumentType]

    def reset(self) -> None:
        """Forget everything but the files already known by their ids."""
        for each in (
            *(self.chats, self.faults, self.seen, self.requests),
            *(self._stars, self._questions, self._commands, self._speaking),
        ):
            each.clear()
        self.updates.reset()
        self.controls.merge(TelegramControls.model_validate(TelegramControls().model_dump()))

    def _methods(self) -> Methods:
        posting = Posting(self.chats, self.seen)
        stars = StarMethods(
            chats=self.chats,
            posting=posting,
            stars=self._stars,
            questions=self._questions,
            speaking=self._speaking,
            seen=self.seen,
        )
        return Methods(
            chats=self.chats,
            files=self.files,
            posting=posting,
            questions=self._questions,
            seen=self.seen,
            others={
                **stars.table(),
                **UpdateMethods(self.updates).table(),
                **self._commands.table(),
            },
        )

    async def _do(self, answer: Json) -> None:
        """Do a call that was in a webhook's answer; its result is told to nobody."""
        method = str(answer.pop("method"))
        form = Form.of(answer)
        noted = self.note(method, form.fields.get("chat_id", ""))
        try:
            await self.methods.call(method, Call(self.bot_id, form))
        except Refusal as refused:
            noted |= {"ok": False, "status": refused.code}
        else:
            noted |= {"ok": True, "status": 200}
