"""app.usecases.prices: what stands on a preset."""

from decimal import Decimal

import pytest

from app.usecases.prices import Prices, Tag
from schemas.preset import CostPrice, EstimatedHold
from tests.builders import a_preset

pytestmark = pytest.mark.anyio

BY_COST = CostPrice(
    kind="cost",
    factor=Decimal(2),
    floor=Decimal(1),
    hold=EstimatedHold(kind="estimate", factor=Decimal("1.5"), first=Decimal(10)),
)


class Runs:
    """Runs that have cost so much."""

    def __init__(self, *costs: Decimal) -> None:
        self.costs = costs

    async def last_costs(self, preset: str, limit: int) -> tuple[Decimal, ...]:
        """See app.usecases.prices.LastCosts."""
        assert preset == "l4_t2i"
        return self.costs[:limit]


async def test_a_fixed_price_asks_nobody() -> None:
    """It is what it is."""
    tag = await Prices(Runs(Decimal(9)), Decimal(100)).of(a_preset())

    assert tag == Tag(Decimal(5), exact=True, held=Decimal(5))


async def test_a_price_by_cost_is_an_estimate() -> None:
    """Of the last runs; without any nobody knows it, and the first hold is named."""
    preset = a_preset(price=BY_COST)
    known = await Prices(Runs(Decimal("0.02")), Decimal(100)).of(preset)
    unknown = await Prices(Runs(), Decimal(100)).of(preset)

    assert known == Tag(Decimal(4), exact=False, held=Decimal(6))
    assert unknown == Tag(None, exact=False, held=Decimal(10))
