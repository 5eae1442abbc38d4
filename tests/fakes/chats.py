"""What we know of chats, in memory."""

from datetime import datetime

from tests.fakes.gates import Gate, ajar


class FakeChats:
    """See app.ports.Chats.

    Attributes:
        closed: Chats that refuse us, with why and since when.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.closed: dict[int, tuple[str, datetime]] = {}
        self._moved: dict[int, int] = {}
        self.gate = gate

    async def current(self, chat_id: int) -> int:
        """See app.ports.Chats."""
        await self.gate()
        return self._moved.get(chat_id, chat_id)

    async def migrated(self, chat_id: int, to: int) -> None:
        """See app.ports.Chats."""
        await self.gate()
        self._moved[chat_id] = to

    async def blocked(self, chat_id: int, why: str, now: datetime) -> None:
        """See app.ports.Chats."""
        await self.gate()
        self.closed[chat_id] = (why, now)

    async def refuses(self, chat_id: int) -> bool:
        """See app.ports.Chats."""
        await self.gate()
        return chat_id in self.closed

    async def opened(self, chat_id: int) -> None:
        """See app.ports.Chats."""
        await self.gate()
        self.closed.pop(chat_id, None)

    async def forget(self, chat_id: int) -> None:
        """See app.ports.Chats."""
        await self.gate()
        self._moved.pop(chat_id, None)
        self.closed.pop(chat_id, None)
