"""jobs: what a step comes to once its run has ended, and when that can be said."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import jobs
from processors.jobs import Later, Settlement
from schemas.generation import Generation, Response, StatusChange
from schemas.job import PriceReason, Step, Terms
from schemas.ledger import GRAIN
from schemas.preset import CostPrice, FixedHold, FixedPrice, Price
from schemas.run import OPEN, TERMINAL, Output, RunStatus
from tests.builders import NOON, TIMING, a_generation, a_step, an_output, later

RATE = Decimal(100)
FREE = Settlement(captured=Decimal(0), reason=PriceReason.NOT_COMPLETED)
BY_COST = CostPrice(
    kind="cost", factor=Decimal(2), hold=FixedHold(kind="fixed", credits=Decimal(5))
)
WAITED = NOON + TIMING.cost_wait

amounts = st.decimals(0, 10_000, places=6, allow_nan=False)
factors = st.decimals(Decimal("0.01"), 100, places=2, allow_nan=False)
prices = st.builds(FixedPrice, kind=st.just("fixed"), credits=amounts) | st.builds(
    CostPrice, kind=st.just("cost"), factor=factors, floor=amounts, hold=st.just(BY_COST.hold)
)


def over(
    status: RunStatus = RunStatus.COMPLETED,
    *,
    by: str = "engine",
    before: RunStatus = RunStatus.RUNNING,
    outputs: tuple[Output, ...] = (an_output(),),
    cost: Decimal | None = None,
) -> Generation:
    """A generation that ended at noon."""
    return a_generation(
        status,
        ended_by=by,
        history=(
            StatusChange(status=before, at=later(-9), source="webhook"),
            StatusChange(status=status, at=NOON, source=by),
        ),
        response_payload=Response(outputs=outputs),
        cost_usd=cost,
        duration_seconds=9.0,
    )


def agreed(price: Price = BY_COST, *, fee: str = "none", held: Decimal = Decimal(5)) -> Step:
    """A step on these terms."""
    terms = Terms.read({"price": price, "cancelFee": fee, "creditsPerUsd": RATE})
    return a_step(terms=terms, held=held)


def said(generation: Generation, step: Step, now: datetime = NOON) -> Settlement | Later:
    """What a step comes to."""
    return jobs.settlement(generation, step, now, TIMING)


@given(
    price=prices,
    held=amounts,
    cost=st.none() | st.decimals(0, 100, places=6, allow_nan=False),
    status=st.sampled_from(sorted(TERMINAL)),
    by=st.sampled_from(["engine", "us"]),
    before=st.sampled_from(sorted(OPEN)),
    fee=st.sampled_from(["none", "cost"]),
    made=st.booleans(),
    waited=st.integers(-60, 7200),
)
def test_never_more_than_is_held_nor_less_than_nothing_is_taken(
    *,
    price: Price,
    held: Decimal,
    cost: Decimal | None,
    status: RunStatus,
    by: str,
    before: RunStatus,
    fee: str,
    made: bool,
    waited: int,
) -> None:
    """Whatever comes together, in amounts that the ledger takes; and it is said in the end."""
    run = over(status, by=by, before=before, outputs=(an_output(),) if made else (), cost=cost)
    step, now = agreed(price, fee=fee, held=held), NOON + timedelta(seconds=waited)
    outcome = said(run, step, now)

    if isinstance(outcome, Later):
        assert now < outcome.at <= NOON + TIMING.grace
        outcome = said(run, step, outcome.at)
    assert isinstance(outcome, Settlement)
    assert 0 <= outcome.captured <= held
    assert outcome.captured == outcome.captured.quantize(GRAIN)
    assert not outcome.captured or made or status is RunStatus.CANCELLED


def test_a_fixed_price_needs_no_cost() -> None:
    """It is taken at once."""
    price = FixedPrice(kind="fixed", credits=Decimal(5))

    assert said(over(), agreed(price)) == Settlement(captured=Decimal(5), reason=PriceReason.PRICE)


@pytest.mark.parametrize(("cost", "captured"), [("0.01", "2.000000"), ("9", "5")])
def test_a_price_that_follows_the_cost_is_at_most_what_is_held(cost: str, captured: str) -> None:
    """With the rate that it was worked out by."""
    assert said(over(cost=Decimal(cost)), agreed()) == Settlement(
        captured=Decimal(captured), reason=PriceReason.PRICE, rate=RATE
    )


def test_an_unknown_cost_is_waited_for() -> None:
    """For a minute, and nobody is told till then; then what is held is taken."""
    assert said(over(), agreed()) == Later(at=WAITED, reserved=False)
    assert said(over(), agreed(), WAITED) == Settlement(
        captured=Decimal(5), reason=PriceReason.ESTIMATED, rate=RATE
    )


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_end_said_by_us_is_provisional(status: RunStatus) -> None:
    """What is held stays held for a grace, and is then returned for good."""
    until = NOON + TIMING.grace
    run = over(status, by="us", cost=Decimal("0.01"))

    assert said(run, agreed(fee="cost")) == Later(at=until, reserved=True)
    assert said(run, agreed(fee="cost"), until) == Settlement(
        captured=Decimal(0), reason=PriceReason.NOT_CONFIRMED
    )


@pytest.mark.parametrize("before", [RunStatus.WAITING, RunStatus.PENDING])
def test_what_its_engine_never_had_is_settled_at_once(before: RunStatus) -> None:
    """A cancel before it was sent is final."""
    run = over(RunStatus.CANCELLED, by="us", before=before, outputs=(), cost=Decimal(0))

    assert said(run, agreed()) == FREE
    assert said(run, agreed(fee="cost")) == FREE


def test_nothing_made_costs_nothing() -> None:
    """Even at a fixed price."""
    price = FixedPrice(kind="fixed", credits=Decimal(5))

    assert said(over(outputs=()), agreed(price)) == Settlement(
        captured=Decimal(0), reason=PriceReason.NOTHING_MADE
    )


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMEOUT])
def test_what_did_not_complete_costs_nothing(status: RunStatus) -> None:
    """Whatever it cost us."""
    assert said(over(status, cost=Decimal(1)), agreed(fee="cost")) == FREE


def test_a_cancel_is_free_where_no_fee_is_agreed_on() -> None:
    """Also while its cost is not known."""
    assert said(over(RunStatus.CANCELLED), agreed()) == FREE


@pytest.mark.parametrize(("cost", "captured"), [("0.01", "1"), ("9", "5")])
def test_a_cancel_fee_is_what_it_cost(cost: str, captured: str) -> None:
    """Without the price's factor, and at most what is held."""
    run = over(RunStatus.CANCELLED, cost=Decimal(cost))

    assert said(run, agreed(fee="cost")) == Settlement(
        captured=Decimal(captured), reason=PriceReason.CANCEL_FEE, rate=RATE
    )


def test_an_unknown_cost_is_no_reason_for_a_fee() -> None:
    """It is waited for, and then nothing is taken."""
    run = over(RunStatus.CANCELLED)

    assert said(run, agreed(fee="cost")) == Later(at=WAITED, reserved=False)
    assert said(run, agreed(fee="cost"), WAITED) == FREE


def test_an_outcome_says_who_ended_it_and_what_was_made() -> None:
    """While it is not settled it is provisional; a digest tells other outputs apart."""
    run = over(RunStatus.TIMEOUT, by="us", cost=Decimal(1), outputs=())
    early = jobs.outcome_of(run, None, None)

    assert (early.status, early.by, early.provisional) == (RunStatus.TIMEOUT, "us", True)
    assert (early.price, early.cost_usd, early.duration_seconds, early.outputs) == (None, 1, 9, "")
    late = jobs.outcome_of(over(), Decimal(2), PriceReason.PRICE)
    assert (late.price, late.price_reason, late.provisional) == (2, PriceReason.PRICE, False)
    both = (an_output("1"), an_output("2"))
    digests = [
        jobs.outcome_of(over(outputs=each), None, None).outputs
        for each in (both, both[::-1], both[:1])
    ]
    assert digests[0] == digests[1] != digests[2]
