"""Workflows in memory."""

from tests.fakes.gates import Gate, ajar


class FakeWorkflows:
    """See app.ports.Workflows.

    Attributes:
        kept: By digest.
        lasting: Digests of those that are kept for ever.
        puts: How often one was put.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.kept: dict[str, bytes] = {}
        self.lasting: set[str] = set()
        self.puts = 0
        self.gate = gate

    async def put(self, digest: str, raw: bytes, *, lasting: bool = False) -> None:
        """See app.ports.Workflows."""
        await self.gate()
        self.puts += 1
        self.lasting |= {digest} if lasting else set()
        self.kept.setdefault(digest, raw)
        await self.gate()

    async def get(self, digest: str) -> bytes | None:
        """See app.ports.Workflows."""
        await self.gate()
        return self.kept.get(digest)
