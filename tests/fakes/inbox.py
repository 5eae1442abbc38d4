"""An inbox in memory."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime

from schemas.base import GenerationId
from schemas.run import Batch
from tests.fakes.gates import Gate, ajar


class FakeInbox:
    """See app.ports.Inbox.

    Attributes:
        batches: What is stored; several fakes may share it, each behind a gate of its own.
        gate: Passed before each call takes effect, and before it answers.
    """

    def __init__(self, batches: dict[str, Batch] | None = None, gate: Gate = ajar) -> None:
        self.batches = {} if batches is None else batches
        self.gate = gate

    async def insert(self, batch: Batch) -> None:
        """See app.ports.Inbox."""
        await self.gate()
        self.batches.setdefault(batch.id, batch.change(applied=False))
        await self.gate()

    async def mark_applied(self, ids: Sequence[str]) -> None:
        """See app.ports.Inbox."""
        await self.gate()
        for each in ids:
            if each in self.batches:
                self.batches[each] = self.batches[each].change(applied=True)
        await self.gate()

    async def mark_unapplied(self, ids: Sequence[str]) -> None:
        """See app.ports.Inbox."""
        await self.gate()
        for each in ids:
            if each in self.batches:
                self.batches[each] = self.batches[each].change(applied=False)
        await self.gate()

    async def stale(
        self, before: datetime, limit: int, known: Collection[str] = ()
    ) -> tuple[Batch, ...]:
        """See app.ports.Inbox."""
        await self.gate()
        found = [
            each
            for each in self._oldest_first()
            if not each.applied and each.at < before and each.id not in known
        ]
        await self.gate()
        return tuple(found[:limit])

    async def around(
        self, since: datetime, until: datetime, generation_id: GenerationId | None = None
    ) -> AsyncIterator[Batch]:
        """See app.ports.Inbox."""
        await self.gate()
        for each in self._oldest_first():
            events = tuple(
                event for event in each.events if generation_id in {None, event.generation}
            )
            if since <= each.at <= until and (events or generation_id is None):
                yield each.change(events=events)

    def _oldest_first(self) -> list[Batch]:
        return sorted(self.batches.values(), key=lambda each: each.at)
