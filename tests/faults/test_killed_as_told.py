"""What the README dares newcomers to do: pull the plug on a service with its own stand-ins."""

import json
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.peers import Json, Peers
from tests.service import Service, a_service, until

pytestmark = pytest.mark.anyio

UNTOLD = ("COMFYDEPLOY_API_URL", "COMFYDEPLOY_HOSTS", "TELEGRAM_API_URL", "TELEGRAM_UPDATES")


@pytest.fixture
async def newcomer(folder: Path, sandbox: Peers) -> AsyncGenerator[Service]:
    """A service that runs as `scripts/serve` starts it: its own database, its own stand-ins."""
    async with a_service(folder, sandbox, None) as service:
        for name in UNTOLD:
            del service.environ[name]
        await service.start()
        yield service


async def test_a_run_goes_on_while_the_service_is_dead(
    newcomer: Service, chats: Iterator[int]
) -> None:
    """It is found again at the same stand-ins: a picture, a cost and one message each.

    One run ends while nobody listens, its webhooks lost; the other one after the next start.
    """
    early, late = next(chats), next(chats)
    first, ended = await newcomer.order_running(early)
    second, running = await newcomer.order_running(late)
    left = _note(newcomer)
    await newcomer.kill()
    await _control(newcomer, left, f"comfydeploy/runs/{ended}", status="success")
    await until(lambda: _unheard(newcomer, left, ended), lambda tries: len(tries) == 3)
    await newcomer.start()
    assert _note(newcomer) == left
    await _control(newcomer, left, f"comfydeploy/runs/{running}", status="success")
    for generation, chat in ((first, early), (second, late)):
        await _ended_well(newcomer, left, generation, chat)
    assert await newcomer.stop() == 0
    with pytest.raises(httpx.ConnectError):
        await newcomer.client.get(left["url"])


async def test_a_stop_takes_the_stand_ins_along(newcomer: Service) -> None:
    """The next start has new ones, and a kill in between leaves no more than one to be found."""
    before = _note(newcomer)
    assert await newcomer.stop() == 0
    with pytest.raises(httpx.ConnectError):
        await newcomer.client.get(before["url"])
    await newcomer.start()
    left = _note(newcomer)
    assert left["token"] != before["token"]
    await newcomer.restart()
    await newcomer.restart()
    assert _note(newcomer) == left


async def _ended_well(service: Service, left: Json, generation: str, chat: int) -> None:
    """See that a generation ends with a picture that can be had, a cost, and one message."""
    record = await service.until(generation, "completed")
    assert record["costUsd"] is not None
    url = record["responsePayload"]["outputs"][0]["url"]
    assert url.startswith(left["url"])
    assert (await service.client.get(url)).content.startswith(b"\x89PNG")

    async def printed() -> str:
        return service.printed

    photo = f"chat {chat} │ photo"
    await until(printed, lambda it: photo in it and f"is sent to chat {chat}" in it)
    assert service.printed.count(photo) == 1
    answer = await service.client.get(f"{left['url']}/control/telegram/chats/{chat}")
    assert [each["kind"] for each in answer.json()].count("photo") == 1


async def _unheard(service: Service, left: Json, run: str) -> list[Json]:
    """Return the tries to tell of a run's end that nobody answered."""
    answer = await service.client.get(f"{left['url']}/control/comfydeploy/runs")
    [found] = [each for each in answer.json() if each["run_id"] == run]
    return [
        each
        for each in found["attempts"]
        if each["status"] == "success" and each["answered"] is None
    ]


async def _control(service: Service, left: Json, path: str, **body: object) -> None:
    answer = await service.client.post(f"{left['url']}/control/{path}", json=body)
    answer.raise_for_status()


def _note(service: Service) -> Json:
    return json.loads((service.data_dir / "sandbox.json").read_bytes())
