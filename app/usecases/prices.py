"""Say what presets cost, before anybody orders."""

from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from processors import chains, presets
from processors.chains import Wanted
from processors.errors import ChainRefusedError
from schemas.preset import ChainTarget, FixedPrice, Preset


class LastCosts(Protocol):
    """What runs have cost. May raise StoreDownError."""

    async def last_costs(self, preset: str, limit: int) -> tuple[Decimal, ...]:
        """Return what a preset's last runs have cost; see app.ports.Generations."""
        ...


class Known(Protocol):
    """The presets. May raise StoreDownError."""

    async def get(self, name: str) -> Preset | None:
        """Return a preset, or None."""
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
        known: The presets, for those that are made of others.
        credits_per_usd: How many credits a dollar of cost is.
    """

    def __init__(self, runs: LastCosts, known: Known, credits_per_usd: Decimal) -> None:
        self._runs = runs
        self._known = known
        self._credits_per_usd = credits_per_usd

    async def of(self, preset: Preset) -> Tag:
        """Return what stands on a preset; a price that follows the cost is an estimate.

        Of one that is made of others it is the sum of what all their runs come to.
        """
        if isinstance(preset.target, ChainTarget):
            return await self._sum(preset.target)
        fixed = isinstance(preset.price, FixedPrice)
        costs = () if fixed else await self._runs.last_costs(preset.name, presets.RUNS_LOOKED_AT)
        expected = presets.estimate(costs)
        return Tag(
            price=presets.price(preset, expected, self._credits_per_usd),
            exact=fixed,
            held=presets.hold(preset, expected, self._credits_per_usd),
        )

    async def _sum(self, target: ChainTarget) -> Tag:
        wanted, known = list[Wanted](), dict[str, Preset]()
        for step in target.steps:
            preset = await self._known.get(step.preset)
            if preset is None:
                return _UNKNOWN
            known[step.preset] = preset
            wanted.append(Wanted(preset, {}, step.bindings, step.over))
        try:
            sizes = chains.sizes(wanted)
        except ChainRefusedError:
            return _UNKNOWN
        tags = {name: await self.of(each) for name, each in known.items()}
        parts = [(tags[each.preset.name], size) for each, size in zip(wanted, sizes, strict=True)]
        prices = [None if tag.price is None else tag.price * size for tag, size in parts]
        told = [each for each in prices if each is not None]
        return Tag(
            price=sum(told, _ZERO) if len(told) == len(prices) else None,
            exact=all(tag.exact for tag, _ in parts),
            held=sum((tag.held * size for tag, size in parts), _ZERO),
        )


_ZERO: Final = Decimal(0)
_UNKNOWN: Final = Tag(price=None, exact=False, held=_ZERO)
"""Of what cannot be ordered: a preset that it is made of is of a newer version, or damaged."""
