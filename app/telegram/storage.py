"""aiogram's storage of states, over our own port. Loaded with aiogram."""

from collections.abc import Mapping
from typing import Any

from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseStorage, StateType, StorageKey

from app.clock import Clock
from app.ports import Conversations


class ConversationStorage(BaseStorage):
    """Where people stand, by chat and person; other parts of a key do not tell them apart."""

    def __init__(self, conversations: Conversations, clock: Clock) -> None:
        self._conversations = conversations
        self._clock = clock

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """See aiogram's BaseStorage."""
        name = state.state if isinstance(state, State) else state
        await self._conversations.set_state(key.chat_id, key.user_id, name, self._clock.now())

    async def get_state(self, key: StorageKey) -> str | None:
        """See aiogram's BaseStorage."""
        return (await self._conversations.get(key.chat_id, key.user_id)).state

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """See aiogram's BaseStorage. What is remembered is JSON."""
        if data:
            await self._conversations.set_data(key.chat_id, key.user_id, data, self._clock.now())
        elif (await self._conversations.get(key.chat_id, key.user_id)).state is None:
            # What aiogram's `clear` does: the state first, then the data.
            await self._conversations.clear(key.chat_id, key.user_id)
        else:
            await self._conversations.set_data(key.chat_id, key.user_id, {}, self._clock.now())

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """See aiogram's BaseStorage."""
        return dict((await self._conversations.get(key.chat_id, key.user_id)).data)

    async def close(self) -> None:
        """See aiogram's BaseStorage: the database is not ours to close."""
