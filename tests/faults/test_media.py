"""A copy of what a run made outlives crashes, and is had by its link."""

import asyncio
import os

import httpx
import pytest

from tests.faults.proxy import Proxy
from tests.peers import Json, Peers
from tests.service import Service, until

pytestmark = pytest.mark.anyio


async def _kept(service: Service, generation: str) -> str:
    """Return the path and query of the link to a generation's first output, once it is there."""

    async def link() -> str | None:
        outputs = (await service.get(generation))["responsePayload"]["outputs"]
        return outputs[0]["mediaUrl"] if outputs else None

    found = await until(link, bool)
    assert found is not None
    return f"/media/{found.partition('/media/')[2]}"


async def test_an_output_is_had_by_its_link_without_a_key(service: Service) -> None:
    """From the service itself, whole and in part; without its signature it is not."""
    generation = await service.order()
    link = await _kept(service, generation)

    async with httpx.AsyncClient(base_url=service.url, trust_env=False) as client:
        whole = await client.get(link)
        part = await client.get(link, headers={"Range": "bytes=0-7"})
        bare = await client.get(link.partition("&sig=")[0])

    assert (whole.status_code, part.status_code, bare.status_code) == (200, 206, 400)
    assert whole.headers["content-type"].startswith(("image/", "video/"))
    assert whole.content.startswith(part.content)
    assert len(part.content) == 8


async def test_a_kill_between_copy_and_write_loses_nothing(
    service: Service, wire: Proxy, peers: Peers
) -> None:
    """The next life copies again, to the same key, and the record has its link."""
    generation, run = await service.order_running()
    stopped = wire.stop_at("update", "outputs/", generation, side="before")
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await stopped.reached()
    await service.kill()
    wire.resume()
    await service.start()

    assert await _kept(service, generation)


async def test_media_that_is_kept_no_longer_is_said_to_be_expired(service: Service) -> None:
    """With KEEP_MEDIA_DAYS an old copy goes, and its record says so instead of a dead link."""
    generation = await service.order()
    link = await _kept(service, generation)
    key = (await _output(service, generation))["key"]
    old = service.data_dir / "media" / key
    await asyncio.to_thread(os.utime, old, (0, 0))
    await service.restart(KEEP_MEDIA_DAYS="1")

    output = await until(lambda: _output(service, generation), lambda found: found["notKept"])

    assert (output["key"], output["mediaUrl"], output["notKept"]) == (None, None, "expired")

    async def gone() -> int:
        async with httpx.AsyncClient(base_url=service.url, trust_env=False) as client:
            return (await client.get(link)).status_code

    assert await until(gone, lambda status: status != 200) == 404


async def _output(service: Service, generation: str) -> Json:
    """Return a generation's first output."""
    return (await service.get(generation))["responsePayload"]["outputs"][0]
