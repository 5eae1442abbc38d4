"""Whose turn it is: who speaks, where, and in which language. Loaded with aiogram.

Whoever speaks to the bot is registered. A person who is blocked gets one polite line, and a
button that is tapped twice acts once.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from aiogram import BaseMiddleware
from aiogram.enums import ChatType
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message, TelegramObject
from aiogram.types import User as Sender
from pydantic import JsonValue

from app.telegram.talking import Rows, Talk
from app.usecases.register_user import Accounts
from processors.notifications.markup import clean
from processors.notifications.texts import Voice
from schemas.user import Account, User
from schemas.wire.api import NewUser

DOUBLE: Final = timedelta(seconds=5)
"""A button that is tapped again within this time was tapped once."""
ASKED_FOR: Final = timedelta(days=1)
"""How long a question stands: what is written later is no answer to it."""
NAME_KEPT: Final = 128
"""Characters of a first name."""

_TAG: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_TAG_MOST: Final = 35
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")

Next = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One thing that a person did, and the way to answer it.

    Attributes:
        account: Who did it, and what they owned just then.
        chat_id: Where.
        message_id: Their message, or the one of ours whose button they tapped.
        tapped: Whether they tapped a button.
        private: Whether nobody else is there.
        update_id: Names it: whatever counts is done under a key made of it.
        at: When it came in.
        voice: To speak in.
    """

    account: Account
    chat_id: int
    message_id: int
    tapped: bool
    private: bool
    update_id: int
    at: datetime
    voice: Voice
    state: FSMContext
    talk: Talk

    @property
    def user(self) -> User:
        """Who did it."""
        return self.account.user

    @property
    def key(self) -> str:
        """Under which whatever counts is done once."""
        return f"tg:{self.update_id}"

    @property
    def replied(self) -> int | None:
        """Which message of the chat an order's messages reply to."""
        return None if self.private and self.tapped else self.message_id

    async def tell(self, text: str, rows: Rows = ()) -> int | None:
        """Answer; in a group the answer names what it answers."""
        reply_to = None if self.private else self.message_id
        return await self.talk.say(self.chat_id, text, rows, reply_to=reply_to)

    async def recall(self, name: str) -> dict[str, Any]:
        """Return what was kept under a name, if it still stands; else nothing."""
        kept = (await self.state.get_data()).get(name)
        if not isinstance(kept, dict):
            return {}
        found = cast("dict[str, Any]", kept)
        at = datetime.fromisoformat(found["at"])
        return found if self.at - at <= ASKED_FOR else {}

    async def keep(self, kept: str, /, **what: JsonValue) -> None:
        """Keep something under a name, in place of what was asked before."""
        data = _lasting(await self.state.get_data())
        await self.state.set_data({**data, kept: {**what, "at": self.at.isoformat()}})

    async def drop(self) -> None:
        """Forget what was asked."""
        data = await self.state.get_data()
        if len(_lasting(data)) < len(data):
            await self.state.set_data(_lasting(data))


class Callers(BaseMiddleware):
    """Gives handlers the `turn`."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def __call__(self, handler: Next, event: TelegramObject, data: dict[str, Any]) -> object:
        """Register who speaks; hand on what they say, unless they are blocked."""
        sender: Sender | None = data.get("event_from_user")
        message = event.message if isinstance(event, CallbackQuery) else event
        if sender is None or not hasattr(message, "chat"):
            return await _useless(event, data)
        account, _ = await self._accounts.register(newcomer(sender))
        where = cast("Message", message)
        turn = Turn(
            account=account,
            chat_id=where.chat.id,
            message_id=where.message_id,
            tapped=isinstance(event, CallbackQuery),
            private=where.chat.type == ChatType.PRIVATE,
            update_id=data["update_id"],
            at=data["update_at"],
            voice=data["voice"],
            state=data["state"],
            talk=data["talk"],
        )
        if account.user.blocked:
            return await _turned_away(event, turn)
        return await handler(event, {**data, "turn": turn})


class Tools(BaseMiddleware):
    """Gives handlers what they do things with, by name."""

    def __init__(self, **tools: object) -> None:
        self._tools = tools

    async def __call__(self, handler: Next, event: TelegramObject, data: dict[str, Any]) -> object:
        """Hand on with the tools."""
        return await handler(event, {**data, **self._tools})


class Taps(BaseMiddleware):
    """Lets a tap on a button pass once, however often it is tapped in a row."""

    async def __call__(self, handler: Next, event: TelegramObject, data: dict[str, Any]) -> object:
        """Hand on the first tap, and the same one again where it was not handled to its end."""
        turn: Turn = data["turn"]
        tap = cast("CallbackQuery", event)
        kept = await turn.state.get_data()
        last = cast("dict[str, Any]", kept.get("tap") or {})
        what = f"{turn.message_id}:{tap.data}"
        if last.get("what") == what and _soon(last, turn):
            return await turn.talk.answer(tap.id)
        now = {"what": what, "update": turn.update_id, "at": turn.at.isoformat()}
        await turn.state.set_data({**kept, "tap": now})
        return await handler(event, data)


def newcomer(sender: Sender) -> NewUser:
    """Return a person as Telegram describes them, without what we cannot keep."""
    tag, name = sender.language_code or "", sender.username or ""
    first = " ".join(clean(sender.first_name).split())[:NAME_KEPT]
    said = {
        "telegramId": sender.id,
        "username": name if _NAME.fullmatch(name) else None,
        "firstName": first or None,
        "language": tag if len(tag) <= _TAG_MOST and _TAG.fullmatch(tag) else None,
    }
    return NewUser.model_validate(said)


async def _useless(event: TelegramObject, data: dict[str, Any]) -> None:
    """Answer a tap on a button whose message Telegram does not show any more."""
    if isinstance(event, CallbackQuery):
        talk, voice = cast("Talk", data["talk"]), cast("Voice", data["voice"])
        await talk.answer(event.id, voice.say("This button is of no use any more."))


async def _turned_away(event: TelegramObject, turn: Turn) -> None:
    said = turn.voice.say("Sorry, you cannot use this bot any more.")
    if isinstance(event, CallbackQuery):
        await turn.talk.answer(event.id, said, alert=True)
    else:
        await turn.tell(said)


def _soon(last: dict[str, Any], turn: Turn) -> bool:
    """Return whether this is another update than the last tap, and came soon after it."""
    soon = turn.at - datetime.fromisoformat(last["at"]) <= DOUBLE
    return soon and last["update"] != turn.update_id


def _lasting(data: dict[str, Any]) -> dict[str, Any]:
    """Return what is no question."""
    return {name: each for name, each in data.items() if name == "tap"}
