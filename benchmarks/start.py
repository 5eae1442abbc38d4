"""How soon `scripts/serve` answers: on an empty folder, and again on the same data.

The second start is what a restart after a crash or an update costs: the database has to be
started and recovered, and the records' indexes looked through, before anything is answered.
"""

import asyncio
import os
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from benchmarks import events, report, world
from benchmarks.report import Figures

SCRIPT: Final = Path(__file__).resolve().parent.parent / "scripts" / "serve"
PATIENCE_SECONDS: Final = 120
LOOK_SECONDS: Final = 0.02


async def measure(*, quick: bool) -> Figures:
    """Measure it and print it; the quick one starts a second time once, the other five times."""
    again = list[dict[str, float]]()
    async with world.a_folder() as folder:
        first = await _started(folder)
        for _ in range(1 if quick else 5):
            again.append(await _started(folder))
    figures: Figures = {
        "machine": report.machine(),
        "first": first,
        "again": {name: report.middle([each[name] for each in again]) for name in first},
        "slowest_again": {name: max(each[name] for each in again) for name in first},
    }
    report.show("seconds from the command", {name: figures[name] for name in list(figures)[1:]})
    return figures


async def _started(folder: Path) -> dict[str, float]:
    """Start the service, and stop it; return after how many seconds it answered what."""
    url = f"http://127.0.0.1:{world.free_port()}"
    (run,) = events.runs_only(1)
    loop = asyncio.get_running_loop()
    began, seconds = loop.time(), dict[str, float]()
    async with _serving(folder, url) as process, httpx.AsyncClient(trust_env=False) as client:

        async def webhook() -> bool:
            told = events.body(run.run_id, 3)
            headers = {"Content-Type": "application/json"}
            answer = await client.post(f"{url}{run.target}", content=told, headers=headers)
            return answer.is_success

        async def livez() -> bool:
            return (await client.get(f"{url}/livez")).is_success

        for name, ask in (("livez", livez), ("webhook", webhook)):
            await _until(ask, process)
            seconds[name] = round(loop.time() - began, 2)
    return seconds


@asynccontextmanager
async def _serving(folder: Path, url: str) -> AsyncGenerator[Process]:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PORT": url.rpartition(":")[2],
        "DATA_DIR": str(folder / "data"),
        "WEBHOOK_SECRET": events.SECRET,
    }
    process = await asyncio.create_subprocess_exec(
        SCRIPT, cwd=folder, env=environ, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until(ask: Callable[[], Awaitable[bool]], process: Process) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                if await ask():
                    return
            except httpx.TransportError:
                if process.returncode is not None:
                    raise RuntimeError(f"it did not start: {process.returncode}") from None
            await asyncio.sleep(LOOK_SECONDS)
