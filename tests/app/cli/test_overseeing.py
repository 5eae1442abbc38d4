"""`runrelay servers`: how they stand."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import Clock
from schemas.base import EngineName, GenerationId
from schemas.generation import Request
from schemas.run import RunStatus
from schemas.server import ServerSeen
from tests.app.cli.accounts import a_filled_database, opened, with_generations
from tests.app.cli.running import run
from tests.builders import HERE, ID, a_generation, an_order

COMFYUI = EngineName("comfyui")
OTHER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")
SET = {"COMFYUI_SERVERS": "http://10.0.0.5:8188,http://10.0.0.6:8188"}


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database and two servers."""
    return SET | a_filled_database(mongo_uri, f"cli_{abs(hash(request.node.name))}")


def see(named: dict[str, str], name: str, **fields: object) -> None:
    """Have a server seen a moment ago."""
    known = {
        "id": f"comfyui/{name}",
        "engine": "comfyui",
        "name": name,
        "at": Clock().now(),
        "healthy": True,
        "slots": 1,
        "load": 3,
        "version": "0.30.2",
        "device": "cuda:0",
        "memory_total": 24_000_000_000,
        "memory_free": 6_000_000_000,
        "by": HERE,
    }

    async def put() -> None:
        async with opened(named) as store:
            await store.servers.put(ServerSeen.model_validate(known | fields))

    asyncio.run(put())


def test_the_servers_are_shown(tmp_path: Path, database: dict[str, str]) -> None:
    """Memory as a bar, who has which slot, what is wrong, and who waits for how long."""
    see(database, "10.0.0.5:8188")
    ordered = Clock().now() - timedelta(minutes=3)
    request = Request(workflow="0" * 64)
    with_generations(
        database,
        a_generation(
            RunStatus.RUNNING,
            engine=COMFYUI,
            slot="10.0.0.5:8188#1",
            request_payload=request,
        ),
        an_order(id=OTHER, engine=COMFYUI, request_timestamp=ordered, request_payload=request),
    )
    answer = run("servers", data_dir=tmp_path, **database)
    lines = answer.out.splitlines()

    assert answer.code == 0
    for words in ("10.0.0.5:8188", "takes runs", "0.30.2 on cuda:0", "█" * 8 + "░" * 2, ID, HERE):
        assert words in lines[1]
    assert "6.0 of 24.0 GB free" in lines[1]
    assert "1 of 1" in lines[1]
    assert "takes no runs" in lines[2]
    assert lines[2].rstrip().endswith("never")
    assert lines[3] == "10.0.0.6:8188: nobody has seen it yet"
    assert lines[4] == "1 run waits for a server; the oldest was ordered 3 min ago"


def test_programs_are_told_as_by_the_api(tmp_path: Path, database: dict[str, str]) -> None:
    """One line; where no server takes runs, the exit code says so."""
    see(database, "10.0.0.5:8188", healthy=False, trouble="cannot be reached", memory_free=None)
    as_json = run("servers", "--json", data_dir=tmp_path, **database)
    shown = run("servers", data_dir=tmp_path, **database)
    told = json.loads(as_json.out)

    assert (as_json.code, as_json.out.count("\n"), shown.code) == (1, 1, 1)
    assert [each["trouble"] for each in told["items"]] == [
        "cannot be reached",
        "nobody has seen it yet",
    ]
    assert told["line"] == {"waiting": 0, "since": None}
    assert "GB" not in shown.out
    assert shown.out.splitlines()[-1] == "nobody waits for a server"


def test_without_servers_there_is_nothing_to_show(tmp_path: Path, database: dict[str, str]) -> None:
    """It says which setting names them; who waits is told all the same."""
    lines = tuple(
        an_order(id=each, engine=COMFYUI, request_payload=Request(workflow="0" * 64))
        for each in (ID, OTHER)
    )
    with_generations(database, *lines)
    answer = run("servers", data_dir=tmp_path, **(database | {"COMFYUI_SERVERS": ""}))

    assert answer.code == 1
    assert answer.out.startswith("no ComfyUI server is set up (COMFYUI_SERVERS)")
    assert "2 runs wait for a server; the oldest was ordered " in answer.out
