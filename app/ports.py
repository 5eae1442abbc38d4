"""Everything outside, as the use cases see it."""

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

from pydantic import JsonValue

from app.errors import UnreadableError
from processors.ledger import EndedRun
from processors.limits import Bounds, Past
from processors.notifications import Content
from processors.notifications.buttons import Rows
from processors.notifications.paying import Bill
from processors.protocols.sniffing import Sniffed
from processors.scheduling import ServerState, Waiting
from schemas.base import EngineName, GenerationId, InstanceName, RunId, UserId
from schemas.control import Control, Subject
from schemas.debt import DebtKind, Owing
from schemas.deed import Deed
from schemas.generation import Generation
from schemas.job import Job, JobStatus
from schemas.ledger import Entry
from schemas.payment import Charge, Comparison, Payment, Transaction
from schemas.preset import Preset
from schemas.preview import Preview
from schemas.run import Batch, RunAt, RunReport
from schemas.server import ServerSeen
from schemas.update import Update
from schemas.usage import Use, UseRow, UsesBy
from schemas.user import User

OwingT = TypeVar("OwingT", bound=Owing)
"""A record that owes."""


class Write(NamedTuple, Generic[OwingT]):
    """One compare-and-set: `after` in place of `before`, if that still stands."""

    before: OwingT
    after: OwingT


class Page(NamedTuple):
    """One page of a list, newest first, and where the next one begins."""

    items: tuple[Generation, ...]
    next: str | None


class Owed(NamedTuple):
    """How many debts of one kind stand in one state, and since when the oldest does."""

    kind: DebtKind
    state: Literal["live", "claimed", "dead"]
    number: int
    age: timedelta
    """Of the oldest: how long it has been due, or dead. Zero where none is due yet."""


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


class Debtors(Protocol[OwingT]):
    """The records of one kind that owe. Every method may raise StoreDownError.

    Where several records are returned or yielded, those that this version cannot read are left
    out, unless it says otherwise.
    """

    async def get(self, record_id: str, /) -> OwingT | None:
        """Return a record, or None.

        Raises:
            UnreadableError: It is of a newer version, or damaged.
        """
        ...

    async def by_idempotency_key(self, key: str) -> OwingT | None:
        """Return the record that was made under this key, or None."""
        ...

    async def insert(self, record: OwingT, /) -> bool:
        """Store a new record; return whether all of it that is unique was free."""
        ...

    async def write(self, writes: Sequence[Write[OwingT]]) -> frozenset[str]:
        """Set what changed, where the record still is at the version of `before`.

        `after` is stored with the version of `before` plus 1 and with `updatedAt` as given.

        Returns:
            The ids whose record was not as `before`: nothing was written there.
        """
        ...

    async def due(
        self, now: datetime, kinds: frozenset[DebtKind], limit: int
    ) -> tuple[OwingT, ...]:
        """Return records that owe a live debt of these kinds by `now`, the longest due first."""
        ...

    async def any_due(self, now: datetime, kinds: frozenset[DebtKind]) -> bool:
        """Return whether any record owes a live debt of these kinds by `now`, readable or not."""
        ...

    async def claimed(self, by: InstanceName, until: datetime) -> tuple[OwingT, ...]:
        """Return records with a debt claimed by `by` whose claim runs out by `until`."""
        ...

    async def owed(self, now: datetime) -> tuple[Owed, ...]:
        """Count what is owed, by kind and state."""
        ...

    def indebted(self) -> AsyncIterator[OwingT]:
        """Yield the records that owe anything, dead or alive, oldest first."""
        ...

    def dead(self) -> AsyncIterator[OwingT]:
        """Yield the records that owe a dead debt, oldest first."""
        ...


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

    async def last_costs(self, preset: str, limit: int) -> tuple[Decimal, ...]:
        """Return the costs in USD of a preset's last runs that completed, the newest first.

        Of runs that jobs were made of, and whose cost is known, however many others there are.
        """
        ...

    def open_inputs(self) -> AsyncIterator[Mapping[str, JsonValue]]:
        """Yield the inputs of all generations that have not ended, oldest first."""
        ...

    async def silent(self, before: datetime, limit: int) -> tuple[Generation, ...]:
        """Return generations that have not ended, nor changed since `before`, oldest first."""
        ...

    async def spent(self, since: datetime) -> tuple[Spent, ...]:
        """Return what the generations ordered since a time have cost, by engine and preset.

        Those whose cost is not known, or not yet, count nothing.
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

    async def waiting(self, engine: EngineName) -> tuple[Waiting, ...]:
        """Return all that is `pending` at an engine, oldest first."""
        ...

    async def last_durations(self, preset: str, limit: int) -> tuple[float, ...]:
        """Return the seconds that a preset's last runs took that completed, the newest first."""
        ...


