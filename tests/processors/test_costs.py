"""processors.costs: exact decimals, rounded half up; unknown is not free."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from processors import costs
from schemas.base import Money
from schemas.generation import CostRate, RateUnit
from tests.builders import A10G

UNITS = {RateUnit.SECOND: 1, RateUnit.MINUTE: 60, RateUnit.HOUR: 3600}

amounts = st.decimals(0, 9999, places=9, allow_nan=False, allow_infinity=False)
durations = st.integers(0, 366 * 24 * 3600 * 1000).map(lambda milliseconds: milliseconds / 1000)


def a_rate(amount: str, unit: RateUnit = RateUnit.SECOND) -> CostRate:
    """So many USD for each `unit`."""
    return CostRate(amount=Decimal(amount), unit=unit)


@pytest.mark.parametrize(
    ("rate", "seconds", "usd"),
    [
        (A10G, 12.0, "0.004044"),
        (A10G, 9.452, "0.003185"),
        (A10G, 0.0, "0.000000"),
        (a_rate("0.000596"), 24.0, "0.014304"),
        (a_rate("0.0000005"), 1.0, "0.000001"),
        (a_rate("0.000000499"), 1.0, "0.000000"),
        (a_rate("0.0000015"), 1.0, "0.000002"),
        (a_rate("0.0000025"), 1.0, "0.000003"),
        (a_rate("0.001"), 0.0015, "0.000002"),
        (a_rate("0.1"), 0.1, "0.010000"),
        (a_rate("0.0005"), 1.001, "0.000501"),
        (a_rate("0.07"), 1.1, "0.077000"),
        (a_rate("0.000337"), 0.001, "0.000000"),
        (a_rate("0.001", RateUnit.MINUTE), 60.0, "0.001000"),
        (a_rate("0.0202", RateUnit.MINUTE), 9.452, "0.003182"),
        (a_rate("1.2132", RateUnit.HOUR), 12.0, "0.004044"),
        (a_rate("1", RateUnit.HOUR), 0.0018, "0.000001"),
        (a_rate("1", RateUnit.HOUR), 0.001, "0.000000"),
        (a_rate("2", RateUnit.HOUR), 0.001, "0.000001"),
        (a_rate("0.05", RateUnit.RUN), 12.0, "0.050000"),
        (a_rate("0.0000005", RateUnit.RUN), None, "0.000001"),
        (a_rate("9999.999999999"), 31_622_400.0, "316223999999.968378"),
        (a_rate("0"), 12.0, "0.000000"),
    ],
)
def test_a_run_costs_its_duration_at_its_rate(
    rate: CostRate, seconds: float | None, usd: str
) -> None:
    """To 6 places, a half rounded up."""
    cost = costs.of(ran=True, duration_seconds=seconds, rate=rate)

    assert (str(cost.usd), cost.reason) == (usd, None)


@pytest.mark.parametrize("seconds", [None, 12.0])
@pytest.mark.parametrize("rate", [None, A10G, a_rate("0.05", RateUnit.RUN)])
def test_what_never_ran_costs_nothing(rate: CostRate | None, seconds: float | None) -> None:
    """Whatever its rate."""
    assert costs.of(ran=False, duration_seconds=seconds, rate=rate) == (Decimal(0), "not_run")


@pytest.mark.parametrize(
    ("rate", "seconds", "reason"),
    [
        (None, 12.0, "no_rate"),
        (None, None, "no_rate"),
        (A10G, None, "no_duration"),
        (a_rate("1", RateUnit.HOUR), None, "no_duration"),
    ],
)
def test_unknown_is_not_free(rate: CostRate | None, seconds: float | None, reason: str) -> None:
    """What cannot be worked out is null with a reason."""
    assert costs.of(ran=True, duration_seconds=seconds, rate=rate) == (None, reason)


@given(amounts, durations, st.sampled_from(sorted(UNITS)))
def test_a_cost_is_exact(amount: Decimal, seconds: float, unit: RateUnit) -> None:
    """It is the exact product, at most half a millionth away; a tie goes up."""
    rate = CostRate(amount=amount, unit=unit)
    usd = costs.of(ran=True, duration_seconds=seconds, rate=rate).usd
    exact = Fraction(amount) * round(seconds * 1000) / (1000 * UNITS[unit])

    assert usd is not None
    assert isinstance(usd, Decimal)
    assert -Fraction(1, 2_000_000) < Fraction(usd) - exact <= Fraction(1, 2_000_000)


@given(amounts, durations, st.sampled_from(sorted(RateUnit)))
def test_a_cost_can_be_kept(amount: Decimal, seconds: float, unit: RateUnit) -> None:
    """Whatever rate is taken, a year of it is money that a record holds."""
    rate = CostRate(amount=amount, unit=unit)
    usd = costs.of(ran=True, duration_seconds=seconds, rate=rate).usd

    assert TypeAdapter(Money).validate_python(usd) == usd
