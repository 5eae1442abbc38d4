"""A picture goes the whole way: into the folder, to the engine, into what is made; and away."""

import asyncio
import os
from typing import Final

import httpx
import pytest

from processors.images import keys
from tests.peers import Json, Peers
from tests.pictures import a_picture, an_exif, opened
from tests.service import API_KEY, Service, until

pytestmark = pytest.mark.anyio

GREEN: Final = (1, 250, 2)
HEADERS: Final = {"Authorization": f"Bearer {API_KEY}"}


async def given(service: Service, size: tuple[int, int] = (90, 40)) -> Json:
    """Give the service a picture, taken with the telephone upright."""
    content = a_picture("JPEG", size=size, colour=GREEN, exif=an_exif(6), quality=95)
    files = {"file": ("holiday.jpg", content, "image/jpeg")}
    answer = await service.client.post(f"{service.url}/api/images", files=files, headers=HEADERS)
    return answer.raise_for_status().json()


async def test_a_picture_is_seen_in_what_is_made(service: Service, peers: Peers) -> None:
    """The engine has what was kept; the record names the picture, not the engine's address."""
    picture = await given(service)
    generation = await service.order(photo=picture["id"])
    record = await service.until(generation, "completed")
    run = await peers.run(record["metadata"]["run_id"])
    async with httpx.AsyncClient(trust_env=False) as client:
        uploaded = await client.get(run["inputs"]["photo"])
        made = await client.get(record["responsePayload"]["outputs"][0]["url"])

    assert record["requestPayload"]["inputs"]["photo"] == picture["id"]
    key = keys.key_in(picture["id"])
    assert key is not None
    kept = await asyncio.to_thread((service.data_dir / "media" / key).read_bytes)
    assert uploaded.content == kept
    assert opened(kept).size == (40, 90)
    drawn = opened(made.content).getpixel((735, 440))
    assert isinstance(drawn, tuple)
    assert all(abs(is_ - was) < 16 for is_, was in zip(drawn, GREEN, strict=True))


async def asked_for_an_upload(peers: Peers) -> None:
    """Wait until the engine is being given a picture."""
    await until(
        lambda: peers.look("comfydeploy/requests"),
        lambda asked: any(each["path"].endswith("/file/upload") for each in asked),
    )


async def test_a_kill_while_it_is_handed_over_submits_once(service: Service, peers: Peers) -> None:
    """The next life hands it over again; nothing is unknown, and one run is made."""
    picture = await given(service, (91, 41))
    await peers.control("reset")
    await peers.control("comfydeploy", hang=True)
    generation = await service.order(photo=picture["id"])
    await asked_for_an_upload(peers)
    await service.kill()
    await peers.control("comfydeploy", hang=False)
    await service.start()
    record = await service.until(generation, "completed")

    runs = await peers.look("comfydeploy/runs")
    assert [each["run_id"] for each in runs] == [record["metadata"]["run_id"]]
    assert [each["status"] for each in record["history"]].count("submitting") == 1


async def test_an_engine_that_is_away_gets_it_later(service: Service, peers: Peers) -> None:
    """The order waits, and is sent with its picture once."""
    picture = await given(service, (92, 42))
    await peers.control("reset")
    await peers.control("comfydeploy", down=True)
    generation = await service.order(photo=picture["id"])
    await asked_for_an_upload(peers)
    assert (await service.get(generation))["status"] == "pending"
    await peers.control("comfydeploy", down=False)

    assert (await service.until(generation, "completed"))["metadata"]["run_id"]


async def test_a_picture_that_is_kept_no_longer_is_told(service: Service) -> None:
    """With KEEP_MEDIA_DAYS an old one goes; an order that names it fails, and says why."""
    picture = await given(service, (93, 43))
    key = keys.key_in(picture["id"])
    assert key is not None
    file = service.data_dir / "media" / key
    await asyncio.to_thread(os.utime, file, (0, 0))
    await service.restart(KEEP_MEDIA_DAYS="1")

    async def there() -> bool:
        return await asyncio.to_thread(file.exists)

    assert await until(there, lambda found: not found) is False
    generation = await service.order(photo=picture["id"])
    record = await service.until(generation, "failed")

    assert (record["statusReason"], record["endedBy"]) == ("input_gone", "us")
