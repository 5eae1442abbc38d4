"""app.web.stats: the last hours, over the API."""

import pytest

from schemas.wire.stats import Stats
from tests.app.web.fakes import World
from tests.app.web.serving import serving
from tests.builders import NOON, later
from tests.contracts.test_totals import an_end
from tests.fakes.generations import FakeGenerations

pytestmark = pytest.mark.anyio

PATH = "/api/stats"


def a_world() -> World:
    """One where a run of a preset ended in the hour before noon."""
    ended = an_end(1, response_timestamp=later(-60))
    return World(spots=FakeGenerations({ended.id: ended}))


async def test_the_last_day_is_shown() -> None:
    """Hour by hour, and all together; money as a string, and what is not known as null."""
    async with serving(a_world()) as site:
        answer = await site.client.get(PATH)
        etag = {"If-None-Match": answer.headers["ETag"]}
        again = await site.client.get(PATH, headers=etag)

    assert answer.status_code == 200
    told = Stats.model_validate_json(answer.content, strict=False)
    assert (told.hours, told.at, told.since) == (24, NOON, later(-23 * 3600))
    assert [each.runs.completed for each in told.items] == [0] * 22 + [1, 0]
    line = {"name": "flux", "runs": 1, "usd": "0.01", "unknown": 0}
    shown = answer.json()
    assert shown["items"][-2]["spend"]["byPreset"] == [line] == shown["total"]["spend"]["byPreset"]
    assert shown["items"][-1]["duration"] == {
        "number": 0,
        "p50Seconds": None,
        "p95Seconds": None,
    }
    assert shown["presets"] == [{"name": "flux", "p50Seconds": 50.0, "runs": 1}]
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("hours", ["0", "169", "x", ""])
async def test_what_cannot_be_asked_is_refused_by_name(hours: str) -> None:
    """A week is the most."""
    async with serving(World()) as site:
        answer = await site.client.get(PATH, params={"hours": hours})
        week = await site.client.get(PATH, params={"hours": 168})

    assert (answer.status_code, answer.json()["field"]) == (400, "hours")
    assert len(week.json()["items"]) == 168


async def test_statistics_need_a_key() -> None:
    """They say what is earned here."""
    async with serving(World()) as site:
        assert (await site.client.get(PATH, headers={"Authorization": ""})).status_code == 401
