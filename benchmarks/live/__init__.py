"""What people see, and how soon: streams of a thousand readers, the page's first paint, sizes.

Our service in a process of its own and a real mongod; the readers, and the hand that changes the
records, share this process. A change is timed from just before its write to the database is sent
until its state is at a reader's socket: the write itself, durable as the service's own are, counts.
Beside it, a stream as it is often written: each asks the database for its record once a second.
"""

import asyncio
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Final

from app.store.connection import Connection
from benchmarks import report, world
from benchmarks.live import page, records
from benchmarks.live.readers import readers
from benchmarks.report import Figures
from benchmarks.world import Served
from schemas.base import GenerationId

READERS: Final = 1_000
RATE: Final = 10.0
"""Changes that each reader sees in a second."""
WATCHED: Final = (10, 100)
"""Generations that the readers share: by ten, a hundred watch each."""
JOBS: Final = 500
_BUNDLE: Final = Path(__file__).resolve().parents[2] / "clients" / "js" / "test" / "bundle.js"
_GOALS: Final = {"p99_ms": 150, "kb_per_reader": 30, "paint_ms": 1_000, "gzipped_bytes": 10_000}


async def measure(*, quick: bool) -> Figures:
    """Measure it and print it; the quick one has a fifth of the readers, for a few seconds."""
    figures: Figures = {"machine": report.machine(), "goals": _GOALS, "client": await _bundled()}
    number, seconds = (READERS // 5, 5.0) if quick else (READERS, 20.0)
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(world.a_folder())
        uri = await stack.enter_async_context(world.a_mongod(folder))
        engine = await stack.enter_async_context(world.a_server("engine"))
        service = await stack.enter_async_context(world.a_service(folder, uri, "live", engine.url))
        connection = Connection(uri, "live")
        stack.callback(connection.close)
        ids = await records.running(connection, JOBS)
        # What is imported and opened with the first reader is no reader's own.
        async with readers(service.url, [_path(ids[0])]):
            await records.move(connection, ids[:1], RATE, 1.0)
        figures["memory"] = await _memory(service, connection, ids[: WATCHED[0]], number)
        asking = await stack.enter_async_context(world.a_server("asking", uri, "live"))
        streams: list[Figures] = [
            {"server": name, **await _streams(served, connection, ids[:watched], number, seconds)}
            for watched in WATCHED
            for name, served in (("runrelay", service), ("asking", asking))
        ]
        figures["streams"] = streams
        figures["page"] = await page.painted(service, JOBS, 3 if quick else 7)
    report.table(
        f"{number} readers of one process, {RATE:.0f} changes/s each",
        ("server, generations watched", "states/s", "p50 ms", "p99 ms", "most", "processor"),
        [
            (
                f"{each['server']}, {each['generations']}",
                each["states_a_second"],
                *(each["ms"].get(name, "-") for name in ("p50", "p99", "most")),
                each["processor_share"],
            )
            for each in streams
        ],
    )
    report.show("a reader", figures["memory"])
    report.show("the page", figures["page"])
    report.show("the client", figures["client"])
    return figures


async def _streams(
    served: Served,
    connection: Connection,
    ids: list[GenerationId],
    number: int,
    seconds: float,
) -> Figures:
    """Have so many readers watch these generations, each of them its own, in turn."""
    busy = served.processor_seconds()
    async with readers(served.url, [_path(each) for each in islice(cycle(ids), number)]) as made:
        for each in made:
            each.begin()
        late = await records.move(connection, ids, RATE, seconds)
        # What was written last is on its way.
        await asyncio.sleep(1)
        lost = sum(each.lost.is_set() for each in made)
        waits = list(chain.from_iterable(each.waits for each in made))
    return {
        "generations": len(ids),
        "readers": number,
        "states_a_second": round(len(waits) / seconds),
        "seen_of_all": round(len(waits) / (number * RATE * seconds), 3),
        "writes_late": late,
        "readers_lost": lost,
        "ms": report.spread([1000 * each for each in waits]),
        "processor_share": round((served.processor_seconds() - busy) / seconds, 2),
    }


async def _memory(
    served: Served, connection: Connection, ids: list[GenerationId], number: int
) -> Figures:
    """Return what each of the second half of so many readers adds, under load as the first half."""
    held = list[float]()
    for count in (number // 2, number):
        paths = [_path(each) for each in islice(cycle(ids), count)]
        async with readers(served.url, paths):
            await records.move(connection, ids, RATE, 5.0)
            held.append(served.memory_mb())
    added = (held[1] - held[0]) * 1000 / (number - number // 2)
    return {"mb_with_half": held[0], "mb_with_all": held[1], "kb_per_reader": round(added, 1)}


async def _bundled() -> Figures:
    """Return what a page of one's own has to load to follow runs."""
    process = await asyncio.create_subprocess_exec("node", str(_BUNDLE), stdout=PIPE)
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("the client was not built: see above")
    return {"gzipped_bytes": int(said)}


def _path(generation: GenerationId) -> str:
    return f"/api/generations/{generation}/events"