class JobPage(NamedTuple):
    """One page of jobs, newest first, and where the next one begins."""

    items: tuple[Job, ...]
    next: str | None


class Jobs(Debtors[Job], Protocol):
    """The jobs we keep."""

    async def page(
        self,
        user: UserId | None,
        cursor: str | None,
        limit: int,
        *,
        statuses: frozenset[JobStatus] | None = None,
    ) -> JobPage:
        """Return a page of jobs, newest first.

        Args:
            user: Whose; None for everybody's.
            cursor: `next` of the page before, or None for the first.
            limit: 1 to 200.
            statuses: Only those in one of these; None for all.
        """
        ...

    async def past(self, user: UserId, bounds: Bounds, now: datetime) -> Past:
        """Return what somebody has ordered, as far as bounds ask for it; see processors.limits.

        Jobs that were refused do not count.
        """
        ...

    async def turn(self, user: UserId) -> int:
        """Return the last turn that was taken by an order of somebody's; 0 before the first."""
        ...

    async def silent(self, before: datetime, limit: int) -> tuple[Job, ...]:
        """Return jobs that have not ended, nor changed since `before`, oldest first."""
        ...


class Workflows(Protocol):
    """Workflows, each once, under the digest of what it holds. May raise StoreDownError."""

    async def put(self, digest: str, raw: bytes) -> None:
        """Keep a workflow for ever; that it is there already is no fault."""
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


class Inbox(Protocol):
    """The deliveries we have answered for. Every method may raise StoreDownError."""

    async def insert(self, batch: Batch) -> None:
        """Store a batch on a majority's disks; the same batch again is no fault."""
        ...

    async def mark_applied(self, ids: Sequence[str]) -> None:
        """Mark batches whose every event has been applied."""
        ...

    async def stale(
        self, before: datetime, limit: int, known: Collection[str] = ()
    ) -> tuple[Batch, ...]:
        """Return unapplied batches taken in before `before`, oldest first, but none of `known`."""
        ...

    async def mark_unapplied(self, ids: Sequence[str]) -> None:
        """Have batches applied once more, by whoever sweeps next."""
        ...

    def around(
        self, since: datetime, until: datetime, generation_id: GenerationId | None = None
    ) -> AsyncIterator[Batch]:
        """Yield the batches taken in between two times, applied or not, oldest first.

        Of one generation if named: then only batches with events of it, and of those only these.
        """
        ...


class Lease(NamedTuple):
    """An exclusive duty, held until `until`; the fence grows with every new holder."""

    name: str
    holder: InstanceName
    fence: int
    until: datetime


class Leases(Protocol):
    """Exclusive duties among processes. Every method may raise StoreDownError."""

    async def acquire(
        self, name: str, holder: InstanceName, now: datetime, until: datetime
    ) -> Lease | None:
        """Take or renew a duty; None while somebody else holds it."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give a duty up, so that another can take it at once."""
        ...


class Chats(Protocol):
    """What we know of chats. Every method may raise StoreDownError."""

    async def current(self, chat_id: int) -> int:
        """Return the id a chat has now: another than given when a group was migrated."""
        ...

    async def migrated(self, chat_id: int, to: int) -> None:
        """Remember that a group has a new id."""
        ...

    async def blocked(self, chat_id: int, why: str, now: datetime) -> None:
        """Remember that a chat refuses us."""
        ...

    async def refuses(self, chat_id: int) -> bool:
        """Return whether a chat is known to refuse us."""
        ...

    async def opened(self, chat_id: int) -> None:
        """Remember that a chat that refused us does so no more."""
        ...

    async def forget(self, chat_id: int) -> None:
        """Remember nothing of a chat any more."""
        ...


class UserPage(NamedTuple):
    """One page of people, the newest first, and where the next one begins."""

    items: tuple[User, ...]
    next: str | None


