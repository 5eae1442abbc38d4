"""The service's records as the database tells of them, and when their ends were written."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final, NamedTuple, Self

from motor.motor_asyncio import AsyncIOMotorClient

from app.store.debtors import EVER
from app.store.documents import CODEC, Document
from processors import runs
from processors.runs.placing import PARKED
from schemas.job import JOB_OPEN
from schemas.run import TERMINAL

FIELDS: Final = ("metadata.run_id", "metadata.userId", "status", "attempt")
"""What is read of a generation."""
LOOK_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 300


class Kept(NamedTuple):
    """What is kept of one generation.

    Attributes:
        id: Its id.
        run_id: The prompt at the server; None as long as it waits.
        user: Whose it is.
        status: How it stands.
        attempt: Which try it is, from 1.
    """

    id: str
    run_id: str | None
    user: str
    status: str
    attempt: int


class Part(NamedTuple):
    """One generation of a job.

    Attributes:
        job: Whose.
        number: Of its step, from 1.
        id: The generation.
    """

    job: str
    number: int
    id: str


class Records:
    """The records of one service.

    Attributes:
        uri: The database.
        name: Its name.
    """

    def __init__(self, uri: str, name: str) -> None:
        self.uri: Final = uri
        self.name: Final = name
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(uri)
        self._database = self._client.get_database(name, codec_options=CODEC)
        self._generations = self._database["generations"]

    async def __aenter__(self) -> Self:
        """Ask whenever asked to."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what was opened."""
        self._client.close()

    async def well(self) -> set[str]:
        """Return the servers that were seen well, without any trouble."""
        found = self._database["servers"].find({"healthy": True, "trouble": None})
        return {each["name"] for each in await found.to_list(None)}

    async def since(self, before: Collection[str] = ()) -> list[Kept]:
        """Return all generations but those of these ids, oldest first."""
        found = self._generations.find({}, dict.fromkeys(FIELDS, 1)).sort("_id", 1)
        return [_kept(each) for each in await found.to_list(None) if each["_id"] not in before]

    async def parts(self, job: str | None = None) -> list[Part]:
        """Return the generations of a job, or of all, in the order in which they are made."""
        query = {} if job is None else {"_id": job}
        found = self._database["jobs"].find(query, {"steps": 1}).sort("_id", 1)
        return [
            Part(each["_id"], step["number"], step["generation"])
            for each in await found.to_list(None)
            for step in each["steps"]
        ]

    async def jobs(self) -> Mapping[str, int]:
        """Return how many jobs stand how."""
        found = await self._database["jobs"].find({}, {"status": 1}).to_list(None)
        return counted(each["status"] for each in found)

    async def closed(self, job: str) -> None:
        """Wait until a job is at its end, its every step settled; five minutes at most."""
        over = {"_id": job, "status": {"$nin": sorted(JOB_OPEN)}}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await self._database["jobs"].count_documents(over):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(LOOK_SECONDS)

    async def settled(self) -> None:
        """Wait until nothing is owed by any record; five minutes at most."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.owing():  # noqa: ASYNC110 - of another process
                await asyncio.sleep(LOOK_SECONDS)

    async def owing(self) -> int:
        """Return how many records owe something, now or later."""
        owing = {"dueAt": {"$gt": EVER}}
        names = ("jobs", "generations")
        return sum([await self._database[name].count_documents(owing) for name in names])

    async def owed(self) -> Mapping[str, int]:
        """Return how many debts of each kind generations have."""
        found = self._database["generations"].find({"owed.kind": {"$exists": True}}, {"owed": 1})
        return counted(debt["kind"] for each in await found.to_list(None) for debt in each["owed"])

    async def sent(self) -> int:
        """Return how many generations servers have, waiting there or running."""
        return await self._generations.count_documents({"status": {"$in": ["queued", "running"]}})

    async def running(self) -> int:
        """Return how many generations run."""
        return await self._generations.count_documents({"status": "running"})

    async def parked(self) -> int:
        """Return how many generations wait in the line."""
        owed = {"$elemMatch": {"key": runs.SUBMIT, "lastError": PARKED}}
        return await self._generations.count_documents({"status": "pending", "owed": owed})

    async def until(self, count: Callable[[], Awaitable[int]], number: int) -> None:
        """Wait until one of these counts has come to a number; five minutes at most."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await count() < number:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(LOOK_SECONDS)

    @asynccontextmanager
    async def ends(self) -> AsyncGenerator["Ends"]:
        """Watch for ends as long as the block lasts, from now on."""
        over = {"$in": sorted(TERMINAL)}
        written = [{"updateDescription.updatedFields.status": over}, {"fullDocument.status": over}]
        ends = Ends()
        async with (
            self._generations.watch([{"$match": {"$or": written}}]) as stream,
            asyncio.TaskGroup() as group,
        ):
            # The stream begins with the first question.
            await stream.try_next()
            watching = group.create_task(ends.watch(stream))
            try:
                yield ends
            finally:
                watching.cancel()

    @asynccontextmanager
    async def scans(self) -> AsyncGenerator[dict[str, int]]:
        """Yield, at the block's end, what was looked for in whole collections, and how often."""
        found = dict[str, int]()
        # What goes on with an answer says nothing new.
        op = {"op": {"$ne": "getmore"}, "ns": {"$not": {"$regex": "system"}}}
        await self._database.command("profile", 1, filter={"planSummary": "COLLSCAN", **op})
        try:
            yield found
        finally:
            await self._database.command("profile", 0)
        async for each in self._database["system.profile"].find({}):
            told = _sought(each)
            if told is not None:
                found[told] = found.get(told, 0) + 1
        await self._database.drop_collection("system.profile")

    async def profiled(self, ask: Callable[[], Awaitable[object]]) -> Mapping[str, object]:
        """Return what MongoDB did for a question of one query, by its own account."""
        made = await self._made(ask)
        # What the service asks in the same moment is in it, too: it is asked again then.
        while [each["op"] for each in made].count("query") != 1:
            made = await self._made(ask)
        return {
            "plan": " and ".join({str(each["planSummary"]).partition(" ")[0] for each in made}),
            "keys": sum(each.get("keysExamined", 0) for each in made),
            "documents": sum(each.get("docsExamined", 0) for each in made),
            "returned": sum(each.get("nreturned", 0) for each in made),
        }

    async def _made(self, ask: Callable[[], Awaitable[object]]) -> list[Document]:
        """Return the queries, and what goes on with their answers, that a question made."""
        await self._database.command("profile", 2)
        await ask()
        await self._database.command("profile", 0)
        kinds = {"ns": {"$not": {"$regex": "system"}}, "op": {"$in": ["query", "getmore"]}}
        made = await self._database["system.profile"].find(kinds).to_list(None)
        await self._database.drop_collection("system.profile")
        # Ends are watched for by going on with a pipeline.
        return [each for each in made if "pipeline" not in each.get("originatingCommand", {})]


