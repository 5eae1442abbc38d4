"""Say what presets cost, before anybody orders."""

from decimal import Decimal
from typing import NamedTuple, Protocol

from processors import presets
from schemas.preset import FixedPrice, Preset


class LastCosts(Protocol):
    """What runs have cost. May raise StoreDownError."""

    async def last_costs(self, preset: str, limit: int) -> tuple[Decimal, ...]:
        """Return what a preset's last runs have cost; see app.ports.Generations."""
        ...


class Tag(NamedTuple):
    """What stands on a preset, as on a price tag. Amounts in credits.

    Attributes:
        price: What a run is charged, or is expected to be; None while nobody can tell.
        exact: Whether that is the price, not an estimate from the preset's last runs.
        held: What is set aside before a run.
    """

    price: Decimal | None
    exact: bool
    held: Decimal


class Prices:
    """The prices of presets.

    Args:
        runs: What runs have cost.
        credits_per_usd: How many credits a dollar of cost is.
    """

    def __init__(self, runs: LastCosts, credits_per_usd: Decimal) -> None:
        self._runs = runs
        self._credits_per_usd = credits_per_usd

    async def of(self, preset: Preset) -> Tag:
        """Return what stands on a preset; a price that follows the cost is an estimate."""
        fixed = isinstance(preset.price, FixedPrice)
        costs = () if fixed else await self._runs.last_costs(preset.name, presets.RUNS_LOOKED_AT)
        expected = presets.estimate(costs)
        return Tag(
            price=presets.price(preset, expected, self._credits_per_usd),
            exact=fixed,
            held=presets.hold(preset, expected, self._credits_per_usd),
        )