class Users(Protocol):
    """The people who order. Every method may raise StoreDownError or UnreadableError."""

    async def get(self, user: UserId) -> User | None:
        """Return the person with this id, or None."""
        ...

    async def by_telegram_id(self, telegram_id: int) -> User | None:
        """Return the person with this Telegram id, or None."""
        ...

    async def by_idempotency_key(self, key: str) -> User | None:
        """Return the person who was registered under this key, or None."""
        ...

    async def insert(self, user: User) -> bool:
        """Store a new person; return whether their id, Telegram id and key were all free."""
        ...

    async def write(self, before: User, after: User) -> bool:
        """Set what changed, if the record still is at the version of `before`; return whether.

        `after` is stored with its version and times as given.
        """
        ...

    async def named(self, words: str, limit: int) -> tuple[User, ...]:
        """Return people whose username or first name begins so, by the name.

        Capital letters and accents make no difference. Those found by their username come
        first; nobody comes twice. Those that this version cannot read are left out.
        """
        ...

    async def page(self, cursor: str | None, limit: int) -> UserPage:
        """Return a page of people; those that this version cannot read are left out.

        Args:
            cursor: `next` of the page before, or None for the first.
            limit: 1 to 200.
        """
        ...

    async def to_forget(self, limit: int) -> tuple[User, ...]:
        """Return people whose data is being removed."""
        ...

    async def forgotten(self, digests: Sequence[str]) -> tuple[User, ...]:
        """Return what is left of those who were forgotten under one of these digests."""
        ...


class Controls(Protocol):
    """What operators have stopped or capped. Every method may raise StoreDownError."""

    async def of(self, subjects: Sequence[Subject]) -> tuple[Control, ...]:
        """Return those of these controls that exist.

        Raises:
            UnreadableError: One is of a newer version, or damaged: it may be a pause.
        """
        ...

    async def all(self) -> tuple[Control, ...]:
        """Return every control, by its id.

        Raises:
            UnreadableError: One is of a newer version, or damaged.
        """
        ...

    async def write(self, before: Control | None, after: Control) -> bool:
        """Put `after` in the place of `before`, None where there was none; return whether."""
        ...


class Deeds(Protocol):
    """What administrators have done. Every method may raise StoreDownError."""

    async def insert(self, deed: Deed) -> None:
        """Store a deed."""
        ...

    async def about(self, subject: str, limit: int) -> tuple[Deed, ...]:
        """Return what was done to somebody or something, the last first."""
        ...


class Ledger(Protocol):
    """Everybody's entries, which are never changed. Every method may raise StoreDownError."""

    async def history(
        self, user: UserId, *, before: int | None = None, limit: int
    ) -> tuple[Entry, ...]:
        """Return a person's entries, the last first.

        Args:
            user: Whose.
            before: Only those with a smaller number; None for the very last.
            limit: At most so many.

        Raises:
            UnreadableError: One of them is damaged: no balance may be told without it.
        """
        ...

    async def by_key(self, key: str) -> Entry | None:
        """Return the entry of this key, or None.

        Raises:
            UnreadableError: It is damaged.
        """
        ...

    async def insert(self, entry: Entry) -> bool:
        """Store an entry; return whether its number, with its person, and its key were free."""
        ...

    async def closed(self, generations: Sequence[GenerationId]) -> frozenset[GenerationId]:
        """Return those of these generations whose line has been closed."""
        ...

    def entries(
        self, user: UserId | None = None, *, odd: Callable[[UnreadableError], None]
    ) -> AsyncIterator[Entry]:
        """Yield all entries, or those of one person: person by person, by number.

        `odd` is told of each that cannot be read, which is left out.
        """
        ...


class PresetWrite(NamedTuple):
    """`after` in place of `before`, if that still stands; None where there was none."""

    before: Preset | None
    after: Preset


class Presets(Protocol):
    """The presets we keep. Every method may raise StoreDownError."""

    async def get(self, name: str) -> Preset | None:
        """Return a preset, active or not, or None.

        Raises:
            UnreadableError: It is of a newer version, or damaged.
        """
        ...

    async def all(self) -> tuple[Preset, ...]:
        """Return every preset, active or not, by name; those that cannot be read are left out."""
        ...

    async def write(self, writes: Sequence[PresetWrite]) -> bool:
        """Commit all of these writes or none; return whether they are committed.

        They are not if one of the presets is no longer as it was, or has come to be.
        """
        ...


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

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """Send a generation to the engine, its news to go to `webhook`.

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
        """Yield runs made since `since` that may serve this generation, each read in full."""
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


class Source(Protocol):
    """A file of a peer's, under way."""

    @property
    def chunks(self) -> AsyncIterator[bytes]:
        """The whole content, to be read once; may raise a PeerError."""
        ...

    @property
    def sniffed(self) -> Sniffed | None:
        """What its first bytes say it is; None where that is nothing we show."""
        ...


