"""The ledger in memory, honest about its unique keys and its order."""

from collections.abc import AsyncIterator, Callable, Sequence

from app.errors import UnreadableError
from processors import ledger
from schemas.base import GenerationId, UserId
from schemas.ledger import Entry
from tests.fakes.gates import Gate, ajar


class FakeLedger:
    """See app.ports.Ledger.

    Attributes:
        kept: All entries, in the order they were stored in.
        gate: Passed before each call takes effect, and before it answers.
    """

    def __init__(self, gate: Gate = ajar, kept: list[Entry] | None = None) -> None:
        self.kept: list[Entry] = [] if kept is None else kept
        self.gate = gate

    async def history(
        self, user: UserId, *, before: int | None = None, limit: int
    ) -> tuple[Entry, ...]:
        """See app.ports.Ledger."""
        await self.gate()
        found = [each for each in self._of(user) if before is None or each.seq < before]
        await self.gate()
        return tuple(found[::-1][:limit])

    async def by_key(self, key: str) -> Entry | None:
        """See app.ports.Ledger."""
        await self.gate()
        found = next((each for each in self.kept if each.key == key), None)
        await self.gate()
        return found

    async def insert(self, entry: Entry) -> bool:
        """See app.ports.Ledger."""
        await self.gate()
        taken = any(
            entry.key == each.key or (entry.user, entry.seq) == (each.user, each.seq)
            for each in self.kept
        )
        if not taken:
            self.kept.append(entry)
        await self.gate()
        return not taken

    async def closed(self, generations: Sequence[GenerationId]) -> frozenset[GenerationId]:
        """See app.ports.Ledger."""
        await self.gate()
        keys = {each.key for each in self.kept}
        return frozenset(each for each in generations if ledger.close_key(each) in keys)

    async def entries(
        self, user: UserId | None = None, *, odd: Callable[[UnreadableError], None]
    ) -> AsyncIterator[Entry]:
        """See app.ports.Ledger: nothing is odd here."""
        del odd
        await self.gate()
        for each in self._of(user):
            yield each

    def _of(self, user: UserId | None) -> list[Entry]:
        found = [each for each in self.kept if user in {None, each.user}]
        return sorted(found, key=lambda each: (each.user, each.seq))
