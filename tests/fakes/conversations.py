"""Conversations in memory."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from app.ports import Conversation
from tests.fakes.gates import Gate, ajar

_BEGINNING = Conversation(None, {})


class FakeConversations:
    """See app.ports.Conversations.

    Attributes:
        known: By chat and person.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.known: dict[tuple[int, int], Conversation] = {}
        self.gate = gate

    async def get(self, chat_id: int, user_id: int) -> Conversation:
        """See app.ports.Conversations."""
        await self.gate()
        return self.known.get((chat_id, user_id), _BEGINNING)

    async def set_state(self, chat_id: int, user_id: int, state: str | None, now: datetime) -> None:
        """See app.ports.Conversations."""
        del now
        before = await self.get(chat_id, user_id)
        self.known[chat_id, user_id] = before._replace(state=state)

    async def set_data(
        self, chat_id: int, user_id: int, data: Mapping[str, JsonValue], now: datetime
    ) -> None:
        """See app.ports.Conversations."""
        del now
        before = await self.get(chat_id, user_id)
        self.known[chat_id, user_id] = before._replace(data=dict(data))

    async def clear(self, chat_id: int, user_id: int) -> None:
        """See app.ports.Conversations."""
        await self.gate()
        self.known.pop((chat_id, user_id), None)
