"""Whether a full collection slows us down: no generations in it, and a million."""

from contextlib import AsyncExitStack
from typing import Final

import httpx

from benchmarks import events, report, world
from benchmarks.ingest import Contestant, contestant
from benchmarks.load import Measured
from benchmarks.report import Figures

FULL: Final = 1_000_000


async def measure(*, quick: bool) -> Figures:
    """Measure it and print it; the quick one fills 20,000 in."""
    count, rounds, seconds = (20_000, 1, 4.0) if quick else (FULL, 3, 10.0)
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(world.a_folder())
        uri = await stack.enter_async_context(world.a_mongod(folder))
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        engine = await stack.enter_async_context(world.a_server("engine"))
        both = dict[str, list[Measured]]()
        loaded = dict[str, Contestant]()
        for database in ("empty", "full"):
            await events.prepare(uri, database)
            service = await stack.enter_async_context(
                world.a_service(folder, uri, database, engine.url, background=False)
            )
            loaded[database] = contestant("b", service, folder, uri, database)
        await events.bulk(uri, "full", count)
        for each in loaded.values():
            await each.run(2, client)
            await each.caught_up(client)
        for _ in range(rounds):
            for name, each in loaded.items():
                both.setdefault(name, []).append(await each.run(seconds, client))
                await each.caught_up(client)
    rates = {
        name: round(report.middle([each.rate for each in seen])) for name, seen in both.items()
    }
    ratios = [
        full.rate / empty.rate for full, empty in zip(both["full"], both["empty"], strict=True)
    ]
    figures: Figures = {
        "machine": report.machine(),
        "generations": count,
        "events_a_second": rates,
        "p99_ms": {
            name: report.middle([each.p99_ms for each in seen]) for name, seen in both.items()
        },
        "full/empty": report.middle(ratios),
    }
    report.show("a full collection", {name: figures[name] for name in list(figures)[1:]})
    return figures
