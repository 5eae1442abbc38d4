"""Who sees what became of generations: in the database, in the chats and at the engine."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from tests.peers import Json, Peers
from tests.service import OVER, Service, until


class Witness:
    """Looks at the records as they are stored and at the chats as they stand."""

    def __init__(self, service: Service, peers: Peers, database: AsyncDatabase[Json]) -> None:
        """Watch a service's orders."""
        self._service = service
        self._peers = peers
        self._generations = database["generations"]
        self._leases = database["leases"]
        self.inbox = database["inbox"]

    async def stored(self, generation_id: str) -> Json:
        """Return a record as it is stored, debts included."""
        found = await self._generations.find_one({"_id": generation_id})
        assert found is not None
        return found

    async def settled(self, generation_id: str) -> Json:
        """Wait until a generation has ended and everybody is told; return its record.

        What may still be owed is the closing of its status message.
        """

        async def look() -> Json:
            assert self._service.runs, self._service.printed
            return await self.stored(generation_id)

        return await until(
            look, lambda record: record["status"] in OVER and set(alive(record)) <= {"show"}
        )

    async def ended_once(self, generation_id: str, chat: int, status: str = "completed") -> Json:
        """See that an end was written once, with its cost, and told once; return the record."""
        record = await self.settled(generation_id)
        assert (record["status"], record["endedBy"]) == (status, "engine")
        assert "costUsd" in record
        assert [each["status"] for each in record["history"]].count(status) == 1
        assert len(await self.ends(chat)) == 1
        return record

    async def ends(self, chat: int) -> list[Json]:
        """Return the ends told in a chat: everything but status messages."""
        return [each for each in await self._peers.chat(chat) if _tells_an_end(each)]

    async def told(self, chat: int) -> list[Json]:
        """Wait until an end is told in a chat; return all that are."""
        return await until(lambda: self.ends(chat), bool)

    async def torn(self, generation_id: str, chat: int) -> bool:
        """Say whether an end has been sent that the record does not know of, or may be on its way.

        What was on its way when a process died may still arrive at the stand-in after this look.
        """
        record = await self.stored(generation_id)
        claimed = any(debt["key"] == "notify" and "by" in debt for debt in record.get("owed", ()))
        return claimed or ("notify" in alive(record) and bool(await self.ends(chat)))

    async def holder(self, duty: str) -> str:
        """Return which process has a duty; nothing where nobody does."""
        found = await self._leases.find_one({"_id": duty})
        return found["holder"] if found else ""

    async def attempts(self, run_id: str) -> Sequence[Json]:
        """Return the engine's tries to deliver a run's webhooks."""
        run = await self._peers.run(run_id)
        attempts: list[Json] = run["attempts"]
        return attempts

    async def runs_of(self, generation_id: str) -> list[Json]:
        """Return the engine's runs that were made for a generation."""
        runs: list[Any] = await self._peers.look("comfydeploy/runs")
        return [run for run in runs if generation_id in (run["webhook"] or "")]


@asynccontextmanager
async def a_witness(
    service: Service, peers: Peers, mongodb_uri: str, database: str
) -> AsyncGenerator[Witness]:
    """Make a witness with a connection of its own, which no wire holds up."""
    async with AsyncMongoClient[Json](mongodb_uri) as client:
        yield Witness(service, peers, client[database])


def alive(record: Json) -> list[str]:
    """Return the kinds of a stored record's debts that somebody will still discharge."""
    return [debt["kind"] for debt in record.get("owed", ()) if "deadAt" not in debt]


def facts(record: Json) -> Json:
    """Return what a stored record says of its run, without what our own work on it changes."""
    ours = {"version", "updatedAt", "owed", "dueAt", "metadata"}
    return {name: value for name, value in record.items() if name not in ours}


def _tells_an_end(message: Json) -> bool:
    """Say whether a message is an end: a file, or words that were no status message before."""
    if message["kind"] != "text":
        return True
    return message["text"][0] in "✅❌🚫⌛" and message["edits"] == 0
