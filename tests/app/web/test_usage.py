"""app.web.usage: what runs took, over the API."""

from typing import Any

import pytest

from schemas.base import RunId
from schemas.usage import Use
from schemas.wire.usage import GenerationUsage, Usage
from tests.app.web.fakes import ID, World
from tests.app.web.serving import serving
from tests.builders import NOON, later

pytestmark = pytest.mark.anyio

PATH = "/api/usage"
HOUR = 3600


async def a_world() -> World:
    """A sampler with a model at server a, ten minutes ago; a saver at server b, nine days ago."""
    world = World()
    known: dict[str, Any] = {"generation": ID, "run_id": RunId("run"), "cached": False}
    await world.uses.add(
        [
            Use(
                **known,
                server="a",
                at=later(-600),
                node_id="3",
                class_type="KSampler",
                models=("a.safetensors",),
                milliseconds=3000,
            ),
            Use(
                **known,
                server="b",
                at=later(-9 * 24 * HOUR),
                node_id="9",
                class_type="SaveImage",
                models=(),
                milliseconds=1000,
            ),
        ]
    )
    return world


async def test_the_last_week_is_added_up_by_class() -> None:
    """Unless told otherwise; it is said of which time."""
    async with serving(await a_world()) as site:
        answer = await site.client.get(PATH)

    assert answer.status_code == 200
    told = Usage.model_validate_json(answer.content)
    assert (told.by, told.since, told.until) == ("class", later(-7 * 24 * HOUR), NOON)
    assert [(each.name, each.share) for each in told.items] == [("KSampler", 1.0)]


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("class", ["KSampler", "SaveImage"]),
        ("model", ["a.safetensors"]),
        ("server", ["a", "b"]),
    ],
)
async def test_a_time_is_added_up_by_what_is_asked_for(by: str, names: list[str]) -> None:
    """What took most comes first."""
    asked = {"by": by, "since": "2025-12-01T00:00:00Z", "until": "2026-01-01T12:00:00Z"}
    async with serving(await a_world()) as site:
        answer = await site.client.get(PATH, params=asked)
        before = await site.client.get(PATH, params={**asked, "until": "2025-12-02T00:00:00Z"})

    assert [each["name"] for each in answer.json()["items"]] == names
    assert before.json()["items"] == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"by": "user"}, "by"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-01-01T12:00:00.001Z"}, "since"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "until"),
        ({"from": "2026-01-01T12:00:00Z"}, "from"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(asked: dict[str, str], field: str) -> None:
    """Also a time that is yet to begin."""
    async with serving(await a_world()) as site:
        answer = await site.client.get(PATH, params=asked)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_the_nodes_of_a_generation_are_shown() -> None:
    """Of one that has none, none; of none, that there is none."""
    empty = World()
    async with serving(await a_world()) as site:
        answer = await site.client.get(f"/api/generations/{ID}/usage")
    async with serving(empty) as site:
        none = await site.client.get(f"/api/generations/{ID}/usage")
        unknown = await site.client.get(f"/api/generations/{'0' * 32}/usage")
        odd = await site.client.get("/api/generations/$where/usage")

    told = GenerationUsage.model_validate_json(answer.content)
    assert [(each.node_id, each.class_) for each in told.items] == [
        ("9", "SaveImage"),
        ("3", "KSampler"),
    ]
    assert none.json() == {"id": ID, "items": []}
    assert (unknown.status_code, odd.status_code) == (404, 404)


async def test_usage_needs_a_key() -> None:
    """It says what is run here."""
    async with serving(World()) as site:
        for path in (PATH, f"/api/generations/{ID}/usage"):
            assert (await site.client.get(path, headers={"Authorization": ""})).status_code == 401
