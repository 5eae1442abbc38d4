"""The servers as they were seen last, in MongoDB. See also tests/contracts."""

import pytest

from app.store.connection import Connection
from app.store.servers import MongoServers
from tests.builders import NOON, a_server_seen

pytestmark = pytest.mark.anyio


async def test_a_server_is_one_document(prepared: Connection) -> None:
    """Under its engine's name and its own, with a time by which it can pass."""
    await MongoServers(prepared).put(a_server_seen("10.0.0.5:8188"))

    document = await prepared.collection("servers").find_one({})
    assert document is not None
    assert (document["_id"], document["at"]) == ("comfyui/10.0.0.5:8188", NOON)


async def test_a_server_that_nobody_sees_any_more_is_forgotten(prepared: Connection) -> None:
    """A day later it is not set up any more."""
    found = await prepared.collection("servers").index_information()

    assert [each.get("expireAfterSeconds") for each in found.values()] == [None, 24 * 3600]
