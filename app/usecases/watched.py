"""An engine that is watched: what becomes of each call closes its circuit or opens it.

A status in its answers that is not known is told of, too.

Use cases may go on without an answer, so whether a debt was done says nothing about its peer.
What says something is the call.
"""

from collections.abc import AsyncIterable, AsyncIterator, Generator
from contextlib import contextmanager
from datetime import datetime

from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
)
from app.ports import Engine
from app.usecases.circuits import Circuits
from app.usecases.strange_words import StrangeWords
from schemas.base import EngineName, RunId
from schemas.generation import Generation
from schemas.run import RunAt, RunReport


class Watched:
    """See app.ports.Engine; what the engine raises goes on to the caller."""

    def __init__(self, engine: Engine, circuits: Circuits) -> None:
        self._engine = engine
        self._circuits = circuits
        self._strange = StrangeWords("answer")

    @property
    def name(self) -> EngineName:
        """See app.ports.Engine."""
        return self._engine.name

    @property
    def hosts(self) -> tuple[str, ...]:
        """See app.ports.Engine."""
        return self._engine.hosts

    def peer(self, server: str | None) -> str:
        """See app.ports.Engine."""
        return self._engine.peer(server)

    async def turn(self) -> None:
        """See app.ports.Engine; it asks nobody, so that it says nothing about the engine."""
        await self._engine.turn()

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """See app.ports.Engine."""
        with self._answering(generation.id):
            return await self._engine.submit(generation, webhook)

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """See app.ports.Engine."""
        with self._failing(name):
            address = await self._engine.upload(name, content, size, content_type)
        # One that is the file itself was made here: nobody was asked for it.
        if not address.startswith("data:"):
            self._circuits.worked(self.name)
        return address

    def fetches(self, size: int) -> bool:
        """See app.ports.Engine."""
        return self._engine.fetches(size)

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        with self._answering(run.run_id, run.server):
            report = await self._engine.read(run)
        if report.unknown_status is not None:
            self._strange.heard(self.name, report.unknown_status)
        return report

    async def cancel(self, run: RunAt) -> None:
        """See app.ports.Engine."""
        # ComfyDeploy answers 500 for a run that it cannot cancel yet: that is no fault of its own.
        with self._answering(None, run.server):
            await self._engine.cancel(run)

    async def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """See app.ports.Engine."""
        with self._answering(generation.id):
            async for report in self._engine.recent(generation, since):
                self._circuits.worked(self.name)
                yield report

    async def check(self) -> str:
        """See app.ports.Engine."""
        with self._answering("check"):
            return await self._engine.check()

    @contextmanager
    def _answering(self, what: str | None, server: str | None = None) -> Generator[None]:
        """Note an answer, of which a no is one too, or that none came.

        Args:
            what: The run, generation or file that the call is about: one that fails again and again
                may be at fault itself. None where a failed call says nothing about the engine.
            server: Of an engine that is several servers: the one that is called.
        """
        with self._failing(what, server):
            yield
        self._circuits.worked(self._engine.peer(server))

    @contextmanager
    def _failing(self, what: str | None, server: str | None = None) -> Generator[None]:
        """Note that none came; that one did may say nothing. See `_answering`."""
        peer = self._engine.peer(server)
        try:
            yield
        except PeerError as error:
            # What is uploaded comes from the storage, whose faults say nothing of the engine.
            if error.peer == peer:
                self._note(peer, error, what)
            raise

    def _note(self, peer: str, error: PeerError, what: str | None) -> None:
        match error:
            case PeerRefusedError() | PeerMissingError():
                self._circuits.worked(peer)
            case PeerDownError():
                self._circuits.failed(peer, str(error))
            case PeerBusyError(retry_after=wait) if wait is not None:
                pass
            case PeerBusyError() | PeerUnknownError() if what is not None:
                self._circuits.struggled(peer, what, str(error))
            case _:
                pass
