"""Book what Telegram tells of chats themselves, before anybody is asked. Loaded with aiogram."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiogram import BaseMiddleware
from aiogram.enums import ChatMemberStatus
from aiogram.types import ChatMemberUpdated, Message, TelegramObject, Update

from app.clock import Clock
from app.ports import Chats

_OUT: Final = frozenset({ChatMemberStatus.LEFT, ChatMemberStatus.KICKED})

Next = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class Membership(BaseMiddleware):
    """Notes who blocks us, who lets us in again, and which group has another id now."""

    def __init__(self, chats: Chats, clock: Clock) -> None:
        self._chats = chats
        self._clock = clock

    async def __call__(self, handler: Next, event: TelegramObject, data: dict[str, Any]) -> object:
        """Note what an update tells of its chat, then hand it on."""
        if isinstance(event, Update):
            if event.my_chat_member is not None:
                await self._member(event.my_chat_member)
            if event.message is not None:
                await self._message(event.message)
        return await handler(event, data)

    async def _member(self, told: ChatMemberUpdated) -> None:
        if told.new_chat_member.status in _OUT:
            why = f"the bot is {told.new_chat_member.status}"
            await self._chats.blocked(told.chat.id, why, self._clock.now())
        else:
            await self._chats.opened(told.chat.id)

    async def _message(self, message: Message) -> None:
        if message.migrate_to_chat_id is not None:
            await self._chats.migrated(message.chat.id, message.migrate_to_chat_id)
        elif message.migrate_from_chat_id is not None:
            await self._chats.migrated(message.migrate_from_chat_id, message.chat.id)
