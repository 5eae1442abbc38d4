"""A replica set of one: begun when there is none, moved with its port, awaited until writable.

Facts learned by trying mongod 6.0.5: a member whose own address is missing from the configuration
goes to REMOVED and stays there; it still answers `replSetGetConfig`, and takes a `replSetReconfig`
only by force, since there is no primary to ask. Before that it asks whoever is at the old address
whether that is itself; a program that takes the question and never answers costs it 30 seconds.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo.errors import ConnectionFailure, OperationFailure

from app.store.embedded import address, process

# Any: what a server answers has no narrower type, and each use checks what it takes.
_Database: TypeAlias = "AsyncIOMotorDatabase[dict[str, Any]]"

# Milliseconds. Alone in its set a node elects itself; short terms only make that instant.
_SETTINGS: Final = {"electionTimeoutMillis": 500, "heartbeatIntervalMillis": 200}
_CALL_LIMIT_MS: Final = 5_000
# Also what closing the client costs, with the event loop held, when mongod has died meanwhile.
_SELECTION_LIMIT_MS: Final = 500

# mongo/src/mongo/base/error_codes.yml
_NOT_YET_INITIALIZED: Final = 94
_ANOTHER_WAS_FIRST: Final = frozenset({23, 103, 109})
"""AlreadyInitialized, NewReplicaSetConfigurationIncompatible, ConfigurationInProgress."""


async def become_writable(port: int, check_alive: Callable[[], None]) -> None:
    """Return when the mongod on `port` is a primary that takes writes.

    Args:
        port: Where it listens, or will.
        check_alive: Called between looks; raises once waiting has become pointless.
    """
    await _listening(port, check_alive)
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        f"mongodb://{address.HOST}:{port}/?directConnection=true",
        timeoutMS=_CALL_LIMIT_MS,
        serverSelectionTimeoutMS=_SELECTION_LIMIT_MS,
    )
    try:
        while not await _is_writable(client.admin, port):
            check_alive()
            await asyncio.sleep(process.POLL)
    finally:
        client.close()


async def _listening(port: int, check_alive: Callable[[], None]) -> None:
    # A driver that finds nobody looks again only after half a second; this looks at once.
    while True:
        check_alive()
        try:
            _, writer = await asyncio.open_connection(address.HOST, port)
        except OSError:
            await asyncio.sleep(process.POLL)
            continue
        writer.close()
        await writer.wait_closed()
        return


async def _is_writable(admin: _Database, port: int) -> bool:
    try:
        hello = await admin.command("hello")
        if hello.get("isWritablePrimary"):
            return True
        await _configure(admin, f"{address.HOST}:{port}")
    except ConnectionFailure:
        return False
    except OperationFailure as error:
        if error.code not in _ANOTHER_WAS_FIRST and not error.timeout:
            raise
    return False


async def _configure(admin: _Database, host: str) -> None:
    try:
        config = (await admin.command("replSetGetConfig"))["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        members = [{"_id": 0, "host": host}]
        fresh = {"_id": address.REPLICA_SET, "members": members, "settings": _SETTINGS}
        await admin.command("replSetInitiate", fresh)
        return
    if [member["host"] for member in config["members"]] != [host]:
        moved = {**config["members"][0], "host": host}
        config = {**config, "members": [moved], "version": config["version"] + 1}
        await admin.command("replSetReconfig", config, force=True)
