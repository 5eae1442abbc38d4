"""How MongoDB finds what waits for a server and what has one. See also tests/contracts."""

from typing import Any

import pytest

from app.store.connection import Connection
from app.store.generations import MongoGenerations
from schemas.base import EngineName, GenerationId, RunId
from schemas.generation import EngineRun, Request
from schemas.run import RunStatus
from tests.app.store.profiling import profiled
from tests.builders import NOON, an_order, some_metadata

pytestmark = pytest.mark.anyio

COMFYUI = EngineName("comfyui")


def _order(number: int, status: RunStatus, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of the record
    return an_order(
        id=GenerationId(f"{number:032x}"),
        status=status,
        engine=COMFYUI,
        metadata=some_metadata(user_id=f"user{number % 50}", preset="a", run_id=f"run{number}"),
        request_payload=Request(workflow="digest", inputs={"6/text": "x" * 500}),
        **fields,
    ).document()


@pytest.fixture
async def full(prepared: Connection) -> Connection:
    """A thousand that wait among five thousand others, eight of which have a slot."""
    others = sorted(set(RunStatus) - {RunStatus.PENDING})
    documents = [
        _order(
            number,
            RunStatus.PENDING if number % 6 == 0 else others[number % 10],
            slot=f"server{number % 2}#{number}" if number in range(1, 12) and number % 6 else None,
            duration_seconds=float(number),
            attempt=2,
            runs=(
                EngineRun(
                    attempt=1,
                    run_id=RunId(f"run{number}"),
                    server=f"old{number % 7}",
                    submitted_at=NOON,
                ),
            ),
        )
        for number in range(6000)
    ]
    await prepared.collection("generations").insert_many(documents)
    return prepared


async def test_what_waits_is_read_from_the_index_alone(full: Connection) -> None:
    """No record is fetched, and no key is looked at but those of what is returned."""
    async with profiled(full, "generations") as profile:
        found = await MongoGenerations(full).waiting(COMFYUI)

    assert [each.generation for each in found] == [f"{each:032x}" for each in range(0, 6000, 6)]
    assert {each.workflow for each in found} == {"digest"}
    assert profile.documents == 0
    assert profile.keys in {1000, 1001}
    assert all("COLLSCAN" not in each for each in profile.plans)


async def test_slots_are_read_from_the_index_alone(full: Connection) -> None:
    """However many records there are, as many keys as slots."""
    async with profiled(full, "generations") as profile:
        found = await MongoGenerations(full).slots()

    assert len(found) == 10
    assert profile.documents == 0
    assert profile.keys in {10, 11}


async def test_what_is_at_a_server_is_found_by_its_slot(full: Connection) -> None:
    """Nothing is read but what has a slot there."""
    async with profiled(full, "generations") as profile:
        found = await MongoGenerations(full).at_server("server1")

    assert found
    assert profile.documents <= 6
    assert profile.keys <= 7


async def test_what_was_at_a_server_is_found_by_its_runs(full: Connection) -> None:
    """What ended is not looked at, however long a server has worked."""
    async with profiled(full, "generations") as profile:
        found = await MongoGenerations(full).formerly_at("old3")

    assert 0 < len(found) == profile.documents < 857
    assert profile.keys <= len(found) + 8


async def test_whose_runs_are_is_found_by_their_names(full: Connection) -> None:
    """Nothing is read but the records of those that were asked for."""
    asked = [RunId("run17"), RunId("run18"), RunId("a stranger's")]
    async with profiled(full, "generations") as profile:
        found = await MongoGenerations(full).of_runs(asked)

    assert set(found) == {"run17", "run18"}
    assert profile.documents == 2
    assert profile.keys <= 6
    assert all("COLLSCAN" not in each for each in profile.plans)


async def test_last_durations_are_read_from_the_index_alone(full: Connection) -> None:
    """As many keys as are asked for."""
    async with profiled(full, "generations") as profile:
        found = await MongoGenerations(full).last_durations("a", 10)

    assert len(found) == 10
    assert list(found) == sorted(found, reverse=True)
    assert profile.documents == 0
    assert profile.keys <= 11
