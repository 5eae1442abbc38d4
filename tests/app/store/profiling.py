"""What MongoDB has done for the questions that were asked of it, by its own account."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from app.store.connection import Connection


class Profile:
    """What was done for the questions of a block.

    Attributes:
        documents: How many documents were read.
        keys: How many keys of indexes were read.
        plans: How each was answered, as in ``IXSCAN { status: 1 }``.
    """

    def __init__(self) -> None:
        self.documents = 0
        self.keys = 0
        self.plans = list[str]()


@asynccontextmanager
async def profiled(connection: Connection, collection: str) -> AsyncGenerator[Profile]:
    """Yield what is done for the questions that the block asks of a collection, at its end."""
    database = connection.collection(collection).database
    profile = Profile()
    await database.command("profile", 2)
    try:
        yield profile
    finally:
        await database.command("profile", 0)
    commands = ({f"command.{name}": {"$exists": True}} for name in ("aggregate", "distinct"))
    asked: dict[str, Any] = {
        "ns": f"{database.name}.{collection}",
        "$or": [{"op": {"$in": ["query", "getmore"]}}, *commands],
    }
    async for each in database["system.profile"].find(asked):
        profile.documents += each.get("docsExamined", 0)
        profile.keys += each.get("keysExamined", 0)
        profile.plans.append(each.get("planSummary", ""))
    await database.drop_collection("system.profile")
