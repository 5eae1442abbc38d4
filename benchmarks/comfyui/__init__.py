"""Runs at ComfyUI servers: how soon their ends are known, what 200 of them cost, and the line.

Our service in a process of its own, a real mongod, and a sandbox with the servers.
"""

from contextlib import AsyncExitStack
from typing import Final

import httpx

from benchmarks import report, world
from benchmarks.comfyui import crowd, lag, line, tables
from benchmarks.comfyui.crowd import Course
from benchmarks.comfyui.servers import Servers, a_stage
from benchmarks.report import Figures

WHOLE: Final = Course(seconds=1.2, idle=10, window=30)
QUICK: Final = Course(seconds=0.15, idle=1, window=4)


async def measure(*, quick: bool) -> Figures:
    """Measure it and print it; the quick one has fewer runs, and no crowd without sockets."""
    figures: Figures = {"machine": report.machine()}
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(world.a_folder())
        uri = await stack.enter_async_context(world.a_mongod(folder))
        sandbox = (await stack.enter_async_context(world.a_sandbox())).url
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=60))
        async with a_stage(folder, uri, sandbox, "single", 1) as stage:
            others = Servers(sandbox, "listening", client)
            figures["lag"] = await lag.measure(stage, others, 16 if quick else 300, dead=False)
            others = Servers(sandbox, "lined", client)
            figures["line"] = await line.measure(stage, others, 200 if quick else 1_000)
            others = Servers(sandbox, "asking", client)
            figures["lag_dead"] = await lag.measure(stage, others, 12 if quick else 200, dead=True)
        for dead in (False,) if quick else (False, True):
            name = "crowd_dead" if dead else "crowd"
            async with a_stage(folder, uri, sandbox, name.replace("_", "-"), crowd.SLOTS) as stage:
                figures[name] = await crowd.measure(stage, QUICK if quick else WHOLE, dead=dead)
    for name, told in figures.items():
        report.show(name.replace("_", " "), told)
    for each in tables.tables(figures):
        print(f"\n{each}")
    return figures
