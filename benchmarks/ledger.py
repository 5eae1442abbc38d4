"""The ledger with 1,000,000 entries, 100,000 of them one person's: a balance, a page, the check.

What the service asks for is asked through its own port. MongoDB's profiler writes down which
queries that made, and the planner explains each of them: one query a question, by an index,
as many documents examined as returned. Then `runrelay ledger check` reads all of it.
"""

import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern

from app.clock import Clock
from app.store.connection import Connection
from app.store.documents import CODEC, Document
from app.store.ledger import MongoLedger
from app.usecases.money import Money
from benchmarks import report, world
from benchmarks.events import KEEP
from benchmarks.report import Figures
from processors import ledger
from processors.ledger import Act
from schemas.base import GenerationId, UserId
from schemas.ledger import Entry, EntryId

DATABASE: Final = "ledger"
PAGE: Final = 51
"""Entries that a page of 50 reads: one more says whether there is another page."""
ASKED: Final = 2_000
PROFILED: Final = 20
AT_ONCE: Final = 5_000
SCAN: Final = "IXSCAN"
_GIVEN: Final = Decimal(1_000_000)
_LINE: Final = Decimal(5)
_NOT_ASKED: Final = {"lsid", "$db", "$clusterTime", "$readPreference", "maxTimeMS", "txnNumber"}


class Size(NamedTuple):
    """How many entries there are.

    Attributes:
        entries: Of everybody.
        largest: Of the one person who has most.
        each: Of everybody else.
    """

    entries: int
    largest: int
    each: int

    def of(self) -> Iterator[int]:
        """Yield how many entries each person has; the first has most."""
        yield self.largest
        left = self.entries - self.largest
        while left:
            count = min(self.each, left)
            yield count
            left -= count


class Plan(NamedTuple):
    """How MongoDB answered a query.

    Attributes:
        stages: What it did, from the outside in.
        examined: Documents that it looked at.
        returned: Documents that it returned.
    """

    stages: tuple[str, ...]
    examined: int
    returned: int

    @property
    def indexed(self) -> bool:
        """Whether an index led to every document, in order, and to no other."""
        spared = {"COLLSCAN", "SORT"}.isdisjoint(self.stages)
        return SCAN in self.stages and spared and self.examined == self.returned


def entries(user: UserId, count: int, clock: Clock) -> Iterator[Entry]:
    """Yield a person's entries: a grant, then holds and their ends; another grant fills up."""
    last: Entry | None = None
    now, made = clock.now(), 0

    def act() -> Act:
        return Act(EntryId(clock.new_id()), user, "bench", now)

    while made < count:
        if last is None or made == count - 1:
            last = ledger.grant(last, act(), f"bench:{user}:{made}", _GIVEN)
            yield last
            made += 1
            continue
        generation = GenerationId(clock.new_id())
        held = ledger.hold(last, act(), clock.new_id(), {generation: _LINE})
        yield held
        last = ledger.close(held, act(), held, generation, _LINE)
        yield last
        made += 2


def plan(explained: Mapping[str, Any]) -> Plan:
    """Read what `explain` says of a query that was run for it."""
    stages, stage = list[str](), explained["queryPlanner"]["winningPlan"]
    while stage:
        stages.append(stage["stage"])
        stage = stage.get("inputStage")
    ran = explained["executionStats"]
    return Plan(tuple(stages), ran["totalDocsExamined"], ran["nReturned"])


async def measure(*, quick: bool) -> Figures:
    """Measure it and print it; the quick one has 20,000 entries."""
    size = Size(20_000, 2_000, 100) if quick else Size(1_000_000, 100_000, 100)
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(world.a_folder())
        uri = await stack.enter_async_context(world.a_mongod(folder))
        connection = Connection(uri, DATABASE, timedelta(seconds=60))
        stack.callback(connection.close)
        await connection.prepare("sandbox", KEEP)
        began = perf_counter()
        people = await _fill(uri, size)
        filled = round(perf_counter() - began, 1)
        figures: Figures = {
            "machine": report.machine(),
            "entries": size.entries,
            "people": len(people),
            "largest": size.largest,
            "filled_in_s": filled,
            "asked": await _asked(uri, MongoLedger(connection), people, size),
            "check": await _check(folder, uri),
        }
    rows = [
        (name, each["ms"]["p50"], each["ms"]["p99"], each["queries"], each["indexed"])
        for name, each in figures["asked"].items()
    ]
    heads = ("question", "p50 ms", "p99 ms", "queries", "indexed")
    report.table(f"a ledger of {size.entries:,} entries", heads, rows)
    report.show("runrelay ledger check", figures["check"])
    return figures


