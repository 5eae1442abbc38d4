"""The mongod that tests share does what tests expect of it."""

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from tests.mongo import SharedMongod, a_mongod

pytestmark = pytest.mark.anyio


async def test_a_killed_one_comes_back_on_its_port_with_its_data() -> None:
    """What was acknowledged before the kill is there after it."""
    shared = SharedMongod()
    try:
        first = await shared.start_again()
        before: AsyncIOMotorClient[dict[str, str]] = AsyncIOMotorClient(first)
        await before.db.things.insert_one({"_id": "kept"})
        before.close()
        shared.kill()
        assert await shared.start_again() == first
        after: AsyncIOMotorClient[dict[str, str]] = AsyncIOMotorClient(first)
        assert await after.db.things.find_one() == {"_id": "kept"}
        after.close()
    finally:
        await shared.remove()


async def test_one_can_be_had_for_a_block() -> None:
    """It answers inside the block."""
    async with a_mongod() as uri:
        client: AsyncIOMotorClient[dict[str, str]] = AsyncIOMotorClient(uri)
        assert (await client.admin.command("ping"))["ok"] == 1
        client.close()
