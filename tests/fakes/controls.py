"""What operators have stopped or capped, and what they did, in memory."""

from collections.abc import Sequence

from schemas.control import Control, Subject
from schemas.deed import Deed
from tests.fakes.gates import Gate, ajar


class FakeControls:
    """See app.ports.Controls.

    Attributes:
        gate: Passed before each call takes effect.
    """

    def __init__(self, *controls: Control, gate: Gate = ajar) -> None:
        self._all = {each.id: each for each in controls}
        self.gate = gate

    async def of(self, subjects: Sequence[Subject]) -> tuple[Control, ...]:
        """See app.ports.Controls."""
        await self.gate()
        keys = sorted({each.key for each in subjects} & self._all.keys())
        return tuple(self._all[key] for key in keys)

    async def all(self) -> tuple[Control, ...]:
        """See app.ports.Controls."""
        await self.gate()
        return tuple(self._all[key] for key in sorted(self._all))

    async def write(self, before: Control | None, after: Control) -> bool:
        """See app.ports.Controls."""
        await self.gate()
        now = self._all.get(after.id)
        stands = now is before if before is None or now is None else now.version == before.version
        if stands:
            self._all[after.id] = after
        return stands


class FakeDeeds:
    """See app.ports.Deeds.

    Attributes:
        done: All deeds, in their order.
        gate: Passed before each call takes effect.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.done = list[Deed]()
        self.gate = gate

    async def insert(self, deed: Deed) -> None:
        """See app.ports.Deeds."""
        await self.gate()
        self.done.append(deed)

    async def about(self, subject: str, limit: int) -> tuple[Deed, ...]:
        """See app.ports.Deeds."""
        await self.gate()
        return tuple(each for each in reversed(self.done) if each.subject == subject)[:limit]
