"""Orders in sandbox mode: from the bot; through the API 200 a second for 30 s; 10,000 at once.

Of the API's, nearly each is another person's; every hundredth person orders twice at once with
credits for one, and has to get one job and one 402. Measured are the answers, the way from the
order to the engine, which the stand-in's runs tell, and the time until every job has ended and owes
nothing. At the end `runrelay ledger check` recomputes everything: every line must be closed.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final, NamedTuple

import orjson

from app.clock import Clock
from app.store.connection import Connection
from app.store.debtors import EVER
from benchmarks import commands, fleet, people, report, world
from benchmarks.fleet import Answer, Fleet
from benchmarks.report import Figures
from benchmarks.world import SandboxedService
from schemas.base import UserId

DATABASE: Final = "orders"
PATH: Final = "/api/jobs/create"
RATE: Final = 200
POOR_EVERY: Final = 100
CONNECTIONS: Final = 64
BURST_CONNECTIONS: Final = 256
WARM: Final = 100
RUN_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 900
MADE: Final = 201
POOR: Final = 402
SERVER_FAULT: Final = 500


class Load(NamedTuple):
    """Orders of one kind.

    Attributes:
        name: What it is called.
        people: How many people order; every hundredth of them orders twice.
        rate: Orders a second; None: all at once.
        connections: How many the clients have.
    """

    name: str
    people: int
    rate: float | None
    connections: int

    def credits(self) -> list[int]:
        """Return what each person has: those who order twice have enough for one."""
        rich = 10 * people.PRICE
        return [people.PRICE if poor(number) else rich for number in range(self.people)]


class Ordered(NamedTuple):
    """One order, and what it was answered."""

    person: int
    words: str
    answer: Answer


def poor(number: int) -> bool:
    """Return whether a person orders twice with credits for one."""
    return number % POOR_EVERY == POOR_EVERY - 1


def orders(count: int) -> list[int]:
    """Return who orders, one after another, by their number."""
    return [number for number in range(count) for _ in range(2 if poor(number) else 1)]


def wrong(ordered: Sequence[Ordered]) -> int:
    """Return how many answers are not what they must be.

    Everybody's one order makes a job; of two that there are credits for one of, one does.
    """
    answers = dict[int, list[int]]()
    for each in ordered:
        answers.setdefault(each.person, []).append(each.answer.status)
    return sum(
        (Counter(got) - Counter([MADE, POOR] if poor(person) else [MADE])).total()
        for person, got in answers.items()
    )


async def measure(*, quick: bool) -> Figures:
    """Measure it and print it; the quick one takes orders for 5 s, then 500 at once."""
    seconds, at_once = (5, 500) if quick else (30, 10_000)
    steady = Load("steady", RATE * seconds, RATE, CONNECTIONS)
    burst = Load("burst", at_once, None, BURST_CONNECTIONS)
    figures: Figures = {"machine": report.machine()}
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(world.a_folder())
        uri = await stack.enter_async_context(world.a_mongod(folder))
        await people.prepare(uri, DATABASE, RUN_SECONDS)
        known = await people.register(uri, DATABASE, [0] * (0 if quick else 10_000))
        service = await stack.enter_async_context(world.a_sandboxed_service(folder, uri, DATABASE))
        await world.on_duty(uri, DATABASE)
        await _run(Load("warm", WARM, 50, CONNECTIONS), service, uri)
        figures["from_the_bot"] = await _talk(20 if quick else 200, service, uri)
        report.show("from a command to the engine", figures["from_the_bot"])
        for load in (steady, burst):
            figures[load.name] = await _run(load, service, uri)
            report.show(_title(load), figures[load.name])
        figures["memory_mb"] = round(service.memory_mb(), 1)
        audit = await world.command(service.home, service.environ, "ledger", "check")
    held = "Held and not settled yet" in audit.said
    figures["audit"] = {
        "said": audit.said.strip().rsplit("\n", 1)[-1],
        "well": audit.code == 0 and not held,
        "seconds": audit.seconds,
    }
    report.show("the ledger after all", figures["audit"] | {"known_before": len(known)})
    return figures


async def _run(load: Load, service: SandboxedService, uri: str) -> Figures:
    """Register who orders, have them order, and wait until everything is served."""
    persons = await people.register(uri, DATABASE, load.credits())
    turns = orders(load.people)
    words = [f"{load.name} {number}" for number in range(len(turns))]
    bodies = [_body(persons[who], said) for who, said in zip(turns, words, strict=True)]
    clients = Fleet(service.url, PATH, load.connections)
    await clients.open()
    used = service.processor_seconds()
    answers = await fleet.send(clients.post, bodies, load.rate)
    clients.close()
    await _served(uri)
    served, used = monotonic(), service.processor_seconds() - used
    ordered = [Ordered(*each) for each in zip(turns, words, answers, strict=True)]
    began = min(each.due for each in answers)
    last = max(each.at for each in answers)
    begun = await commands.begun(service)
    sent = {each.words: each.answer.due for each in ordered}
    reached = commands.waits(sent, begun, Clock().now(), monotonic())
    statuses = Counter(each.status for each in answers)
    return {
        "people": load.people,
        "orders": len(turns),
        "answers_a_second": round(len(answers) / (last - began)),
        "answers": {str(status): count for status, count in sorted(statuses.items())},
        "faults": sum(
            count
            for status, count in statuses.items()
            if status == fleet.BROKEN or status >= SERVER_FAULT
        ),
        "wrong": wrong(ordered),
        "answer_ms": report.spread([1000 * (each.at - each.due) for each in answers]),
        "on_the_wire_ms": report.spread([1000 * (each.at - each.sent) for each in answers]),
        "to_the_engine_ms": report.spread(reached),
        "served_after_the_last_answer_s": round(served - last, 1),
        "served_a_second": round(statuses[MADE] / (served - began)),
        "processor_ms_an_order": round(1000 * used / len(turns), 1),
        "jobs": await _statuses(uri, persons),
    }


async def _talk(count: int, service: SandboxedService, uri: str) -> Figures:
    """Have people order from the bot, some of them before it is measured."""
    warm = range(count // 4)
    measured = range(len(warm), len(warm) + count)
    rich = [10 * people.PRICE] * measured.stop
    await people.register(uri, DATABASE, rich, first_id=commands.FIRST_ID)
    await commands.write(service, warm)
    sent = await commands.write(service, measured)
    begun = await _all_begun(service, sent)
    reached = commands.waits(sent, begun, Clock().now(), monotonic())
    return {
        "commands": count,
        "submitted": len(reached),
        "to_the_engine_ms": report.spread(reached),
    }


async def _all_begun(service: SandboxedService, sent: Mapping[str, float]) -> dict[str, datetime]:
    """Return when the engine had each run, once it has had all of them; a minute at most."""
    async with asyncio.timeout(60):
        while not sent.keys() <= (begun := await commands.begun(service)).keys():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(LOOK_SECONDS)
    return begun


def _body(user: UserId, words: str) -> bytes:
    return orjson.dumps({"user": user, "preset": people.PRESET, "inputs": {"prompt": words}})


async def _served(uri: str) -> None:
    """Wait until every job has ended, and nothing is owed for any; a quarter of an hour at most."""
    connection = Connection(uri, DATABASE, timedelta(seconds=20))
    owing = {"dueAt": {"$gt": EVER}}
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await _count(connection, "jobs", owing) or await _count(  # noqa: ASYNC110 - of another process
                connection, "generations", owing
            ):
                await asyncio.sleep(LOOK_SECONDS)
    finally:
        connection.close()


async def _count(connection: Connection, name: str, query: dict[str, Any]) -> int:
    return await connection.collection(name).count_documents(query, limit=1)


async def _statuses(uri: str, persons: Sequence[UserId]) -> dict[str, int]:
    """Return how many of these people's jobs stand at each status."""
    connection = Connection(uri, DATABASE, timedelta(seconds=20))
    theirs = {"$match": {"userId": {"$gte": min(persons), "$lte": max(persons)}}}
    grouped = {"$group": {"_id": "$status", "count": {"$sum": 1}}}
    try:
        found = connection.collection("jobs").aggregate([theirs, grouped])
        return {each["_id"]: each["count"] for each in await found.to_list(None)}
    finally:
        connection.close()


def _title(load: Load) -> str:
    pace = "at once" if load.rate is None else f"{load.rate:.0f} a second"
    return f"orders of {load.people:,} people, {pace}"