async def _fill(uri: str, size: Size) -> list[UserId]:
    """Insert everything as fast as it goes in: not durable until all of it is."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(uri)
    kept = client.get_database(DATABASE, codec_options=CODEC).get_collection(
        "ledger", write_concern=WriteConcern(1, j=False)
    )
    clock, people, batch = Clock(), list[UserId](), list[Document]()
    try:
        for count in size.of():
            people.append(UserId(clock.new_id()))
            for entry in entries(people[-1], count, clock):
                batch.append(entry.document())
                if len(batch) == AT_ONCE:
                    await kept.insert_many(batch, ordered=False)
                    batch.clear()
        if batch:
            await kept.insert_many(batch, ordered=False)
        await client.admin.command("fsync")
    finally:
        client.close()
    return people


async def _asked(uri: str, kept: MongoLedger, people: Sequence[UserId], size: Size) -> Figures:
    """Ask for balances and pages, and have the queries explained."""
    money, largest = Money(kept, Clock()), people[0]
    # Which people is no secret.
    chosen = random.Random(1).choices(people[1:], k=ASKED)  # noqa: S311
    places = random.Random(2).choices(range(PAGE, size.largest), k=ASKED)  # noqa: S311

    async def balance(number: int) -> object:
        return await money.balance(chosen[number])

    async def largest_balance(_: int) -> object:
        return await money.balance(largest)

    async def page(number: int) -> object:
        return await kept.history(chosen[number], limit=PAGE)

    async def largest_page(number: int) -> object:
        return await kept.history(largest, before=places[number], limit=PAGE)

    questions = {
        "balance": balance,
        "balance of the largest": largest_balance,
        "page of 50": page,
        "page anywhere in the largest": largest_page,
    }
    return {name: await _asking(uri, ask) for name, ask in questions.items()}


async def _asking(uri: str, ask: Callable[[int], Awaitable[object]]) -> Figures:
    times = list[float]()
    for number in range(ASKED):
        began = perf_counter()
        await ask(number)
        times.append(1000 * (perf_counter() - began))
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(uri)
    database = client[DATABASE]
    try:
        await database.command("profile", 2)
        for number in range(PROFILED):
            await ask(number)
        await database.command("profile", 0)
        found = database["system.profile"].find({"ns": f"{DATABASE}.ledger"})
        made = [each["command"] for each in await found.to_list(None)]
        plans = [
            plan(await database.command("explain", _query(each), verbosity="executionStats"))
            for each in made
        ]
        await database.drop_collection("system.profile")
    finally:
        client.close()
    return {
        "ms": report.spread(times, places=2),
        "queries": len(made) / PROFILED,
        "indexed": all(each.indexed for each in plans),
        "stages": sorted({" < ".join(each.stages) for each in plans}),
        "examined": sum(each.examined for each in plans),
        "returned": sum(each.returned for each in plans),
    }


def _query(command: Mapping[str, Any]) -> Document:
    """Return a command as it was sent, without what belongs to its session."""
    return {name: value for name, value in command.items() if name not in _NOT_ASKED}


async def _check(folder: Path, uri: str) -> Figures:
    home = folder / "check"
    home.mkdir()
    told = await world.command(home, world.settings(home, uri, DATABASE), "ledger", "check")
    return {
        "said": told.said.strip().rsplit("\n", 1)[-1],
        "well": told.code == 0,
        "seconds": told.seconds,
        "memory_mb": told.memory_mb,
    }
