"""How far payments were compared, in memory."""

from schemas.payment import Comparison
from tests.fakes.gates import Gate, ajar


class FakeComparisons:
    """See app.ports.Comparisons.

    Attributes:
        gate: Passed before each call takes effect.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self._all = dict[str, Comparison]()
        self.gate = gate

    async def get(self, provider: str) -> Comparison | None:
        """See app.ports.Comparisons."""
        await self.gate()
        return self._all.get(provider)

    async def put(self, comparison: Comparison) -> None:
        """See app.ports.Comparisons."""
        await self.gate()
        self._all[comparison.id] = comparison
