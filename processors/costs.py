"""What a run cost us.

Unknown is not free: where the cost cannot be worked out it is null with a reason, and can
be filled in later. ComfyDeploy bills container time and tells no cost of a run, so duration
times the rate is a lower bound and an estimate (contracts of ComfyDeploy, section 7).
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from schemas.generation import CostRate, RateUnit

PLACES: Final = Decimal("0.000001")
SECONDS: Final[dict[RateUnit, int]] = {
    RateUnit.SECOND: 1,
    RateUnit.MINUTE: 60,
    RateUnit.HOUR: 3600,
}


class Cost(NamedTuple):
    """An amount in USD, or why there is none."""

    usd: Decimal | None
    reason: str | None


def of(*, ran: bool, duration_seconds: float | None, rate: CostRate | None) -> Cost:
    """Work out what a run cost.

    Args:
        ran: Whether the workflow ever executed.
        duration_seconds: From the start of execution to its end, whole milliseconds.
        rate: What the engine costs us.

    Returns:
        USD rounded half up to 6 places; a run that never ran cost nothing. The reason is
        one of ``not_run``, ``no_rate``, ``no_duration``, or None where nothing is to be said.
    """
    if not ran:
        return Cost(Decimal(0), "not_run")
    if rate is None:
        return Cost(None, "no_rate")
    if rate.unit is RateUnit.RUN:
        return Cost(rounded(rate.amount), None)
    if duration_seconds is None:
        return Cost(None, "no_duration")
    milliseconds = Decimal(round(duration_seconds * 1000))
    return Cost(rounded(rate.amount * milliseconds / (1000 * SECONDS[rate.unit])), None)


def rounded(amount: Decimal) -> Decimal:
    """Round half up to 6 places."""
    return amount.quantize(PLACES, rounding=ROUND_HALF_UP)
