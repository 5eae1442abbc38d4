"""The generations, and what is kept beside them."""

from collections.abc import (
    AsyncIterator,
    Collection,
    Mapping,
    Sequence,
)
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from app.ports.orders import Oldest
from app.ports.records import Debtors
from processors.ledger import EndedRun
from processors.scheduling import Waiting
from schemas.base import EngineName, GenerationId, RunId
from schemas.generation import Generation
from schemas.preview import Preview
from schemas.run import RunStatus
from schemas.usage import Use, UseRow, UsesBy


class Page(NamedTuple):
    """One page of a list, newest first, and where the next one begins."""

    items: tuple[Generation, ...]
    next: str | None


class Spent(NamedTuple):
    """What generations have cost us."""

    engine: EngineName
    preset: str | None
    usd: Decimal


class Running(NamedTuple):
    """How many runs of a preset at an engine have not ended."""

    engine: EngineName
    preset: str
    number: int


class Counted(NamedTuple):
    """How many generations of an engine stand at a status."""

    status: RunStatus
    engine: EngineName
    number: int


class OpenRuns(NamedTuple):
    """The generations that have not ended.

    Attributes:
        counted: How many there are of each status and engine.
        oldest: None where there is none.
    """

    counted: tuple[Counted, ...]
    oldest: Oldest | None


class Generations(Debtors[Generation], Protocol):
    """The generations we keep."""

    async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
        """Return those of these generations that exist, without their request payload's inputs.

        What is not read is not written either: `write` sets only what changed.

        Raises:
            UnreadableError: One of them is of a newer version, or damaged: it must not be taken
                for one that does not exist.
        """
        ...

    async def page(self, wanted: Mapping[str, str | int], cursor: str | None, limit: int) -> Page:
        """Return a page of records, newest first.

        Args:
            wanted: Stored field names of a fixed set, each with the value it must equal.
            cursor: `next` of the page before, or None for the first.
            limit: 1 to 200.
        """
        ...

    def open_ids(self) -> AsyncIterator[GenerationId]:
        """Yield the ids of all generations that have not ended, oldest first."""
        ...

    async def unheard(self) -> tuple[GenerationId, ...]:
        """Return the ids of all open generations that have a run, the longest unchanged first."""
        ...

    async def last_costs(self, preset: str, limit: int) -> tuple[Decimal, ...]:
        """Return the costs in USD of a preset's last runs that completed, the newest first.

        Of runs that jobs were made of, and whose cost is known, however many others there are.
        """
        ...

    def open_inputs(self) -> AsyncIterator[Mapping[str, JsonValue]]:
        """Yield the inputs of all generations that have not ended, oldest first."""
        ...

    async def silent(self, before: datetime, limit: int) -> tuple[Generation, ...]:
        """Return generations that have not ended, nor changed since `before`, oldest first.

        Not those whose turn has not come: their job speaks for them.
        """
        ...

    async def lingering(
        self, statuses: frozenset[RunStatus], before: datetime, limit: int
    ) -> tuple[Generation, ...]:
        """Return generations in these statuses that were ordered before a time, oldest first.

        Without their request payload's inputs, as `many`.
        """
        ...

    async def count_open(self) -> OpenRuns:
        """Count the generations that have not ended."""
        ...

    async def spent(self, since: datetime) -> tuple[Spent, ...]:
        """Return what the generations ordered since a time have cost, by engine and preset.

        Tries that were given up for others are counted with them. What is not known, or not yet,
        counts nothing.
        """
        ...

    def ended_of_jobs(self) -> AsyncIterator[EndedRun]:
        """Yield the generations of jobs that have ended, oldest first."""
        ...

    async def running(self) -> tuple[Running, ...]:
        """Count the generations of jobs that have not ended, by engine and preset."""
        ...

    async def slots(self) -> Mapping[str, GenerationId]:
        """Return every slot that is taken, and by which generation."""
        ...

    async def at_server(self, server: str) -> tuple[Generation, ...]:
        """Return the generations that have not ended and have a slot at a server, oldest first."""
        ...

    async def formerly_at(self, server: str) -> tuple[Generation, ...]:
        """Return the open generations of which a former attempt ran at a server, oldest first."""
        ...

    async def of_runs(self, run_ids: Collection[RunId]) -> Mapping[RunId, Generation]:
        """Return whose these runs at servers are or were, without inputs; not the unknown ones."""
        ...

    async def waiting(self, engine: EngineName) -> tuple[Waiting, ...]:
        """Return all that is `pending` at an engine, oldest first."""
        ...

    async def last_durations(self, preset: str, limit: int) -> tuple[float, ...]:
        """Return the seconds that a preset's last runs took that completed, the newest first."""
        ...


class Workflows(Protocol):
    """Workflows, each once, under the digest of what it holds. May raise StoreDownError.

    They are kept at least as long as the records of what was ordered of them.
    """

    async def put(self, digest: str, raw: bytes, *, lasting: bool = False) -> None:
        """Keep a workflow from now on; that it is there already is no fault.

        Args:
            digest: Of what it holds.
            raw: What it holds.
            lasting: Whether it is kept for ever: somebody may order it by a preset at any time.
        """
        ...

    async def get(self, digest: str) -> bytes | None:
        """Return a workflow as it was put, or None."""
        ...


class Turns(Protocol):
    """Who was served when, for some days. Every method may raise StoreDownError."""

    async def served(self, user: str, now: datetime) -> None:
        """Remember that a run of somebody's was given a server; of two times the later stands."""
        ...

    async def last(self, users: Sequence[str]) -> Mapping[str, datetime]:
        """Return when each of these people was last served, of those of whom it is known."""
        ...


class Uses(Protocol):
    """The log of the nodes that were executed. Every method may raise StoreDownError."""

    async def add(self, rows: Sequence[Use]) -> None:
        """Log nodes; of a node of a run that is there already nothing changes."""
        ...

    async def report(self, since: datetime, until: datetime, by: UsesBy) -> tuple[UseRow, ...]:
        """Add up what was logged in a time, `until` not included; what took most comes first.

        By model, a node counts for each model that it names, and not at all where it names none.
        """
        ...

    async def of(self, generation: GenerationId) -> tuple[Use, ...]:
        """Return the nodes of a generation: those logged first come first, the longest of them."""
        ...


class Previews(Protocol):
    """The newest preview of each generation, for an hour. May raise StoreDownError."""

    async def put(
        self, generation: GenerationId, image: bytes, content_type: str, now: datetime
    ) -> None:
        """Keep a preview in place of an older one; one of more than `PREVIEW_MOST` is not kept."""
        ...

    async def get(self, generation: GenerationId) -> Preview | None:
        """Return the newest preview of a generation, or None."""
        ...