class Ends:
    """Ends as they are told by the database.

    Attributes:
        at: When each generation's end was here, in seconds of the machine's monotonic clock.
    """

    def __init__(self) -> None:
        self.at: Final = dict[str, float]()
        self._more = asyncio.Event()

    async def watch(self, stream: Any) -> None:  # noqa: ANN401 - a change stream has no types
        """Note ends, until cancelled."""
        async for change in stream:
            self.at.setdefault(change["documentKey"]["_id"], monotonic())
            self._more.set()

    async def seen(self, ids: Iterable[str], seconds: float) -> None:
        """Wait until these have ended.

        Raises:
            TimeoutError: They have not, in so many seconds.
        """
        wanted = set(ids)
        async with asyncio.timeout(seconds):
            while not wanted <= self.at.keys():
                self._more.clear()
                await self._more.wait()

    async def until(self, number: int, seconds: float) -> None:
        """Wait until so many have ended.

        Raises:
            TimeoutError: They have not, in so many seconds.
        """
        async with asyncio.timeout(seconds):
            while len(self.at) < number:
                self._more.clear()
                await self._more.wait()


def statuses(kept: Iterable[Kept]) -> Mapping[str, int]:
    """Return how many generations stand how."""
    return counted(each.status for each in kept)


def counted(words: Iterable[str]) -> Mapping[str, int]:
    """Return how often each word comes."""
    return dict(Counter(words))


def _sought(scan: Document) -> str | None:
    """Return what a scan looked for, and where; None for who watches for changes.

    MongoDB reads changes in its log of all writes, and says that of the collection.
    """
    command: Document = scan.get("command", {})
    stages: list[Document] = command.get("pipeline", [])
    if any("$changeStream" in stage for stage in stages):
        return None
    fields: Document = command.get("filter") or command.get("q") or (stages[0] if stages else {})
    return f"{str(scan['ns']).partition('.')[2]} by {', '.join(fields) or 'nothing'}"


def _kept(found: Document) -> Kept:
    about = found.get("metadata", {})
    user, run_id = about.get("userId", ""), about.get("run_id")
    return Kept(found["_id"], run_id, user, found["status"], found["attempt"])
