"""Settle a step: what its person pays once its run has ended, and when that can be said."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Final

from processors import presets, runs
from schemas.base import Value
from schemas.generation import Generation
from schemas.job import Outcome, PriceReason, Step
from schemas.preset import FixedPrice
from schemas.run import RunStatus
from schemas.timing import Timing

_ZERO: Final = Decimal(0)


class Settlement(Value):
    """What a step comes to.

    Attributes:
        captured: Credits that its person pays, at most what is held.
        reason: How that came about.
        rate: Credits for a dollar of cost, where the price follows the cost.
    """

    captured: Decimal
    reason: PriceReason
    rate: Decimal | None = None


class Later(Value):
    """It cannot be said yet.

    Attributes:
        at: When to look again.
        reserved: Whether the end is provisional: its person is told so at once.
    """

    at: datetime
    reserved: bool


def settlement(
    generation: Generation, step: Step, now: datetime, timing: Timing
) -> Settlement | Later:
    """Return what a step comes to whose run has ended, or when that can be said.

    An end said by us is provisional: what is held stays held for a grace, so that the engine
    can still say otherwise, and is then returned for good. A price that follows the cost waits
    for a cost that is not known, then takes what is held. An unknown cost is no reason to take
    a cancel fee.
    """
    over = runs.ended_at(generation)
    if runs.provisional(generation):
        until = over + timing.grace
        if now < until:
            return Later(at=until, reserved=True)
        return Settlement(captured=_ZERO, reason=PriceReason.NOT_CONFIRMED)
    if generation.status is RunStatus.COMPLETED:
        if not generation.response_payload.outputs:
            return Settlement(captured=_ZERO, reason=PriceReason.NOTHING_MADE)
        return _price(generation, step, over + timing.cost_wait, now)
    if generation.status is RunStatus.CANCELLED:
        return _cancel_fee(generation, step, over + timing.cost_wait, now)
    return Settlement(captured=_ZERO, reason=PriceReason.NOT_COMPLETED)


def outcome_of(
    generation: Generation, captured: Decimal | None, reason: PriceReason | None
) -> Outcome:
    """Return how a step ended.

    Args:
        generation: Its generation, which has ended.
        captured: Credits that were taken; None while they are held.
        reason: How that came about.
    """
    return Outcome(
        status=generation.status,
        by=generation.ended_by or "us",
        provisional=captured is None,
        reason=generation.status_reason,
        price=captured,
        price_reason=reason,
        cost_usd=generation.cost_usd,
        duration_seconds=generation.duration_seconds,
        outputs=_digest(generation),
        attempt=generation.attempt,
    )


def _price(
    generation: Generation, step: Step, until: datetime, now: datetime
) -> Settlement | Later:
    rate = step.terms.credits_per_usd
    price = presets.price(step.terms, generation.cost_usd, rate)
    by_cost = None if isinstance(step.terms.price, FixedPrice) else rate
    if price is not None:
        captured = min(price, step.held)
        return Settlement(captured=captured, reason=PriceReason.PRICE, rate=by_cost)
    if now < until:
        return Later(at=until, reserved=False)
    return Settlement(captured=step.held, reason=PriceReason.ESTIMATED, rate=rate)


def _cancel_fee(
    generation: Generation, step: Step, until: datetime, now: datetime
) -> Settlement | Later:
    rate = step.terms.credits_per_usd
    fee = presets.cancel_fee(step.terms, generation.cost_usd, rate)
    if fee is None and now < until:
        return Later(at=until, reserved=False)
    if not fee:
        return Settlement(captured=_ZERO, reason=PriceReason.NOT_COMPLETED)
    captured = min(fee, step.held)
    return Settlement(captured=captured, reason=PriceReason.CANCEL_FEE, rate=rate)


def _digest(generation: Generation) -> str:
    outputs = generation.response_payload.outputs
    if not outputs:
        return ""
    made = repr(sorted(map(repr, map(runs.identity, outputs))))
    return hashlib.sha256(made.encode()).hexdigest()[:16]