class Files(Protocol):
    """Files that peers have, from listed hosts only."""

    def stream(
        self, url: str, *, hosts: tuple[str, ...], limit_bytes: int, timeout_seconds: float
    ) -> AbstractAsyncContextManager[Source]:
        """Open a file; it is read while the context is open.

        Raises:
            PeerMissingError: Its host says that there is no such file.
            PeerError: It cannot be had; with the reason ``too_large``, for its size.
        """
        ...


class Stored(NamedTuple):
    """A file in storage."""

    size: int
    content_type: str | None
    """What its first bytes say it is; None where that is nothing we show in place."""
    etag: str | None
    """An entity tag, quoted, that changes with the content."""


class StoredKey(NamedTuple):
    """A file in storage, as a list names it."""

    key: str
    at: datetime
    """When it was written."""


class Storage(Protocol):
    """Files we keep, by key. Every method may raise PeerDownError."""

    async def put(
        self, key: str, chunks: AsyncIterable[bytes], *, limit_bytes: int, limit: timedelta
    ) -> int:
        """Store a file, in place of the one there is; return its size.

        It is seen whole or not at all, and is never held in memory whole. What `chunks` raises
        goes on to the caller.

        Raises:
            PeerRefusedError: It has more than `limit_bytes`.
        """
        ...

    async def head(self, key: str) -> Stored | None:
        """Return what there is to say about a file, or None where there is none."""
        ...

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes of a file from `start` up to and without `end`.

        Raises:
            PeerMissingError: There is no such file.
        """
        ...

    async def delete(self, key: str) -> None:
        """Delete a file; that there is none is no fault."""
        ...

    def listed(self, prefix: str) -> AsyncIterator[StoredKey]:
        """Yield the files whose key begins with `prefix`, a folder with its slash."""
        ...


class PaymentPage(NamedTuple):
    """One page of payments, newest first, and where the next one begins."""

    items: tuple[Payment, ...]
    next: str | None


class KeptPayments(Debtors[Payment], Protocol):
    """The payments we keep. A charge is one payment's, and counts among what is unique."""

    async def by_charge(self, charge_id: str) -> Payment | None:
        """Return the payment of a charge, by the provider's name of it, or None.

        Raises:
            UnreadableError: It is of a newer version, or damaged.
        """
        ...

    async def paid(self, since: datetime, until: datetime) -> tuple[Payment, ...]:
        """Return those that were paid in a time, `until` not included, the first paid first."""
        ...

    async def page(self, user: UserId | None, cursor: str | None, limit: int) -> PaymentPage:
        """Return a page of payments, newest first; of one person, or of everybody."""
        ...


class Comparisons(Protocol):
    """How far payments were compared, by provider. Whoever writes it holds the lease."""

    async def get(self, provider: str) -> Comparison | None:
        """Return how far it came, or None where it was never tried."""
        ...

    async def put(self, comparison: Comparison) -> None:
        """Remember how far it came, in place of what there was."""
        ...


class PaymentProvider(Protocol):
    """Whoever takes people's money for us. Every method may raise a PeerError.

    Another provider is another file with these methods. One that signs what it tells us, or
    whose word comes by a way that nobody else can use, is believed. **One that signs nothing
    must be asked**: its `confirm` asks it for the charge and compares, and nothing is credited
    on the word of a request that anybody could have made.
    """

    @property
    def name(self) -> str:
        """Its name in records: ``telegram``."""
        ...

    async def link(self, payment: Payment, bill: Bill) -> str:
        """Make an invoice, and return the link under which it can be paid."""
        ...

    async def send(self, payment: Payment, bill: Bill, chat_id: int) -> None:
        """Send an invoice into a chat."""
        ...

    async def confirm(self, charge: Charge) -> bool:
        """Return whether a charge that we heard of was made, as it was told."""
        ...

    async def refund(self, payment: Payment) -> None:
        """Give the money of a payment back to who paid; that it is back already is no fault.

        Raises:
            PeerRefusedError: It will not.
        """
        ...

    def transactions(self, start: int) -> AsyncIterator[Transaction]:
        """Yield the provider's own list, oldest first, from a place on.

        Lines that are not about payments for invoices are left out, but have their places.
        """
        ...


