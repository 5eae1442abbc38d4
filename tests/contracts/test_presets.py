"""What every keeper of presets does."""

import asyncio
from decimal import Decimal

import pytest

from app.ports import Presets, PresetWrite
from schemas.preset import (
    BooleanInput,
    Choice,
    ChoiceInput,
    CostPrice,
    EstimatedHold,
    NumberInput,
    Preset,
)
from tests.builders import a_preset, a_prompt, later, some_steps, titled
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


@pytest.fixture
def presets(ports: Ports) -> Presets:
    """The port under test."""
    return ports.presets


def changed(before: Preset, **fields: object) -> PresetWrite:
    """A write of `fields` over what was."""
    after = before.change(version=before.version + 1, updated_at=later(1), **fields)
    return PresetWrite(before, after)


async def stored(presets: Presets, *new: Preset) -> None:
    """Have these stored."""
    assert await presets.write([PresetWrite(None, each) for each in new])


async def test_a_preset_comes_back_as_it_was_written(presets: Presets) -> None:
    """With every kind of value that it can have."""
    scale = NumberInput(name="scale", type="number", titles=titled("Scale"), least=0, most=2.5)
    size = ChoiceInput(
        name="size",
        type="choice",
        titles=titled("Size"),
        default="wide",
        choices=(
            Choice(value="wide", titles=titled("Wide")),
            Choice(value=2**60, titles=titled("Big")),
        ),
    )
    switch = BooleanInput(name="switch", type="boolean", titles=titled("Switch"), default=False)
    hold = EstimatedHold(kind="estimate", factor=Decimal("1.25"), first=Decimal("0.000001"))
    preset = a_preset(
        "full",
        *(a_prompt(to="text 2"), some_steps(), scale, size, switch),
        constants={"list": [1, {"a": 2.5}], "seed": 2**63 - 1, "on": True, "text": "no"},
        price=CostPrice(kind="cost", factor=Decimal("1.5"), hold=hold),
        allowed=("member",),
        active=False,
    )

    await stored(presets, preset)

    assert await presets.get("full") == preset
    assert await presets.all() == (preset,)


async def test_what_there_is_not_is_not_found(presets: Presets) -> None:
    """By whatever name."""
    assert await presets.get("nothing") is None
    assert await presets.all() == ()


async def test_all_are_listed_by_name(presets: Presets) -> None:
    """Active or not."""
    await stored(presets, a_preset("b"), a_preset("a", active=False), a_preset("c"))

    assert [each.name for each in await presets.all()] == ["a", "b", "c"]


async def test_a_change_is_found_with_the_next_look(presets: Presets) -> None:
    """Also by who has looked at the preset before."""
    before = a_preset()
    await stored(presets, before)
    assert await presets.get(before.name) == before
    write = changed(before, time_limit=90)
    assert await presets.write([write])

    assert await presets.get(before.name) == write.after


async def test_a_field_that_is_taken_away_is_gone(presets: Presets) -> None:
    """Not only those that are set are written."""
    before = a_preset()
    await stored(presets, before)
    write = changed(before, cost_rate=None)

    assert await presets.write([write])
    assert await presets.get(before.name) == write.after


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_all_are_written_or_none(presets: Presets, place: int) -> None:
    """One that has moved on, wherever it stands among them, keeps the others from being written."""
    old = a_preset("old")
    other = a_preset("other")
    await stored(presets, old, other)
    moved = changed(old, time_limit=60)
    assert await presets.write([moved])
    writes = [changed(other, active=False), PresetWrite(None, a_preset("new"))]
    writes.insert(place, changed(old, time_limit=90))

    assert not await presets.write(writes)
    assert await presets.all() == (moved.after, other)


async def test_what_has_come_to_be_is_not_written_over(presets: Presets) -> None:
    """Nor is what has gone made anew."""
    there = a_preset("there")
    await stored(presets, there)

    assert not await presets.write(
        [PresetWrite(None, a_preset("new")), PresetWrite(None, there.change(active=False))]
    )
    assert not await presets.write([changed(a_preset("gone"))])
    assert await presets.all() == (there,)


async def test_of_two_loads_at_once_one_is_whole(presets: Presets) -> None:
    """The other is not there at all."""
    before = [a_preset("a"), a_preset("b")]
    await stored(presets, *before)

    done = await asyncio.gather(
        presets.write([changed(each, time_limit=60) for each in before]),
        presets.write([changed(each, time_limit=90) for each in reversed(before)]),
    )

    limits = {each.time_limit for each in await presets.all()}
    assert sorted(done) == [False, True]
    assert limits == ({60} if done[0] else {90})
