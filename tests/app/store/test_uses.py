"""The log of executed nodes in MongoDB. See also tests/contracts."""

from datetime import timedelta
from typing import Any

import pytest

from app.errors import StoreFaultError
from app.store.connection import Connection, Keep
from app.store.uses import MongoUses
from schemas.base import GenerationId, RunId
from schemas.usage import Use
from tests.app.store.profiling import profiled
from tests.builders import ID, NOON, RUN, later

pytestmark = pytest.mark.anyio

A_USE = Use(ID, RUN, "a", NOON, "3", "KSampler", ("a.pt",), 12, cached=False)


async def test_a_node_is_one_document(prepared: Connection) -> None:
    """Under the run's name and the node's, so that it is there once."""
    await MongoUses(prepared).add([A_USE])

    assert await prepared.collection("model_usage_log").find_one({}) == {
        "_id": "run-1/3",
        "generation": ID,
        "runId": "run-1",
        "nodeId": "3",
        "class": "KSampler",
        "models": ["a.pt"],
        "ms": 12,
        "cached": False,
        "server": "a",
        "at": NOON,
    }


async def test_other_faults_are_told(prepared: Connection) -> None:
    """A row that MongoDB refuses is not taken for one that is there."""
    database = prepared.collection("model_usage_log").database
    rule: dict[str, Any] = {"ms": {"$lt": 100}}
    await database.command("collMod", "model_usage_log", validator=rule)

    with pytest.raises(StoreFaultError):
        await MongoUses(prepared).add([A_USE._replace(milliseconds=100)])


async def test_rows_are_found_by_their_generation_and_their_time(prepared: Connection) -> None:
    """Nothing else is read."""
    uses = MongoUses(prepared)
    await uses.add(
        [
            A_USE._replace(
                run_id=RunId(f"run{number}"),
                generation=GenerationId(f"{number // 4:032x}"),
                at=later(number),
            )
            for number in range(400)
        ]
    )
    async with profiled(prepared, "model_usage_log") as profile:
        assert len(await uses.of(GenerationId(f"{7:032x}"))) == 4
        (row,) = await uses.report(later(10), later(20), "class")

    assert row.number == 10
    assert profile.documents == 14


async def test_how_long_the_log_is_kept_can_be_changed(prepared: Connection) -> None:
    """By the setting, at the next start."""
    await prepared.index(Keep(timedelta(days=14), usage=timedelta(days=3)))

    indexes = await prepared.collection("model_usage_log").index_information()
    assert indexes["at_1"]["expireAfterSeconds"] == 3 * 24 * 3600
