"""The log of executed nodes, in memory."""

from collections.abc import Sequence
from datetime import datetime

from schemas.base import GenerationId, RunId
from schemas.usage import Use, UseRow, UsesBy
from tests.fakes.gates import Gate, ajar


class FakeUses:
    """See app.ports.Uses.

    Attributes:
        kept: By run and node.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.kept: dict[tuple[RunId, str], Use] = {}
        self.gate = gate

    async def add(self, rows: Sequence[Use]) -> None:
        """See app.ports.Uses."""
        await self.gate()
        for each in rows:
            self.kept.setdefault((each.run_id, each.node_id), each)
        await self.gate()

    async def report(self, since: datetime, until: datetime, by: UsesBy) -> tuple[UseRow, ...]:
        """See app.ports.Uses."""
        await self.gate()
        groups = dict[str, list[Use]]()
        for each in self.kept.values():
            if since <= each.at < until:
                for name in _names(each, by):
                    groups.setdefault(name, []).append(each)
        rows = [
            UseRow(
                name,
                len(uses),
                sum(each.cached for each in uses),
                sum(each.milliseconds for each in uses),
                max(each.milliseconds for each in uses),
            )
            for name, uses in groups.items()
        ]
        return tuple(sorted(rows, key=lambda row: (-row.milliseconds, row.name)))

    async def of(self, generation: GenerationId) -> tuple[Use, ...]:
        """See app.ports.Uses."""
        await self.gate()
        found = [each for each in self.kept.values() if each.generation == generation]
        return tuple(
            sorted(found, key=lambda each: (each.at, -each.milliseconds, each.run_id, each.node_id))
        )


def _names(use: Use, by: UsesBy) -> tuple[str, ...]:
    return {"class": (use.class_type,), "model": use.models, "server": (use.server,)}[by]
