"""How servers were seen, in memory."""

from schemas.server import ServerSeen
from tests.fakes.gates import Gate, ajar


class FakeServers:
    """See app.ports.ServerBoard.

    Attributes:
        kept: By id.
    """

    def __init__(self, *seen: ServerSeen, gate: Gate = ajar) -> None:
        self.kept = {each.id: each for each in seen}
        self.gate = gate

    async def put(self, seen: ServerSeen) -> None:
        """See app.ports.ServerBoard."""
        await self.gate()
        self.kept[seen.id] = seen
        await self.gate()

    async def all(self) -> tuple[ServerSeen, ...]:
        """See app.ports.ServerBoard."""
        await self.gate()
        return tuple(each for _, each in sorted(self.kept.items()))
