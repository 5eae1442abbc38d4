"""Sessions in memory."""

from schemas.access import Session
from tests.fakes.gates import Gate, ajar


class FakeSessions:
    """See app.ports.Sessions.

    Attributes:
        kept: By digest.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.kept: dict[str, Session] = {}
        self.gate = gate

    async def put(self, session: Session) -> None:
        """See app.ports.Sessions."""
        await self.gate()
        self.kept[session.digest] = session

    async def get(self, digest: str) -> Session | None:
        """See app.ports.Sessions."""
        await self.gate()
        return self.kept.get(digest)

    async def remove(self, digest: str) -> None:
        """See app.ports.Sessions."""
        await self.gate()
        self.kept.pop(digest, None)
