"""Whoever runs what was ordered."""

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from processors.scheduling import ServerState
from schemas.base import EngineName, RunId
from schemas.generation import Generation
from schemas.run import RunAt, RunReport
from schemas.server import ServerSeen


class Engine(Protocol):
    """One engine. Every method may raise a PeerError."""

    @property
    def name(self) -> EngineName:
        """Its name in URLs and records."""
        ...

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host patterns from which its outputs may be fetched."""
        ...

    def peer(self, server: str | None) -> str:
        """Return who is at fault where a call about a run at this server fails."""
        ...

    async def turn(self) -> None:
        """Wait until a generation may be submitted: nothing has been sent for it until then.

        Raises:
            PeerBusyError: That would be long.
        """
        ...

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """Send a generation whose `turn` has come to the engine, its news to go to `webhook`.

        Raises:
            PeerRefusedError: It will not run this.
            PeerBusyError: Surely not taken.
            PeerUnknownError: It may have been taken.
            PeerDownError: Surely not taken, and nothing else would be.
        """
        ...

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """Upload a file; return the address that stands for it in inputs.

        What `content` raises goes on to the caller.

        Args:
            name: Its name, with an extension that says what it is.
            content: The file, read once.
            size: Its bytes.
            content_type: Its media type.

        Raises:
            PeerRefusedError: The engine does not take it.
        """
        ...

    def fetches(self, size: int) -> bool:
        """Return whether it takes a link of ours to a file of so many bytes, not the file."""
        ...

    async def read(self, run: RunAt) -> RunReport:
        """Ask how a run stands.

        Raises:
            PeerMissingError: The engine knows no such run.
            PeerLostError: It had it, and surely has it no more.
        """
        ...

    async def cancel(self, run: RunAt) -> None:
        """Ask the engine to cancel a run; its end is told like any other."""
        ...

    def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """Yield runs made since `since` that may serve this generation, each read in full.

        Where the engine does not say whose a run is, those made of what was asked for are
        `alike`; then all there are have been yielded once this ends.
        """
        ...

    async def check(self) -> str:
        """Return what the engine says to a call that changes nothing, for `doctor`."""
        ...


class Receiver(Protocol):
    """Who is given files: an engine, or one of its servers. It may raise a PeerError."""

    @property
    def name(self) -> str:
        """Its name: what has been uploaded there is there."""
        ...

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """Upload a file; see `Engine`."""
        ...

    def fetches(self, size: int) -> bool:
        """Return whether it takes a link to a file instead; see `Engine`."""
        ...


class ServerBoard(Protocol):
    """The servers as they were seen last. Every method may raise StoreDownError."""

    async def put(self, seen: ServerSeen) -> None:
        """Keep how a server was seen, in place of what was kept before."""
        ...

    async def all(self) -> tuple[ServerSeen, ...]:
        """Return every server that was seen, by name."""
        ...


class Fleet(Protocol):
    """An engine that is several servers of ours, as far as this process has their duty."""

    @property
    def name(self) -> EngineName:
        """The engine's name."""
        ...

    def states(self) -> tuple[ServerState, ...]:
        """Return the servers whose duty this process has, as they stand."""
        ...

    def client_id(self, server: str) -> str | None:
        """Return the name of our socket at a server; None where its duty is not ours."""
        ...

    def receiver(self, server: str) -> Receiver:
        """Return who takes files for a server."""
        ...

    async def prepare(
        self, generation: Generation, server: str, inputs: Mapping[str, JsonValue]
    ) -> Callable[[Generation], Awaitable[Sequence[str]]]:
        """Make a generation ready to be sent to a server; nothing is sent yet.

        Returns:
            What sends it once it is placed there, and follows it from before that. It returns
            what the server found wrong with the order and goes on without, and raises
            PeerRefusedError where the server will not run it, PeerDownError where it was surely
            not taken, PeerUnknownError where it may have been.

        Raises:
            PeerRefusedError: It cannot be run as it was ordered.
            PeerDownError: The server takes no runs now.
            StoreDownError: The database does not answer.
        """
        ...

    def drop(self, run: RunAt) -> None:
        """Follow a run no more: its server surely never had it."""
        ...
