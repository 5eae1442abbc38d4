"""app.usecases.prices: what stands on a preset."""

from decimal import Decimal

import pytest

from app.usecases.prices import Prices, Tag
from schemas.preset import ChainStep, CostPrice, EstimatedHold
from tests.builders import a_chain_preset, a_preset
from tests.fakes.presets import FakePresets

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
        assert preset in {"l4_t2i", "dear"}
        return self.costs[:limit]


async def test_a_fixed_price_asks_nobody() -> None:
    """It is what it is."""
    tag = await Prices(Runs(Decimal(9)), FakePresets(), Decimal(100)).of(a_preset())

    assert tag == Tag(Decimal(5), exact=True, held=Decimal(5))


async def test_a_price_by_cost_is_an_estimate() -> None:
    """Of the last runs; without any nobody knows it, and the first hold is named."""
    preset = a_preset(price=BY_COST)
    known = await Prices(Runs(Decimal("0.02")), FakePresets(), Decimal(100)).of(preset)
    unknown = await Prices(Runs(), FakePresets(), Decimal(100)).of(preset)

    assert known == Tag(Decimal(4), exact=False, held=Decimal(6))
    assert unknown == Tag(None, exact=False, held=Decimal(10))


FIXED = ChainStep(preset="l4_t2i", over={"steps": (1, 2, 3)})
DEAR = ChainStep(preset="dear")


@pytest.mark.parametrize(
    ("steps", "costs", "tag"),
    [
        ((FIXED,), (), Tag(Decimal(15), exact=True, held=Decimal(15))),
        ((FIXED, DEAR), ("0.02",), Tag(Decimal(19), exact=False, held=Decimal(21))),
        ((FIXED, DEAR), (), Tag(None, exact=False, held=Decimal(25))),
        ((ChainStep(preset="gone"),), (), Tag(None, exact=False, held=Decimal(0))),
        (
            (ChainStep(preset="l4_t2i", over={"colour": ("red",)}),),
            (),
            Tag(None, exact=False, held=Decimal(0)),
        ),
    ],
    ids=["a step made thrice", "one is an estimate", "one is unknown", "gone", "misfit"],
)
async def test_what_is_made_of_others_costs_what_they_come_to(
    steps: tuple[ChainStep, ...], costs: tuple[str, ...], tag: Tag
) -> None:
    """Each as often as it is made; unknown where one is, and where it cannot be ordered."""
    known = FakePresets(a_preset(), a_preset("dear", price=BY_COST))
    prices = Prices(Runs(*map(Decimal, costs)), known, Decimal(100))

    assert await prices.of(a_chain_preset("both", *steps)) == tag
