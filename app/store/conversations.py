"""Where people stand in their conversations with the bot, in MongoDB."""

from collections.abc import Mapping
from datetime import datetime

import orjson
from pydantic import JsonValue

from app.ports import Conversation
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document


class MongoConversations:
    """See app.ports.Conversations.

    Data are kept as JSON: their names may be such as MongoDB would misread.
    """

    def __init__(self, connection: Connection) -> None:
        self._all = connection.collection("conversations")

    async def get(self, chat_id: int, user_id: int) -> Conversation:
        """See app.ports.Conversations."""
        async with answered():
            found = await self._all.find_one(_chosen(chat_id, user_id)) or {}
        return Conversation(found.get("state"), orjson.loads(found.get("data", b"{}")))

    async def set_state(self, chat_id: int, user_id: int, state: str | None, now: datetime) -> None:
        """See app.ports.Conversations."""
        await self._set(chat_id, user_id, {"state": state, "at": now})

    async def set_data(
        self, chat_id: int, user_id: int, data: Mapping[str, JsonValue], now: datetime
    ) -> None:
        """See app.ports.Conversations."""
        await self._set(chat_id, user_id, {"data": orjson.dumps(dict(data)), "at": now})

    async def clear(self, chat_id: int, user_id: int) -> None:
        """See app.ports.Conversations."""
        async with answered():
            await self._all.delete_one(_chosen(chat_id, user_id))

    async def _set(self, chat_id: int, user_id: int, fields: Document) -> None:
        async with answered():
            await self._all.update_one(_chosen(chat_id, user_id), {"$set": fields}, upsert=True)


def _chosen(chat_id: int, user_id: int) -> Document:
    return {"_id": {"$eq": f"{chat_id}:{user_id}"}}
