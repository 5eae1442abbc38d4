"""An engine that is watched: every answer it gives closes its circuit again.

Use cases may go on without an answer, so that a debt was done says nothing about its peer.
What says something is the call.
"""

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from datetime import datetime

from app.errors import PeerMissingError, PeerRefusedError
from app.ports import Engine
from app.usecases.circuits import Circuits
from schemas.base import EngineName, RunId
from schemas.generation import Generation
from schemas.run import RunReport


class Watched:
    """See app.ports.Engine; what the engine raises goes on to the caller."""

    def __init__(self, engine: Engine, circuits: Circuits) -> None:
        self._engine = engine
        self._circuits = circuits

    @property
    def name(self) -> EngineName:
        """See app.ports.Engine."""
        return self._engine.name

    @property
    def hosts(self) -> tuple[str, ...]:
        """See app.ports.Engine."""
        return self._engine.hosts

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """See app.ports.Engine."""
        with self._answering():
            return await self._engine.submit(generation, webhook)

    async def read(self, run_id: RunId) -> RunReport:
        """See app.ports.Engine."""
        with self._answering():
            return await self._engine.read(run_id)

    async def cancel(self, run_id: RunId) -> None:
        """See app.ports.Engine."""
        with self._answering():
            await self._engine.cancel(run_id)

    async def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """See app.ports.Engine."""
        async for report in self._engine.recent(generation, since):
            self._circuits.worked(self.name)
            yield report

    async def check(self) -> str:
        """See app.ports.Engine."""
        with self._answering():
            return await self._engine.check()

    @contextmanager
    def _answering(self) -> Generator[None]:
        """Note an answer; a no is one too."""
        try:
            yield
        except (PeerRefusedError, PeerMissingError):
            self._circuits.worked(self.name)
            raise
        self._circuits.worked(self.name)
