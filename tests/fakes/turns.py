"""Who was served when, in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tests.fakes.gates import Gate, ajar


class FakeTurns:
    """See app.ports.Turns.

    Attributes:
        known: By person.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.known: dict[str, datetime] = {}
        self.gate = gate

    async def served(self, user: str, now: datetime) -> None:
        """See app.ports.Turns."""
        await self.gate()
        self.known[user] = max(now, self.known.get(user, now))
        await self.gate()

    async def last(self, users: Sequence[str]) -> Mapping[str, datetime]:
        """See app.ports.Turns."""
        await self.gate()
        return {each: self.known[each] for each in users if each in self.known}