class Updates(Protocol):
    """Telegram's updates as they came. Every method may raise StoreDownError.

    Those of one lane are handled one at a time, in the order of their ids: whoever holds a lane
    is given its first open update, and nobody else is given any of it.
    """

    async def insert(self, update: Update) -> bool:
        """Store an update on a majority's disks; return whether its id is a new one."""
        ...

    async def keep_malformed(self, raw: bytes, at: datetime) -> None:
        """Keep what should have been an update; the same bytes once."""
        ...

    async def due(self, by: InstanceName, now: datetime, limit: int) -> tuple[str, ...]:
        """Return lanes whose first open update is due and that nobody but `by` holds.

        The lane with the smallest id comes first.
        """
        ...

    async def claim(
        self, lane: str, by: InstanceName, now: datetime, until: datetime
    ) -> Update | None:
        """Take a lane, or hold it on, and return its first open update, one try more on it.

        Returns:
            None where another holds the lane, or where its first open update is not due.
        """
        ...

    async def done(self, update: Update, now: datetime) -> bool:
        """Mark a claimed update as handled; return whether the claim still stood."""
        ...

    async def failed(
        self,
        update: Update,
        error: str,
        now: datetime,
        due_at: datetime | None,
        *,
        blameless: bool = False,
    ) -> bool:
        """Have a claimed update handled again at `due_at`, or never; return whether it stood.

        A try counts as its fault from the claim on, until it turns out to be `blameless`.
        """
        ...

    async def release(self, lane: str, by: InstanceName) -> None:
        """Let others have a lane, if `by` holds it."""
        ...


class Conversation(NamedTuple):
    """Where somebody stands in a conversation with the bot."""

    state: str | None
    data: Mapping[str, JsonValue]


class Conversations(Protocol):
    """What the bot has to remember between two messages, by chat and person, for some days.

    Every method may raise StoreDownError.
    """

    async def get(self, chat_id: int, user_id: int) -> Conversation:
        """Return where somebody stands; at the beginning, where nothing is remembered."""
        ...

    async def set_state(self, chat_id: int, user_id: int, state: str | None, now: datetime) -> None:
        """Remember a state, the data left as they are; None is the beginning."""
        ...

    async def set_data(
        self, chat_id: int, user_id: int, data: Mapping[str, JsonValue], now: datetime
    ) -> None:
        """Remember data in place of those there are, the state left as it is."""
        ...

    async def clear(self, chat_id: int, user_id: int) -> None:
        """Forget everything about this conversation."""
        ...


class Messenger(Protocol):
    """The bot's one sender, as the use cases see it. Every sending may raise a PeerError."""

    def on_duty(self) -> bool:
        """Return whether this process holds the sender's lease."""
        ...

    def turn(
        self, chat_id: int, *, editing: bool, end: str | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Wait for this chat's turn: order, rate limits and pauses are kept here.

        Where it is for an `end`, one that is refused its turn, or fails within it, comes
        before the ends that came later.

        Entering raises PeerBusyError with a wait where the chat's turn is too far off.
        """
        ...

    async def show(
        self,
        chat_id: int,
        message_id: int | None,
        text: str,
        reply_to: int | None,
        rows: Rows = (),
    ) -> int | None:
        """Send or edit a status message; return its id, or None when it is gone.

        Its buttons are `rows` from then on, whatever they were.
        """
        ...

    async def tell(
        self,
        chat_id: int,
        content: Content,
        reply_to: int | None,
        replace: int | None,
        hosts: tuple[str, ...],
    ) -> bool:
        """Send an end, as rich as Telegram takes it; return whether any file got there itself.

        Not where there was a link at most.

        Args:
            chat_id: Where to.
            content: What, in the person's language, within Telegram's limits.
            reply_to: The person's message, or None.
            replace: Our status message, to be turned into the result; None sends a new one.
            hosts: Host patterns from which media may be fetched for an upload.
        """
        ...


class Alerts(Protocol):
    """Trouble worth waking somebody for."""

    def alert(self, slug: str, message: str) -> None:
        """Log it, count it, and tell the administrator's chat, at most once in a while."""
        ...


class Waker(Protocol):
    """Wakes the other processes. A wake-up may be lost: who is not woken looks a little later."""

    def wake(self) -> None:
        """Have the other processes look at once whether there is something to do.

        It neither waits nor fails, and many in a moment are one.
        """
        ...

    def heed(self, look: Callable[[], None]) -> None:
        """Call `look` whenever another process wakes this one.

        To be said before the waker runs; `look` returns at once and raises nothing.
        """
        ...
