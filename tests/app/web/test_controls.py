"""app.web.controls: an operator pauses and caps over the API."""

from decimal import Decimal

import pytest
from pydantic import JsonValue

from app.web import shown
from schemas.base import GenerationId
from tests.app.web.fakes import World
from tests.app.web.serving import serving
from tests.builders import a_generation, a_preset, some_metadata
from tests.fakes.presets import FakePresets

pytestmark = pytest.mark.anyio

PATH = "/api/controls"
PRESET = f"{PATH}/preset/l4_t2i"


def a_world() -> World:
    """One preset, which has cost half a dollar today."""
    world = World(presets=FakePresets(a_preset()))
    made = a_generation(
        id=GenerationId("f" * 32), metadata=some_metadata(preset="l4_t2i"), cost_usd=Decimal("0.5")
    )
    world.office.spent.records[made.id] = made
    return world


async def test_a_preset_is_paused_and_capped() -> None:
    """What is not named stays; null takes a cap away."""
    async with serving(a_world()) as site:
        paused = await site.client.put(
            PRESET, json={"paused": True, "reason": "ill", "dailyCapUsd": "12.5"}
        )
        resumed = await site.client.put(PRESET, json={"paused": False})
        free = await site.client.put(PRESET, json={"dailyCapUsd": None})
        read = await site.client.get(PRESET)

    assert paused.json() == {
        "kind": "preset",
        "name": "l4_t2i",
        "paused": True,
        "reason": "ill",
        "dailyCapUsd": "12.5",
        "by": paused.json()["by"],
        "at": "2026-01-01T12:00:00.000Z",
        "spentTodayUsd": "0.5",
    }
    assert paused.json()["by"].startswith("api:")
    assert (resumed.json()["paused"], resumed.json()["dailyCapUsd"]) == (False, "12.5")
    assert (free.json()["dailyCapUsd"], free.json()) == (None, read.json())
    assert shown.control().model_validate_json(read.content)


async def test_why_something_goes_on_is_written_down() -> None:
    """A reason given with `paused: false` is that of the deed; the control has none any more."""
    world = a_world()
    async with serving(world) as site:
        await site.client.put(PRESET, json={"paused": True, "reason": "ill"})
        resumed = await site.client.put(PRESET, json={"paused": False, "reason": "well again"})

    assert (resumed.status_code, resumed.json()["paused"]) == (200, False)
    assert resumed.json()["reason"] is None
    assert [each.said for each in world.office.deeds.done] == ["ill", "well again"]


async def test_everything_is_listed() -> None:
    """Also what has only cost something."""
    async with serving(a_world()) as site:
        answer = await site.client.get(PATH)

    rows = [(each["kind"], each["spentTodayUsd"]) for each in answer.json()["items"]]
    assert rows == [("engine", "0.5"), ("preset", "0.5")]
    assert shown.controls().model_validate_json(answer.content)


@pytest.mark.parametrize(
    "path", ["preset/x", "engine/x", "bot/x", "preset/%D9%A3", f"preset/{'x' * 33}"]
)
async def test_nothing_unknown_is_switched(path: str) -> None:
    """404."""
    async with serving(a_world()) as site:
        read = await site.client.get(f"{PATH}/{path}")
        put = await site.client.put(f"{PATH}/{path}", json={"paused": True})

    assert (read.status_code, put.status_code) == (404, 404)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"reason": "x"}, 400, "reason"),
        ({"reason": "x", "paused": None}, 400, "reason"),
        ({"paused": "yes"}, 400, "paused"),
        ({"dailyCapUsd": 5}, 400, "dailyCapUsd"),
        ({"dailyCapUsd": "-1"}, 422, "dailyCapUsd"),
        ({"dailyCapUsd": "much"}, 422, "dailyCapUsd"),
        ({"dailyCapUsd": "0.0000001"}, 422, "dailyCapUsd"),
        ({"dailyCapUsd": "1000000001"}, 422, "dailyCapUsd"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    body: dict[str, JsonValue], status: int, field: str
) -> None:
    """By name, and nothing is changed."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.client.put(PRESET, json=body)

    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert world.office.deeds.done == []
