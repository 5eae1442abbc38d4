"""A person in Telegram, for tests of a bot that talks to the sandbox: acts, and waits for answers.

    ada = Person(peers, 7, language="ru")
    await ada.write("/start")
    hello = await ada.next()
    await ada.tap("p:l4_t2i")
    done = await ada.until("готово")

What the bot does is read in the order it happened, each thing once: `next` and its like go on
where the last of them stopped, so nothing is missed between two acts. Nothing here sleeps: the
sandbox answers when there is something to tell.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.peers import Json, Peers

_LIMIT: Final = 20.0


@dataclass
class Person:
    """Somebody with an app, in one chat.

    Attributes:
        peers: The sandbox.
        id: Their Telegram id.
        language: The language of their app.
        name: Their first name.
        group: The chat they are in; None: the private one with the bot.
        patience: How long the bot may take for what is waited for, in seconds.
    """

    peers: Peers
    id: int
    language: str | None = None
    name: str | None = None
    group: int | None = None
    patience: float = 20.0
    _read: int = field(default=0, init=False)

    @property
    def chat(self) -> int:
        """The id of the chat."""
        return self.id if self.group is None else self.group

    def at(self, group: int) -> "Person":
        """Return the same person in a group."""
        return replace(self, group=group)

    async def write(self, text: str, **more: object) -> Json:
        """Write a text; `more` may be `reply_to` and `entities`."""
        return await self.act("write", text=text, **more)

    async def photo(self, data: bytes, caption: str = "", **more: object) -> Json:
        """Send a picture as a photo: the bot gets JPEGs of several sizes."""
        return await self.act("photo", data=_base64(data), caption=caption, **more)

    async def document(self, data: bytes, filename: str, caption: str = "", **more: object) -> Json:
        """Send a file as it is."""
        more |= {"data": _base64(data), "filename": filename, "caption": caption}
        return await self.act("document", **more)

    async def sticker(self) -> Json:
        """Send an animated sticker."""
        return await self.act("sticker")

    async def tap(
        self,
        data: str | None = None,
        *,
        place: int | None = None,
        text: str | None = None,
        message_id: int | None = None,
        stale: bool = False,
    ) -> Json:
        """Tap the button that carries `data`, or stands at `place` (from 1), or says `text`.

        Args:
            data: What it carries.
            place: Where it is.
            text: What it says.
            message_id: Below which message; the latest with buttons unless told otherwise.
            stale: Whether their app still shows a button that is gone.
        """
        wish = {"data": data, "place": place, "text": text, "message_id": message_id}
        return await self.act("tap", **wish, stale=stale)

    async def pay(self, message_id: int | None = None, link: str | None = None) -> Json:
        """Pay an invoice; the latest one unless told otherwise.

        Returns:
            `paid`, `charge_id`, and the `error` if the bot did not agree.
        """
        return await self.act("pay", message_id=message_id, link=link)

    async def block(self) -> Json:
        """Block the bot, or take it out of the group."""
        return await self.act("block")

    async def unblock(self) -> Json:
        """Let the bot in again."""
        return await self.act("unblock")

    async def upgrade(self) -> int:
        """Make the group a supergroup; return its new id."""
        return (await self.act("upgrade"))["chat_id"]

    async def act(self, act: str, **words: object) -> Json:
        """Do something.

        Raises:
            httpx.HTTPStatusError: Telegram would not let a person do it.
        """
        user = {"id": self.id, "language_code": self.language, "first_name": self.name}
        where = {} if self.group is None else {"chat_id": self.group}
        return await self.peers.control("telegram/acts", act=act, user=user, **where, **words)

    async def repeat(self, update: Json, times: int = 1) -> list[int]:
        """Have an update brought again, so many times at once; return a webhook's answers."""
        path = f"telegram/updates/{update['update_id']}"
        return (await self.peers.control(path, times=times))["answered"]

    async def seen(self) -> list[Json]:
        """Return all that happened in the chat, oldest first, people's own messages included."""
        return (await self._look(after=0, wait=0))["events"]

    async def next(self) -> Json:
        """Wait for the next new message of the bot."""
        return (await self._next(lambda event: event["kind"] == "message"))["message"]

    async def edited(self) -> Json:
        """Wait for the next message that the bot changes; return it as it then stands."""
        return (await self._next(lambda event: event["kind"] == "edit"))["message"]

    async def answered(self) -> Json:
        """Wait for the bot's next answer to a tap: its `text` and whether to `show_alert`."""
        return await self._next(lambda event: event["kind"] == "answer")

    async def until(self, said: str | Callable[[Json], Any]) -> Json:
        """Wait for a message, new or changed, with these words, or that this is true of."""

        def good(event: Json) -> object:
            message = event.get("message")
            if message is None or event["kind"] == "delete":
                return False
            return said in words(message) if isinstance(said, str) else said(message)

        return (await self._next(good))["message"]

    async def file(self, message: Json) -> bytes:
        """Return the bytes of a message's file."""
        (media,) = message["media"]
        url = f"{self.peers.url}/control/telegram/files/{media['file_id']}"
        return (await self.peers.client.get(url)).raise_for_status().content

    async def _next(self, good: Callable[[Json], object]) -> Json:
        passed: list[str] = []
        while events := (await self._look(after=self._read, wait=self.patience))["events"]:
            for event in events:
                self._read = event["n"]
                if event.get("message", {"from": "bot"})["from"] == "bot":
                    if good(event):
                        return event
                    passed.append(f"{event['kind']}: {words(event.get('message', event))!r}")
        raise AssertionError(f"the bot went quiet after {passed or 'nothing'}")

    async def _look(self, **query: float) -> Json:
        url = f"{self.peers.url}/control/telegram/seen"
        answer = await self.peers.client.get(
            url, params={"chat_id": self.chat} | query, timeout=_LIMIT + self.patience
        )
        return answer.raise_for_status().json()


def words(message: Json) -> str:
    """Return what a message says: its text or its caption."""
    return message.get("text") or message.get("caption") or ""


def data_of(message: Json) -> list[str]:
    """Return what the buttons below a message carry, in their order."""
    return [each["callback_data"] for each in message["buttons"] if "callback_data" in each]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
