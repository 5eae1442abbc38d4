"""What the service keeps in memory: after 100,000 events, and after 1,000,000.

Everything is on, Telegram's library included; nobody is told, since Telegram's limits would make
a million events last for days.
"""

from contextlib import AsyncExitStack
from typing import Final

import httpx

from benchmarks import events, report, world
from benchmarks.ingest import contestant
from benchmarks.latency import BotApi, serving
from benchmarks.report import Figures

FIRST: Final = 100_000
LAST: Final = 1_000_000
STEP_SECONDS: Final = 10.0


async def measure(*, quick: bool) -> Figures:
    """Measure it and print it; the quick one stops after 100,000 events."""
    last = FIRST if quick else LAST
    grown = list[tuple[int, float]]()
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(world.a_folder())
        uri = await stack.enter_async_context(world.a_mongod(folder))
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        engine = await stack.enter_async_context(world.a_server("engine"))
        address = await stack.enter_async_context(serving(BotApi()))
        await events.prepare(uri, "kept")
        service = await stack.enter_async_context(
            world.a_service(folder, uri, "kept", engine.url, telegram_url=address)
        )
        loaded = contestant("b*", service, folder, uri, "kept")
        while loaded.load.sent < last:
            await loaded.run(STEP_SECONDS, client)
            await loaded.caught_up(client)
            grown.append((loaded.load.sent, round(service.memory_mb(), 1)))
    before = next(each for each in grown if each[0] >= FIRST)
    figures: Figures = {
        "machine": report.machine(),
        "events_then": before[0],
        "mb_then": before[1],
        "events_at_the_end": grown[-1][0],
        "mb_at_the_end": grown[-1][1],
        "grown_by_mb": round(grown[-1][1] - before[1], 1),
        "most_mb": max(mb for _, mb in grown),
        "by_events": grown,
    }
    report.show("resident memory", {name: figures[name] for name in list(figures)[1:-1]})
    return figures
