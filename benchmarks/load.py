"""The load: wrk in a process of its own, 64 connections, events in turn."""

import asyncio
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from benchmarks import events
from benchmarks.events import Run

CONNECTIONS: Final = 64
_SCRIPT: Final = Path(__file__).with_name("load.lua")


class Measured(BaseModel):
    """What the load generator saw."""

    requests: int
    """Answered with 2xx or 3xx, or refused."""
    seconds: float
    p50_ms: float
    p99_ms: float
    most_ms: float
    refused: int
    """Answered with another status."""
    broken: int
    """Never answered."""
    sent: int

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return (self.requests - self.refused) / self.seconds


class Load:
    """Events for one server; goes on where it stopped, so that no event comes twice."""

    def __init__(self, url: str, folder: Path, name: str) -> None:
        self._url = url
        self._runs_path = folder / f"{name}.runs"
        self._bodies_path = folder / "bodies"
        self._next = 0
        self._runs = list[Run]()

    @property
    def sent(self) -> int:
        """Events sent so far."""
        return self._next

    def wants(self, count: int) -> int:
        """Return how many runs are missing for `count` more events."""
        per_block = events.INTERLEAVED * events.EVENTS
        blocks = (self._next + count) // per_block + 1
        return max(0, blocks * events.INTERLEAVED - len(self._runs))

    def supply(self, runs: list[Run]) -> None:
        """Add runs to be told of."""
        self._runs += runs
        events.write_runs(self._runs, self._runs_path)
        events.write_bodies(self._bodies_path)

    async def run(self, seconds: float) -> Measured:
        """Send as fast as answers come, for so many seconds.

        Raises:
            RuntimeError: The runs did not last, or the load generator failed.
        """
        process = await asyncio.create_subprocess_exec(
            *("wrk", "--threads", "1", "--connections", str(CONNECTIONS)),
            *("--duration", f"{seconds:.0f}s", "--timeout", "20s"),
            *("--script", str(_SCRIPT), self._url, "--"),
            *(str(self._runs_path), str(self._bodies_path), str(self._next)),
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
        last = printed.decode().strip().splitlines()[-1:]
        if process.returncode or not last or not last[0].startswith("{"):
            raise RuntimeError(f"wrk failed: {printed.decode()[-500:]}")
        measured = Measured.model_validate_json(last[0])
        self._next += measured.sent
        if self._next > len(self._runs) * events.EVENTS:
            raise RuntimeError("there were too few runs to tell of")
        return measured
