"""app.usecases.prices: what stands on a preset."""

from decimal import Decimal

import pytest

from app.usecases.prices import Prices, Tag
from schemas.preset import (
    Binding,
    ChainStep,
    ChainTarget,
    CostPrice,
    EstimatedHold,
    Preset,
    StepsPrice,
)
from tests.builders import a_preset
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
        assert preset == "l4_t2i"
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


def made_of(*steps: ChainStep) -> Preset:
    """A preset that is made of others."""
    target = ChainTarget(engine="chain", steps=steps)
    return a_preset("dressed", target=target, price=StepsPrice(kind="steps"))


async def test_a_preset_that_is_made_of_others_costs_what_they_do() -> None:
    """As often as each is made; where nobody knows one of them, nobody knows the sum."""
    fixed, by_cost = a_preset("fixed"), a_preset(price=BY_COST)
    twice = ChainStep(preset="fixed", over={"prompt": ("a hat", "a coat")})
    preset = made_of(twice, ChainStep(preset="l4_t2i"))
    known = FakePresets(fixed, by_cost)

    tag = await Prices(Runs(Decimal("0.02")), known, Decimal(100)).of(preset)
    assert tag == Tag(Decimal(14), exact=False, held=Decimal(16))
    tag = await Prices(Runs(), known, Decimal(100)).of(preset)
    assert tag == Tag(None, exact=False, held=Decimal(20))


@pytest.mark.parametrize(
    "step",
    [ChainStep(preset="gone"), ChainStep(preset="fixed", bindings={"prompt": Binding(step=5)})],
)
async def test_on_a_preset_that_cannot_be_ordered_stands_nothing(step: ChainStep) -> None:
    """One of the others is not there, or is not given what it takes."""
    prices = Prices(Runs(), FakePresets(a_preset("fixed")), Decimal(100))

    assert (await prices.of(made_of(step))).price is None
