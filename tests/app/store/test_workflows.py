"""Workflows in MongoDB. See also tests/contracts."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.store.backup import backup, restore
from app.store.connection import Connection
from app.store.indexes import WORKFLOWS_EXPIRE, WORKFLOWS_OUTLAST, Keep
from app.store.workflows import MongoWorkflows
from tests.databases import a_database

pytestmark = pytest.mark.anyio


async def test_a_workflow_is_one_document(connection: Connection) -> None:
    """With the time at which it was put last."""
    workflows = MongoWorkflows(connection)
    for _ in range(2):
        await workflows.put("digest", b"{}")

    stored = await connection.collection("workflows").find().to_list(None)
    assert [(each["_id"], each["raw"]) for each in stored] == [("digest", b"{}")]
    assert isinstance(stored[0]["at"], datetime)


async def test_a_workflow_of_a_preset_never_expires(connection: Connection) -> None:
    """Whoever has ordered it before or orders it afterwards; one of orders alone does."""
    workflows = MongoWorkflows(connection)
    for lasting in (False, True, False):
        await workflows.put("of-a-preset", b"{}", lasting=lasting)
    await workflows.put("of-orders", b"{}")

    expiring = connection.collection("workflows").find({"lasting": False})
    assert [each["_id"] for each in await expiring.to_list(None)] == ["of-orders"]


async def test_a_workflow_outlasts_the_records_that_name_it(mongo_uri: str) -> None:
    """It is kept for ever where they are, also if it was not before."""
    days = timedelta(days=30)
    async with a_database(mongo_uri) as connection:
        everything = connection.collection("workflows")
        await connection.index(Keep(events=days, records=days))
        index = (await everything.index_information())[WORKFLOWS_EXPIRE]
        assert index["expireAfterSeconds"] == (days + WORKFLOWS_OUTLAST).total_seconds()
        assert index["partialFilterExpression"] == {"lasting": False}

        await connection.index(Keep(events=days))
        assert WORKFLOWS_EXPIRE not in await everything.index_information()


async def test_a_backup_carries_workflows(mongo_uri: str, tmp_path: Path) -> None:
    """To the byte: an order that waits is run from it."""
    raw = b'{"3":{"class_type":"KSampler","inputs":{"a.b":"$x"}}}'
    async with a_database(mongo_uri) as one, a_database(mongo_uri) as other:
        await MongoWorkflows(one).put("digest", raw)
        names = [each.collection("workflows").database.name for each in (one, other)]
        await backup(mongo_uri, names[0], tmp_path / "file")
        await restore(mongo_uri, names[1], tmp_path / "file", replace=False)

        assert await MongoWorkflows(other).get("digest") == raw
