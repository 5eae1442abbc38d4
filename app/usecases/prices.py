"""Say what presets cost, before anybody orders."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from app.ports import Presets
from processors import chains, presets
from processors.chains import Wanted
from processors.errors import ChainRefusedError
from schemas.preset import ChainStep, ChainTarget, FixedPrice, Preset


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


UNKNOWN: Final = Tag(None, exact=False, held=Decimal(0))
"""On a preset that cannot be ordered as it is."""


class Prices:
    """The prices of presets.

    Args:
        runs: What runs have cost.
        known: The presets that others are made of.
        credits_per_usd: How many credits a dollar of cost is.
    """

    def __init__(self, runs: LastCosts, known: Presets, credits_per_usd: Decimal) -> None:
        self._runs = runs
        self._known = known
        self._credits_per_usd = credits_per_usd

    async def of(self, preset: Preset) -> Tag:
        """Return what stands on a preset; a price that follows the cost is an estimate.

        On one that is made of others stands what they come to together; nothing where one of
        them is not there.
        """
        if not isinstance(preset.target, ChainTarget):
            return await self._alone(preset)
        found = list[tuple[ChainStep, Preset]]()
        for step in preset.target.steps:
            made = await self._known.get(step.preset)
            if made is None:
                return UNKNOWN
            found.append((step, made))
        try:
            sizes = chains.sizes(
                [Wanted(made, step.inputs, step.bindings, step.over) for step, made in found]
            )
        except ChainRefusedError:
            return UNKNOWN
        return _together(
            [(await self._alone(each), n) for (_, each), n in zip(found, sizes, strict=True)]
        )

    async def _alone(self, preset: Preset) -> Tag:
        fixed = isinstance(preset.price, FixedPrice)
        costs = () if fixed else await self._runs.last_costs(preset.name, presets.RUNS_LOOKED_AT)
        expected = presets.estimate(costs)
        return Tag(
            price=presets.price(preset, expected, self._credits_per_usd),
            exact=fixed,
            held=presets.hold(preset, expected, self._credits_per_usd),
        )


def _together(tags: Sequence[tuple[Tag, int]]) -> Tag:
    """Return what stands on several, each taken so many times."""
    prices = [tag.price * n for tag, n in tags if tag.price is not None]
    return Tag(
        price=sum(prices, Decimal(0)) if len(prices) == len(tags) else None,
        exact=all(tag.exact for tag, _ in tags),
        held=sum((tag.held * n for tag, n in tags), Decimal(0)),
    )
