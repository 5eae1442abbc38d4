"""What a preset makes of what it is given, and what that costs."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from pydantic_core import to_json

from processors import presets
from processors.errors import InputFault, InputRefusedError
from schemas.inputs import INPUTS_MOST
from schemas.preset import ChainStep, CostPrice, EstimatedHold, FixedHold, Preset
from tests.builders import a_chain_preset, a_preset, a_prompt, some_steps

RATE = Decimal(100)
"""Credits that a dollar is."""

dollars = st.decimals(0, 1000, places=6)


def by_cost(hold: FixedHold | EstimatedHold, floor: int = 2) -> Preset:
    """A preset at one and a half times its cost."""
    return a_preset(
        price=CostPrice(kind="cost", factor=Decimal("1.5"), floor=Decimal(floor), hold=hold)
    )


ESTIMATED = by_cost(EstimatedHold(kind="estimate", factor=Decimal(2), first=Decimal(10)))
FIXED = by_cost(FixedHold(kind="fixed", credits=Decimal(20)))


def test_the_engine_gets_what_is_given_what_is_fixed_and_the_defaults() -> None:
    """Each under the engine's own name for it."""
    preset = a_preset("a", a_prompt(to="text_2"), some_steps(), constants={"sampler": "euler"})

    assert presets.fill(preset, {"prompt": "a lighthouse"}) == {
        "text_2": "a lighthouse",
        "steps": 20,
        "sampler": "euler",
    }
    assert presets.fill(preset, {"prompt": "x", "steps": "30"})["steps"] == 30
    assert presets.fill(preset, {"prompt": "x", "steps": None})["steps"] == 20


def test_what_is_neither_given_nor_needed_is_left_out() -> None:
    """The engine has a default of its own."""
    preset = a_preset("a", a_prompt(), some_steps(default=None))

    assert presets.fill(preset, {"prompt": "x"}) == {"prompt": "x"}


@pytest.mark.parametrize(
    ("values", "name", "fault"),
    [
        ({}, "prompt", InputFault.MISSING),
        ({"prompt": None}, "prompt", InputFault.MISSING),
        ({"prompt": "x", "steps": 51}, "steps", InputFault.TOO_MUCH),
        ({"prompt": "x", "stpes": 5}, "stpes", InputFault.UNKNOWN),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(
    values: dict[str, JsonValue], name: str, fault: InputFault
) -> None:
    """Nothing is passed over: a slip is not an order for something else."""
    with pytest.raises(InputRefusedError) as caught:
        presets.fill(a_preset(), values)

    assert (caught.value.name, caught.value.fault) == (name, fault)


def test_inputs_that_no_record_carries_are_refused_by_the_longest() -> None:
    """10,000 letters fit, and as many of two bytes each do not."""
    preset = a_preset("a", a_prompt(most=10_000), a_prompt(name="negative", required=False))

    assert presets.fill(preset, {"prompt": "x" * 10_000})
    with pytest.raises(InputRefusedError) as caught:
        presets.fill(preset, {"prompt": "ж" * 10_000, "negative": "blurred"})

    assert (caught.value.name, caught.value.fault) == ("prompt", InputFault.TOO_LARGE)
    assert caught.value.bounds["maxBytes"] == INPUTS_MOST


@given(st.dictionaries(st.sampled_from(["prompt", "steps", "x"]), st.integers() | st.text()))
def test_whatever_is_given_makes_good_inputs_or_a_refusal(values: dict[str, JsonValue]) -> None:
    """What comes out has the engine's names, and fits into a record."""
    preset = a_preset("a", a_prompt(to="text"), some_steps(), constants={"c": 1})
    try:
        filled = presets.fill(preset, values)
    except InputRefusedError:
        return

    assert filled.keys() == {"text", "steps", "c"}
    assert len(to_json(filled)) <= INPUTS_MOST


def test_a_fixed_price_needs_no_cost() -> None:
    """And is held as it is."""
    assert presets.price(a_preset(), None, RATE) == 5
    assert presets.hold(a_preset(), None, RATE) == 5


def test_a_price_follows_the_cost_down_to_its_floor() -> None:
    """Rounded half up to 6 places; an unknown cost is not free."""
    assert presets.price(FIXED, Decimal("0.040441"), RATE) == Decimal("6.06615")
    assert presets.price(FIXED, Decimal("0.00000001"), RATE) == 2
    assert presets.price(FIXED, None, RATE) is None


def test_a_cancelled_run_is_charged_nothing_or_what_it_cost() -> None:
    """Without the factor and the floor of its price; what is not known is not free."""
    charged = ESTIMATED.change(cancel_fee="cost")

    assert presets.cancel_fee(ESTIMATED, Decimal(1), RATE) == 0
    assert presets.cancel_fee(charged, Decimal("0.00123456"), RATE) == Decimal("0.123456")
    assert presets.cancel_fee(charged, None, RATE) is None


def test_what_is_held_is_fixed_or_more_than_what_is_expected() -> None:
    """Without an estimate the first amount; never less than the floor."""
    cheap = by_cost(FixedHold(kind="fixed", credits=Decimal(1)), floor=3)
    unknown = by_cost(
        EstimatedHold(kind="estimate", factor=Decimal("0.5"), first=Decimal(0)), floor=4
    )

    assert presets.hold(FIXED, Decimal("0.04"), RATE) == 20
    assert presets.hold(cheap, None, RATE) == 3
    assert presets.hold(ESTIMATED, Decimal("0.04"), RATE) == 12
    assert presets.hold(ESTIMATED, None, RATE) == 10
    assert presets.hold(unknown, None, RATE) == 4
    assert presets.hold(unknown, Decimal("0.01"), RATE) == 4


@given(dollars, dollars)
def test_a_dearer_run_is_never_cheaper(one: Decimal, other: Decimal) -> None:
    """Neither its price nor its hold, and both have at most 6 places."""
    less, more = sorted((one, other))
    for figure in (presets.price, presets.hold):
        small, large = figure(ESTIMATED, less, RATE), figure(ESTIMATED, more, RATE)
        assert small is not None
        assert large is not None
        assert 2 <= small <= large
        assert large == round(large, 6)


def test_an_estimate_is_the_middle_of_the_last_ten_known_costs() -> None:
    """One cold start does not make the next runs dear."""
    assert presets.estimate([]) is None
    assert presets.estimate([Decimal(1), Decimal(9), Decimal(2)]) == 2
    assert presets.estimate([Decimal("0.000001"), Decimal("0.000002")]) == Decimal("0.000002")
    assert presets.estimate([Decimal(1)] * 10 + [Decimal(50)] * 90) == 1


@given(st.lists(dollars, min_size=1))
def test_an_estimate_is_between_what_runs_cost(known: list[Decimal]) -> None:
    """Never outside of the ten that it is made of."""
    estimate = presets.estimate(known)

    assert estimate is not None
    assert min(known[:10]) <= estimate <= max(known[:10])


def test_who_may_use_a_preset() -> None:
    """Everybody, or whoever has one of its roles; nobody where it is not active."""
    members = a_preset(allowed=("member", "administrator"))

    assert presets.allowed(a_preset(), ())
    assert presets.allowed(members, ("guest", "member"))
    assert not presets.allowed(members, ("guest",))
    assert not presets.allowed(members, ())
    assert not presets.allowed(a_preset(active=False), ("administrator",))


def test_what_is_made_of_others_has_no_price_of_its_own() -> None:
    """Whoever asks for one has mistaken it for what is run by itself."""
    with pytest.raises(TypeError, match="made of others"):
        presets.own_price(a_chain_preset("outfit", ChainStep(preset="dress")))
