"""How fast events are taken in, beside two endpoints that do less and one thing each.

a    parses the JSON and does nothing
b    our webhook endpoint until 200, the applying going on beside it; `RUN_BACKGROUND=off`:
     what ends owe is left to another process
b*   the same with everything on: each end is asked of the engine and written
c    one durable `update_one` a request

All in one run, against one mongod (w:majority, j:true), turn by turn, and medians of the turns.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from benchmarks import events, report, world
from benchmarks.load import Load, Measured
from benchmarks.report import Figures
from benchmarks.world import Served, Service

MOST_RATE: Final = {"a": 40_000, "b": 9_000, "b*": 9_000, "c": 6_000}
"""Requests a second that runs are prepared for."""
SAMPLE_SECONDS: Final = 0.5
CALM: Final = 500
"""Waiting events by which a later third may exceed an earlier one and still count as no growth:
a quarter of what the service lets wait at most."""


@dataclass
class Contestant:
    """One server under load.

    Attributes:
        name: As above.
        server: Its process.
        load: What it is sent.
        supply: Adds runs to its load, so many at least.
        waiting: Events waiting at each sample of the last run; ours only.
    """

    name: str
    server: Served
    load: Load
    supply: Callable[[int], Awaitable[None]]
    waiting: list[int] = field(default_factory=list[int])

    async def run(self, seconds: float, client: httpx.AsyncClient) -> Measured:
        """Put it under load, its waiting events sampled."""
        await self.supply(int(seconds * MOST_RATE[self.name]))
        self.waiting.clear()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch(client))
            measured = await self.load.run(seconds)
            watching.cancel()
        return measured

    async def caught_up(self, client: httpx.AsyncClient) -> float:
        """Return the seconds until nothing waits and no end is written any more."""
        if not isinstance(self.server, Service):
            return 0.0
        loop = asyncio.get_running_loop()
        began, ends = loop.time(), -1
        while True:
            at, figures = loop.time(), await self.server.figures(client)
            if not figures.waiting and figures.ends == ends:
                return round(at - began, 1)
            ends = figures.ends
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _watch(self, client: httpx.AsyncClient) -> None:
        while isinstance(self.server, Service):
            self.waiting.append((await self.server.figures(client)).waiting)
            await asyncio.sleep(SAMPLE_SECONDS)


async def contestants(stack: AsyncExitStack, folder: Path, uri: str) -> dict[str, Contestant]:
    """Start all four, each with a database of its own."""
    engine = await stack.enter_async_context(world.a_server("engine"))
    for database in ("plain", "off", "on"):
        await events.prepare(uri, database)
    started = {
        "a": (await stack.enter_async_context(world.a_server("parse")), "plain"),
        "c": (await stack.enter_async_context(world.a_server("update", uri, "plain")), "plain"),
        "b": (
            await stack.enter_async_context(
                world.a_service(folder, uri, "off", engine.url, background=False)
            ),
            "off",
        ),
        "b*": (
            await stack.enter_async_context(world.a_service(folder, uri, "on", engine.url)),
            "on",
        ),
    }
    return {
        name: contestant(name, server, folder, uri, database)
        for name, (server, database) in started.items()
    }


def contestant(name: str, server: Served, folder: Path, uri: str, database: str) -> Contestant:
    """Return a server that can be put under load; its runs are inserted as they are needed."""
    load = Load(server.url, folder, f"{database}-{name}".replace("*", "on"))

    async def supply(count: int) -> None:
        missing = load.wants(count)
        if not missing:
            return
        # The one that does nothing needs no records, only runs to be told of.
        load.supply(
            events.runs_only(missing) if name == "a" else await events.fill(uri, database, missing)
        )

    return Contestant(name, server, load, supply)


async def measure(*, quick: bool) -> Figures:
    """Measure everything and print it."""
    rounds, seconds, long = (1, 3.0, 0.0) if quick else (3, 10.0, 60.0)
    figures: Figures = {"machine": report.machine()}
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(world.a_folder())
        uri = await stack.enter_async_context(world.a_mongod(folder))
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        all_four = await contestants(stack, folder, uri)
        await _warm(all_four, client)
        figures["burst"] = await _burst(all_four, client, rounds, seconds)
        if long:
            figures["sustained"] = await _sustained(all_four, client, long)
        figures["memory_mb"] = {
            name: round(each.server.memory_mb(), 1) for name, each in all_four.items()
        }
        report.show("resident memory after it, MB", figures["memory_mb"])
    return figures


async def _warm(all_four: dict[str, Contestant], client: httpx.AsyncClient) -> None:
    for each in all_four.values():
        await each.run(1, client)
        await each.caught_up(client)


async def _burst(
    all_four: dict[str, Contestant], client: httpx.AsyncClient, rounds: int, seconds: float
) -> Figures:
    """Let them take turns, and compare what they did within one round."""
    seen: dict[str, list[Measured]] = {name: [] for name in ("a", "b", "c", "b*")}
    waiting: dict[str, list[int]] = {"b": [], "b*": []}
    caught_up: dict[str, list[float]] = {"b": [], "b*": []}
    for _ in range(rounds):
        for name, measured in seen.items():
            one = all_four[name]
            measured.append(await one.run(seconds, client))
            if name in waiting:
                waiting[name].append(max(one.waiting, default=0))
                caught_up[name].append(await one.caught_up(client))
    figures: Figures = {
        "seconds": seconds,
        "rounds": rounds,
        "each": {name: _summary(measured) for name, measured in seen.items()},
        **{
            f"{one}/{other}": report.middle(
                [
                    mine.rate / theirs.rate
                    for mine, theirs in zip(seen[one], seen[other], strict=True)
                ]
            )
            for one in ("b", "b*")
            for other in ("a", "c")
        },
        "most_waiting": {name: max(each) for name, each in waiting.items()},
        "seconds_to_catch_up": caught_up,
    }
    _show(f"burst: {rounds} rounds of {seconds:.0f} s, 64 connections", figures)
    return figures


async def _sustained(
    all_four: dict[str, Contestant], client: httpx.AsyncClient, seconds: float
) -> Figures:
    """Load ours for long, what it is compared with before, between and after."""
    seen: dict[str, list[Measured]] = {name: [] for name in ("b", "b*", "c")}
    waits, caught_up = dict[str, list[int]](), dict[str, float]()
    for name in ("c", "b", "c", "b*", "c"):
        one = all_four[name]
        seen[name].append(await one.run(seconds if name != "c" else seconds / 3, client))
        if name != "c":
            waits[name] = list(one.waiting)
            caught_up[name] = await one.caught_up(client)
    plain = report.middle([each.rate for each in seen["c"]])
    figures: Figures = {
        "seconds": seconds,
        "each": {name: _summary(measured) for name, measured in seen.items()},
        **{f"{name}/c": round(seen[name][0].rate / plain, 2) for name in waits},
        "waiting_by_thirds": {name: thirds(each) for name, each in waits.items()},
        "wait_grows": {name: grows(each) for name, each in waits.items()},
        "seconds_to_catch_up": caught_up,
        "waiting": waits,
    }
    _show(f"sustained: {seconds:.0f} s, 64 connections", figures)
    return figures


def thirds(waiting: list[int]) -> list[int]:
    """Return the mean of each third of the samples."""
    size = max(1, len(waiting) // 3)
    parts = (waiting[:size], waiting[size : 2 * size], waiting[2 * size :])
    return [round(sum(part) / len(part)) if part else 0 for part in parts]


def grows(waiting: list[int]) -> bool:
    """Return whether more waited in the last third than in the one before."""
    _, middle, last = thirds(waiting)
    return last > middle + CALM


def _summary(measured: list[Measured]) -> Figures:
    return {
        "rate": round(report.middle([each.rate for each in measured])),
        "p50_ms": report.middle([each.p50_ms for each in measured]),
        "p99_ms": report.middle([each.p99_ms for each in measured]),
        "refused": sum(each.refused for each in measured),
        "broken": sum(each.broken for each in measured),
    }


def _show(title: str, figures: Figures) -> None:
    rows = [[name, *each.values()] for name, each in figures["each"].items()]
    report.table(title, ("", "events/s", "p50 ms", "p99 ms", "refused", "broken"), rows)
    rest = {name: value for name, value in figures.items() if name not in {"each", "waiting"}}
    report.show("", rest)
