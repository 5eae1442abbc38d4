"""Chains at Replicate's stand-in: from step to step, the checker's calls, the longest and widest.

Our service in processes of its own, each with stand-ins of its own, and a real mongod.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from benchmarks import people, report, world
from benchmarks.chains import checker, large, links, ordering, tables
from benchmarks.chains.checker import CRON_KEY
from benchmarks.chains.ordering import QUICK_WEAR, SAY
from benchmarks.chains.stage import a_stage
from benchmarks.chains.stand_in import AMPLE
from benchmarks.report import Figures

CHAT: Final = 1_000_000


async def measure(*, quick: bool) -> Figures:
    """Measure it and print it; the quick one has fewer chains, steps and runs."""
    figures: Figures = {"machine": report.machine()}
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(world.a_folder())
        uri = await stack.enter_async_context(world.a_mongod(folder))
        async with a_stage(folder, uri, "chains") as stage:
            chains = 3 if quick else 60
            credits_of = [ordering.CREDITS] * (1 + links.AT_ONCE + chains)
            user, *users = await people.register(uri, "chains", credits_of, first_id=CHAT)
            await world.on_duty(uri, "chains")
            # The bare client, which keeps to no pace, is beside us.
            await stage.stand_in.turn(rate_creations=AMPLE)
            token = stage.service.peers.replicate_token
            figures["links"] = await links.measure(stage, users, token)
            # Quickly, all that is made comes to fewer than may be made at once.
            steps, rest = (10, 0.0) if quick else (50, large.REST_SECONDS)
            await asyncio.sleep(rest)
            figures["words"] = await large.long(stage, user, SAY, steps)
            await asyncio.sleep(rest)
            figures["pictures"] = await large.long(stage, user, QUICK_WEAR, steps)
            await asyncio.sleep(rest)
            figures["fan"] = await large.wide(stage, user, CHAT, 8 if quick else 100)
        settings = {"RUN_BACKGROUND": "off", "CRON_KEY": CRON_KEY, "TELEGRAM_UPDATES": "off"}
        async with a_stage(folder, uri, "checker", **settings) as stage:
            figures["checker"] = await checker.measure(stage, uri, 50 if quick else 1_000, rest)
    for name, told in figures.items():
        report.show(name, told)
    for each in tables.tables(figures):
        print(f"\n{each}")
    return figures
