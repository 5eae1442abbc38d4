"""What handlers talk through: one small interface over the bot. Loaded with aiogram.

Everything to a chat goes through the sender's lanes where this process is on duty. Where it is
not, a call is made at once, and Telegram's own limits are heeded.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, TypeVar, cast

from aiogram.methods import (
    AnswerCallbackQuery,
    EditMessageText,
    GetFile,
    SendMessage,
    TelegramMethod,
)
from pydantic import JsonValue

from app.errors import PeerRefusedError
from app.telegram import outcomes, parameters
from app.telegram.bot import Bot
from app.telegram.errors import PEER, FloodError, MessageGoneError, TooLargeError
from app.telegram.parameters import Rows
from app.telegram.sender import Sender
from app.telegram.telling import plainly
from processors.notifications.markup import TEXT_LIMIT, Rendered, cut, stripped

T = TypeVar("T")

SOON: Final = timedelta(seconds=5)
"""Longest wait that Telegram may ask for and that is waited out at once."""
ANSWER_MOST: Final = 200
"""Characters of the answer to a callback query (Bot API, answerCallbackQuery)."""

_TOO_LATE: Final = ("query is too old", "query id is invalid", "query_id_invalid")
_TOO_BIG: Final = "file is too big"


class Talk:
    """Talks to people. Every method may raise a PeerError, which a handler lets through."""

    def __init__(self, bot: Bot, sender: Sender) -> None:
        self._bot = bot
        self._sender = sender

    async def say(
        self, chat_id: int, text: str, rows: Rows = (), *, reply_to: int | None = None
    ) -> int | None:
        """Send a message of our HTML; return its id, or None where the answer does not tell it."""
        made = list[int | None]()

        async def attempt(chat: int) -> None:
            async def call(said: str, html: bool) -> None:  # noqa: FBT001 - the call's own order
                sent = await self._bot.call(
                    SendMessage(
                        chat_id=chat,
                        text=said,
                        parse_mode=parameters.mode(html=html),
                        link_preview_options=parameters.PREVIEW,
                        reply_parameters=parameters.reply(reply_to),
                        reply_markup=parameters.keyboard(rows),
                    )
                )
                made.append(outcomes.message_id(sent))

            await plainly(call, _rendered(text))

        await self._in_turn(chat_id, attempt)
        return made[-1]

    async def edit(self, chat_id: int, message_id: int, text: str, rows: Rows = ()) -> bool:
        """Give a message of ours another text and other buttons; the same ones are no fault.

        Returns:
            False where it is gone, or is no text message.
        """

        async def attempt(chat: int) -> None:
            async def call(said: str, html: bool) -> None:  # noqa: FBT001 - the call's own order
                await self._bot.call(
                    EditMessageText(
                        chat_id=chat,
                        message_id=message_id,
                        text=said,
                        parse_mode=parameters.mode(html=html),
                        link_preview_options=parameters.PREVIEW,
                        reply_markup=parameters.keyboard(rows),
                    )
                )

            await plainly(call, _rendered(text))

        try:
            await self._in_turn(chat_id, attempt)
        except MessageGoneError:
            return False
        return True

    async def answer(self, callback_id: str, text: str = "", *, alert: bool = False) -> None:
        """Answer the press of a button; one that is too old to be answered is no fault."""
        said = text[:ANSWER_MOST] or None
        try:
            await self._bot.call(
                AnswerCallbackQuery(callback_query_id=callback_id, text=said, show_alert=alert)
            )
        except PeerRefusedError as error:
            if not any(each in str(error).lower() for each in _TOO_LATE):
                raise

    async def file(self, file_id: str, *, limit_bytes: int) -> bytes:
        """Return a file that somebody sent.

        Raises:
            TooLargeError: It has more than `limit_bytes`, or than bots may have.
        """
        try:
            given = await self._bot.call(GetFile(file_id=file_id))
        except PeerRefusedError as error:
            if _TOO_BIG in str(error).lower():
                raise TooLargeError(PEER, "a file is too large") from None
            raise
        found = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        size, path = found.get("file_size"), found.get("file_path")
        if isinstance(size, int) and size > limit_bytes:
            raise TooLargeError(PEER, "a file is too large")
        if not isinstance(path, str):
            raise PeerRefusedError(PEER, "it does not say where a file is")
        return await self._bot.download(path, limit_bytes=limit_bytes)

    async def call(self, chat_id: int | None, method: TelegramMethod[T]) -> JsonValue:
        """Make any other call, in its chat's turn; at once where no chat is named."""
        if chat_id is None:
            return await self._bot.call(method)
        return await self._in_turn(chat_id, lambda chat: self._bot.call(_to(chat, method)))

    async def _in_turn(self, chat_id: int, attempt: Callable[[int], Awaitable[T]]) -> T:
        if self._sender.on_duty():
            async with self._sender.turn(chat_id, editing=False):
                return await self._sender.heeding(chat_id, attempt)
        try:
            return await self._sender.heeding(chat_id, attempt)
        except FloodError as flood:
            if flood.wait > SOON:
                raise
            await asyncio.sleep(flood.wait.total_seconds())
        return await self._sender.heeding(chat_id, attempt)


def _to(chat_id: int, method: TelegramMethod[T]) -> TelegramMethod[T]:
    """Return a call with its chat's id of now: groups get another one."""
    if getattr(method, "chat_id", chat_id) == chat_id:
        return method
    return method.model_copy(update={"chat_id": chat_id})


def _rendered(text: str) -> Rendered:
    return Rendered(text, cut(stripped(text), TEXT_LIMIT))
