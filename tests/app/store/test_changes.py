"""Changes as MongoDB alone loses them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import pytest
from bson.timestamp import Timestamp
from pymongo.errors import AutoReconnect, OperationFailure

from app.errors import StoreDownError
from app.ports import MissedError
from app.store.changes import MongoChanges
from app.store.connection import Connection
from app.store.documents import Document
from schemas.live import Position
from tests.builders import an_order
from tests.contracts.test_live import listening
from tests.databases import a_database

pytestmark = pytest.mark.anyio


class Stream:
    """A change stream that tells what it was given, and then nothing more."""

    def __init__(self, told: Sequence[Document | Exception], token: str) -> None:
        self._told = list(told)
        self.resume_token = {"_data": token}
        self.alive = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.alive = False

    async def try_next(self) -> Document | None:
        """Tell the next, or fail as it was given."""
        await asyncio.sleep(0)
        if not self._told:
            return None
        told = self._told.pop(0)
        if isinstance(told, Exception):
            raise told
        return told


class Scripted(Connection):
    """A connection whose change streams are given: an error is one that cannot be opened.

    Attributes:
        asked: After which token each was to go on.
    """

    def __init__(self, *streams: Stream | Exception) -> None:
        super().__init__("mongodb://127.0.0.1:9/?directConnection=true", "none")
        self._streams = list(streams)
        self.asked = list[object]()

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[Any]:
        """Yield itself as the database."""
        yield self

    async def watch(self, pipeline: object, **options: object) -> Stream:
        """Open the next stream."""
        del pipeline
        self.asked.append(options.get("resume_after"))
        stream = self._streams.pop(0)
        if isinstance(stream, Exception):
            raise stream
        return stream

    async def operation_time(self) -> Timestamp:
        """Return a time."""
        return Timestamp(9, 9)


def a_change(increment: int) -> Document:
    """A generation's change, as a stream tells it."""
    return {
        "operationType": "update",
        "ns": {"coll": "generations"},
        "documentKey": {"_id": "any"},
        "clusterTime": Timestamp(7, increment),
    }


FORGOTTEN = OperationFailure("the resume point may no longer be in the oplog", 286)


async def test_a_stream_that_breaks_goes_on_by_its_token_until_that_is_too_old() -> None:
    """Only then something is missed: a new one begins with what is from then on."""
    connection = Scripted(
        Stream([a_change(1), AutoReconnect("gone")], "first"),
        Stream([a_change(2), AutoReconnect("gone")], "second"),
        FORGOTTEN,
        Stream([a_change(3)], "third"),
    )
    async with listening(MongoChanges(connection)) as ear:
        await ear.until(lambda told: len(told.heard_of) == 3)
    connection.close()

    assert connection.asked == [None, {"_data": "first"}, {"_data": "second"}, None]
    assert [each.at for each in ear.heard_of] == [Position(7, n) for n in (1, 2, 3)]
    assert ear.losses == 1


async def test_what_the_oplog_has_forgotten_is_too_old() -> None:
    """Nobody is told of half of it; another fault is one of the database."""
    for fault, meant in ((FORGOTTEN, MissedError), (AutoReconnect("gone"), StoreDownError)):
        connection = Scripted(fault)
        with pytest.raises(meant):
            await MongoChanges(connection).since(Position(1, 1), 10)
        connection.close()


@pytest.mark.parametrize("way", ["drop", "rename"])
async def test_records_taken_away_are_a_loss_and_it_goes_on(mongo_uri: str, way: str) -> None:
    """Who followed is told so once, and of all changes after that; who asks later, too."""
    async with a_database(mongo_uri) as connection:
        changes = MongoChanges(connection)
        previews, generations = map(connection.collection, ("previews", "generations"))
        before = await changes.now()
        async with listening(changes) as ear:
            await previews.insert_one({"_id": "any"})
            ear.is_open.clear()
            await (previews.drop() if way == "drop" else previews.rename("other"))
            await ear.until(lambda told: told.losses == 1)
            async with asyncio.timeout(20):
                await ear.is_open.wait()
            await generations.insert_one(an_order().document())
            await ear.until(lambda told: told.heard_of[-1].id == an_order().id)
        with pytest.raises(MissedError, match="too_old"):
            await changes.since(before, 10)


async def test_a_database_that_is_not_there_is_said_to_be_down() -> None:
    """Whoever asks for a position hears so; whoever follows waits for it to come."""
    connection = Connection("mongodb://127.0.0.1:9/?directConnection=true", "none")
    try:
        with pytest.raises(StoreDownError):
            await MongoChanges(connection).now()
    finally:
        connection.close()
