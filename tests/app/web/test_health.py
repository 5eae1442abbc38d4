"""app.web.health: a bare word for everybody, reasons for those with a key."""

import pytest

from tests.app.web.fakes import World
from tests.app.web.serving import serving

pytestmark = pytest.mark.anyio


async def _disk_full() -> tuple[str, ...]:
    return ("the disk is nearly full",)


async def test_a_live_and_ready_service_says_ok() -> None:
    """To everybody."""
    async with serving(World()) as site:
        for path in ("/livez", "/readyz"):
            answer = await site.client.get(path, headers={"Authorization": ""})

            assert (answer.status_code, answer.text) == (200, "ok")


@pytest.mark.parametrize(
    ("headers", "said"),
    [({"Authorization": ""}, "not ready"), ({}, "not ready\nthe disk is nearly full")],
)
async def test_why_we_are_not_ready_is_told_to_bearers_of_a_key(
    headers: dict[str, str], said: str
) -> None:
    """And to the log."""
    async with serving(World(ready=_disk_full)) as site:
        answer = await site.client.get("/readyz", headers=headers)

    assert (answer.status_code, answer.text) == (503, said)


async def test_what_was_counted_is_shown() -> None:
    """As Prometheus reads it."""
    world = World()
    world.metrics.refused("schema")
    async with serving(world) as site:
        answer = await site.client.get("/metrics")

    assert answer.text == "refused schema"
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
