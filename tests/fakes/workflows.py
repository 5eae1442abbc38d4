"""Workflows in memory."""

from tests.fakes.gates import Gate, ajar


class FakeWorkflows:
    """See app.ports.Workflows.

    Attributes:
        kept: By digest.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.kept: dict[str, bytes] = {}
        self.gate = gate

    async def put(self, digest: str, raw: bytes) -> None:
        """See app.ports.Workflows."""
        await self.gate()
        self.kept.setdefault(digest, raw)
        await self.gate()

    async def get(self, digest: str) -> bytes | None:
        """See app.ports.Workflows."""
        await self.gate()
        return self.kept.get(digest)
