"""A talk with the bot: lines go out, and whatever happens is shown."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

from app.cli.chat import lines
from app.cli.chat.lines import HELP, Line, MeaninglessError
from app.cli.chat.phone import Json, NotDoneError, Phone
from app.cli.chat.screen import BOT, Screen
from app.cli.chat.speakers import Speakers

LOOK_SECONDS: Final = 30.0
"""How long one look lasts while nothing happens."""
_OURS: Final = "-"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a script waits.

    Attributes:
        pause: For how long the bot is quiet when it has said all, in seconds.
        most: For an answer, or for the words of `@wait`, in seconds.
    """

    pause: float
    most: float


class UnansweredError(Exception):
    """A script cannot go on; the message says at what."""


class Talk:
    """One terminal's talk."""

    def __init__(
        self, phone: Phone, screen: Screen, speakers: Speakers, patience: Patience
    ) -> None:
        self._phone = phone
        self._screen = screen
        self._speakers = speakers
        self._patience = patience
        self._messages: dict[tuple[int, int], Json] = {}
        self._heard: list[str] = []

    async def live(self, typed: AsyncIterator[str]) -> None:
        """Talk with somebody at the keyboard: what happens is shown as it comes.

        Raises:
            SetupError: The sandbox is gone.
        """
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen())
            async for line in typed:
                try:
                    await self._do(line)
                except (NotDoneError, MeaninglessError, OSError) as error:
                    self._screen.note(_OURS, str(error), "red")
            listening.cancel()

    async def script(self, typed: AsyncIterator[str]) -> None:
        """Talk line by line: each waits until the bot has said all there is to say.

        Raises:
            SetupError: The sandbox is gone.
            UnansweredError: A line could not be done, or what it waited for did not come.
        """
        async for line in typed:
            try:
                meant = await self._do(line)
            except (NotDoneError, MeaninglessError, OSError) as error:
                raise UnansweredError(f"{line.strip()}: {error}") from error
            if isinstance(meant, lines.Wait):
                await self._wait_for(meant.words)
            elif meant is not None and not await self._answered():
                self._screen.note(_OURS, f"(no answer within {self._patience.most:g} s)")
        await self._until_quiet()

    async def _do(self, line: str) -> Line | None:
        """Do what a line means; return it if the bot may have something to say to it."""
        meant = lines.meaning(line, len(self._below(self._latest())))
        if meant is not None:
            self._screen.typed(self._speakers.now.name, line)
        match meant:
            case lines.Speak():
                self._speakers.turn(meant)
                self._screen.note(_OURS, f"{meant.name} speaks, as {self._speakers.now.id}")
                return None
            case lines.Plain(name="help"):
                for each in HELP.splitlines():
                    self._screen.note("", each)
                return None
            case None | lines.Wait():
                return meant
            case _:
                self._heard.clear()
                done = await self._phone.act(await self._act(meant))
                self._tell(done)
                return None if done["update"] is None else meant

    async def _act(self, meant: Line) -> Json:
        """Return the act that a line means."""
        act = self._speakers.act
        match meant:
            case lines.Write():
                return act("write", text=meant.text)
            case lines.Send():
                data = await asyncio.to_thread(meant.path.read_bytes)
                words = {"data": base64.b64encode(data).decode(), "caption": meant.caption}
                if meant.photo:
                    return act("photo", **words)
                return act("document", **words, filename=meant.path.name)
            case lines.Tap():
                return self._tap(meant)
            case lines.Pay():
                return act("pay", link=meant.link)
            case lines.Plain():
                return act(meant.name)
            case _:
                raise MeaninglessError("nothing to do")

    def _tap(self, meant: lines.Tap) -> Json:
        message, place = self._found(meant)
        button = self._below(message)[place - 1]
        number = message["message_id"]
        if button.get("pay"):
            return self._speakers.act("pay", message_id=number)
        return self._speakers.act("tap", message_id=number, place=place)

    def _found(self, meant: lines.Tap) -> tuple[Json, int]:
        """Return the message of a button, and the button's place below it."""
        if meant.place is not None:
            message = self._latest()
            if message is not None and 1 <= meant.place <= len(self._below(message)):
                return message, meant.place
            raise MeaninglessError(f"there is no button {meant.place}")
        for message in self._here():
            for place, button in enumerate(self._below(message), start=1):
                if meant.text.casefold() in button["text"].casefold():
                    return message, place
        raise MeaninglessError(f"there is no button that says {meant.text}")

    def _here(self) -> Iterator[Json]:
        """Yield the messages of the chat that is spoken in, the latest first."""
        for (chat_id, _), message in reversed(self._messages.items()):
            if chat_id == self._speakers.chat:
                yield message

    def _latest(self) -> Json | None:
        return next((each for each in self._here() if self._below(each)), None)

    @staticmethod
    def _below(message: Json | None) -> list[Json]:
        return [] if message is None else message["buttons"]

    def _tell(self, done: Json) -> None:
        """Show what came of an act at once, without the bot."""
        if "url" in done:
            self._screen.note(_OURS, f"-> {done['url']}", "")
        elif "paid" in done and not done["paid"]:
            self._screen.note(_OURS, f"not paid: {done['error']}", "red")
        elif done["update"] is None:
            self._screen.note(_OURS, "(bots are not told of that)")

    async def _listen(self) -> None:
        while True:
            self._hear(await self._phone.seen(LOOK_SECONDS))

    async def _answered(self) -> bool:
        """Hear the bot out; return False if it said nothing in time."""
        try:
            async with asyncio.timeout(self._patience.most):
                while not self._hear(await self._phone.seen(self._patience.most)):
                    pass
        except TimeoutError:
            return False
        await self._until_quiet()
        return True

    async def _until_quiet(self) -> None:
        while events := await self._phone.seen(self._patience.pause):
            self._hear(events)

    async def _wait_for(self, words: str) -> None:
        """Hear the bot until it has said these words since the last act.

        Raises:
            UnansweredError: It did not, in time.
        """
        try:
            async with asyncio.timeout(self._patience.most):
                while not any(words in each for each in self._heard):
                    self._hear(await self._phone.seen(self._patience.most))
        except TimeoutError:
            said = f"the bot did not say {words}" if words else "the bot said nothing"
            raise UnansweredError(f"{said} within {self._patience.most:g} s") from None

    def _hear(self, events: list[Json]) -> int:
        """Show what happened; return how much of it was the bot's doing."""
        count = 0
        for event in events:
            if self._speakers.hears(event["chat_id"]):
                count += self._hear_one(event)
        return count

    def _hear_one(self, event: Json) -> bool:
        who, message = self._bot_in(event["chat_id"]), event.get("message")
        if message is None:
            if event["kind"] == "answer" and event["text"]:
                self._screen.note(who, f"({event['text']})", "yellow")
            return event["kind"] == "answer"
        if message["from"] != BOT:
            # What was typed here stands there already.
            if message["kind"] == "service" or not self._speakers.typed_by(message["from"]):
                self._screen.message(message, self._speakers.named(message["from"]))
            return False
        self._keep(event["kind"], message)
        if event["kind"] == "delete":
            self._screen.note(who, "(takes a message back)")
        elif event["kind"] == "edit":
            self._screen.edit(message, who)
        else:
            self._screen.message(message, who)
        return True

    def _keep(self, kind: str, message: Json) -> None:
        place = (message["chat_id"], message["message_id"])
        if kind == "delete":
            self._messages.pop(place, None)
            return
        self._messages[place] = message
        self._heard.append(message.get("text") or message.get("caption") or "")

    def _bot_in(self, chat_id: int) -> str:
        if chat_id == self._speakers.chat:
            return BOT
        return f"{BOT} to {self._speakers.named(chat_id)}"
