"""What a preset makes of what it is given: the engine's inputs, a price, a hold, a yes or no."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Final

from pydantic import JsonValue
from pydantic_core import to_json

from processors import costs
from processors.errors import InputFault, InputRefusedError
from processors.presets import inputs
from schemas.inputs import INPUTS_MOST
from schemas.job import Terms
from schemas.preset import Definition, FixedHold, FixedPrice, OwnPrice, StepsPrice

Agreed = Definition | Terms
"""A preset as it is now, or what was agreed on when somebody ordered it."""

RUNS_LOOKED_AT: Final = 10
"""Runs that an estimate is made of."""


def fill(
    preset: Definition, given: Mapping[str, JsonValue], bound: Collection[str] = ()
) -> dict[str, JsonValue]:
    """Return the engine's inputs for what a person or a program gives.

    What is not given, or given as null, has its default; without one it is left out.

    Args:
        preset: What is ordered.
        given: Values by the names of the preset's inputs.
        bound: The inputs that will be given later, by other runs.

    Raises:
        InputRefusedError: One is missing, unknown, of another type or out of bounds. Of several
            the first is named, in the preset's order.
    """
    taken = named(preset, given, bound)
    keys = {asked.name: asked.key for asked in preset.inputs}
    filled = {**preset.constants, **{keys[name]: value for name, value in taken.items()}}
    _check_size(preset, filled)
    return filled


def named(
    preset: Definition, given: Mapping[str, JsonValue], bound: Collection[str] = ()
) -> dict[str, JsonValue]:
    """Return what is taken for each input, by the preset's own names; see `fill`."""
    taken = dict[str, JsonValue]()
    for asked in preset.inputs:
        if asked.name in bound:
            continue
        value = given.get(asked.name)
        value = asked.default if value is None else value
        if value is not None:
            taken[asked.name] = inputs.take(asked, value)
        elif asked.required:
            raise inputs.refusal(asked, InputFault.MISSING)
    known = {asked.name for asked in preset.inputs}
    for name in given:
        if name not in known:
            raise InputRefusedError(name, InputFault.UNKNOWN)
    return taken


def price(preset: Agreed, cost_usd: Decimal | None, credits_per_usd: Decimal) -> Decimal | None:
    """Return what a run that completed is charged, in credits rounded half up to 6 places.

    A fixed price needs no cost; of one that follows the cost, None where that is not known.
    """
    paid = own_price(preset)
    if isinstance(paid, FixedPrice):
        return paid.credits
    if cost_usd is None:
        return None
    return max(costs.rounded(cost_usd * credits_per_usd * paid.factor), paid.floor)


def own_price(preset: Agreed) -> OwnPrice:
    """Return the price of a preset that is run by itself.

    Raises:
        TypeError: It is made of others, and has none of its own.
    """
    if isinstance(preset.price, StepsPrice):
        raise TypeError("a preset that is made of others has no price of its own")
    return preset.price


def cancel_fee(
    preset: Agreed, cost_usd: Decimal | None, credits_per_usd: Decimal
) -> Decimal | None:
    """Return what a run that was cancelled is charged, in credits; None where that is not known.

    What it cost us and no more: neither the price's factor nor its floor counts. That it is not
    more than what is held is for whoever takes it to see.
    """
    if preset.cancel_fee == "none":
        return Decimal(0)
    return None if cost_usd is None else costs.rounded(cost_usd * credits_per_usd)


def hold(preset: Definition, estimate_usd: Decimal | None, credits_per_usd: Decimal) -> Decimal:
    """Return what is held of a person's credits before a run, never less than the floor.

    Args:
        preset: What is ordered.
        estimate_usd: What a run of it is expected to cost, None where nobody knows.
        credits_per_usd: How many credits a dollar is.
    """
    paid = own_price(preset)
    if isinstance(paid, FixedPrice):
        return paid.credits
    if isinstance(paid.hold, FixedHold):
        return max(paid.hold.credits, paid.floor)
    expected = price(preset, estimate_usd, credits_per_usd)
    if expected is None:
        return max(paid.hold.first, paid.floor)
    return max(costs.rounded(expected * paid.hold.factor), paid.floor)


def estimate(last_costs: Sequence[Decimal]) -> Decimal | None:
    """Return what a run is expected to cost in USD, None where no cost is known.

    The median of the last ten known costs: one cold start does not make the next runs dear.

    Args:
        last_costs: Known costs of the preset's completed runs, the newest first.
    """
    if not last_costs:
        return None
    return costs.rounded(median(last_costs[:RUNS_LOOKED_AT]))


def allowed(preset: Definition, roles: Collection[str]) -> bool:
    """Return whether somebody with these roles may use a preset that is active."""
    if not preset.active:
        return False
    return preset.allowed == "all" or not set(preset.allowed).isdisjoint(roles)


def _check_size(preset: Definition, filled: Mapping[str, JsonValue]) -> None:
    """Refuse more than a record carries, by the name of what takes the most of it."""
    if len(to_json(filled)) <= INPUTS_MOST:
        return
    taken = [each for each in preset.inputs if each.key in filled]
    longest = max(taken, key=lambda each: len(to_json(filled[each.key])))
    raise inputs.refusal(longest, InputFault.TOO_LARGE, maxBytes=INPUTS_MOST)
