"""A real mongod that asks who one is, with a user who may read and write and nothing else."""

import os
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient

from app.store.embedded.binary import find_mongod
from app.store.embedded.mongod import EmbeddedMongod

PASSWORD = "a-password-of-a-test"


@asynccontextmanager
async def a_guarded_mongod(folder: Path) -> AsyncGenerator[str]:
    """Run one for the length of the block; yields the address of that user."""
    mongod = EmbeddedMongod(folder, binary=find_mongod(os.environ))
    uri = await mongod.start()
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(uri)
    roles = ["readWriteAnyDatabase"]
    await client.admin.command("createUser", "least", pwd=PASSWORD, roles=roles)
    client.close()
    await mongod.stop()
    key = folder / "key"
    key.write_text("abcdefghijklmnop")
    key.chmod(0o400)
    address = uri.removeprefix("mongodb://").partition("/")[0]
    words = ["--dbpath", str(folder / "mongo"), "--port", address.rpartition(":")[2]]
    words += ["--bind_ip", "127.0.0.1", "--nounixsocket", "--keyFile", str(key)]
    words += ["--replSet", uri.partition("replicaSet=")[2].partition("&")[0] or "rs"]
    log = folder / "guarded.log"
    command = [find_mongod(os.environ), *words, "--logpath", str(log)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: ASYNC220, S603 - a test
        try:
            await _writable(uri)
            yield f"mongodb://least:{PASSWORD}@{address}/?authSource=admin"
        finally:
            process.kill()


async def _writable(uri: str) -> None:
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(uri)
    # A database with a replica set's name in its address is found once it is the primary.
    await client.admin.command("hello")
    client.close()
