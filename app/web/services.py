"""Everything the web layer needs, given by the composition root."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from app.errors import UnavailableError
from app.live.reader import Reader
from app.live.states import Words
from app.ports import DeliveryPage, JobPage, Page, Stored, UserPage
from app.usecases.arrears import Arrear, Stuck
from app.usecases.check_runs import Checked
from app.usecases.endpoints import Fresh, Tried
from app.usecases.open_work import Standing
from app.usecases.orders import JobView, Order
from app.usecases.oversee import Overview
from app.usecases.own_hooks import HookWanted
from app.usecases.prices import Tag
from app.usecases.reset_job import Reset
from app.usecases.work_off import Worked
from schemas.access import ApiKey, Session
from schemas.base import EngineName, GenerationId, PaymentId, UserId
from schemas.control import Control, Subject
from schemas.deed import Deed
from schemas.generation import Generation
from schemas.hook import Endpoint
from schemas.image import Image
from schemas.job import Job, JobId, JobStatus
from schemas.ledger import Entry
from schemas.payment import Payment
from schemas.preset import Preset
from schemas.preview import Preview
from schemas.run import Delivery, Output, RunEvent
from schemas.totals import Figures
from schemas.usage import Use, UseRow, UsesBy
from schemas.user import Account, Role, User
from schemas.wire.api import Change, NewGeneration, NewUser


class Acceptor(Protocol):
    """Takes deliveries in."""

    async def accept(self, delivery: Delivery, event: RunEvent) -> None:
        """Return when the delivery is on disk.

        Raises:
            UnavailableError: It could not be written within its limit.
        """
        ...

    def put(
        self, delivery: Delivery, event: RunEvent, done: Callable[[UnavailableError | None], None]
    ) -> None:
        """Have `done` called when the delivery is on disk, or with why it cannot be.

        Raises:
            OverloadedError: There is no room for it.
        """
        ...


class Desk(Protocol):
    """Takes orders and changes. Every method may raise an AppError."""

    async def create(
        self, order: NewGeneration, *, key: str | None, digest: str | None
    ) -> tuple[Generation, bool]:
        """Return the generation for an order, and whether it was made just now."""
        ...

    async def cancel(self, generation_id: GenerationId) -> Generation:
        """Want a generation cancelled."""
        ...

    async def rerun(
        self,
        generation_id: GenerationId,
        *,
        key: str | None,
        digest: str | None,
    ) -> tuple[Generation, bool]:
        """Order the same again, and say whether that was done just now."""
        ...

    async def update(
        self,
        generation_id: GenerationId,
        change: Change,
        *,
        if_match: int | None,
    ) -> Generation:
        """Change a record, if it still is at the version named."""
        ...


class HookDesk(Protocol):
    """Endpoints of outgoing webhooks. Every method may raise an AppError."""

    async def all(self) -> tuple[Endpoint, ...]:
        """Return all endpoints, but those of orders."""
        ...

    async def get(self, endpoint_id: str) -> Endpoint:
        """Return an endpoint."""
        ...

    async def add(self, wanted: HookWanted, *, by: str) -> Fresh:
        """Make an endpoint."""
        ...

    async def change(
        self,
        endpoint_id: str,
        *,
        by: str,
        url: str | None = None,
        events: Sequence[str] | None = None,
        paused: bool | None = None,
    ) -> Endpoint:
        """Change an endpoint; what is None stays."""
        ...

    async def rotate(self, endpoint_id: str, secret: str | None, *, by: str) -> Fresh:
        """Give an endpoint another secret."""
        ...

    async def first_secret(self, order: str) -> str | None:
        """Return the secret that an order's own endpoint was made with, if it still has it."""
        ...

    async def delete(self, endpoint_id: str, *, by: str) -> None:
        """Take an endpoint away."""
        ...

    async def test(self, endpoint_id: str) -> Tried:
        """Send something to an endpoint now."""
        ...

    async def deliveries(
        self, endpoint_id: str, state: str | None, cursor: str | None, limit: int
    ) -> DeliveryPage:
        """Return a page of what was sent to an endpoint, and is to be sent."""
        ...

    async def replay(
        self, endpoint_id: str, delivery: str | None, since: datetime | None = None
    ) -> int:
        """Have what was given up sent again; return how many."""
        ...


class Generations(Protocol):
    """The records, to be read."""

    async def get(self, record_id: str, /) -> Generation | None:
        """Return a generation, or None."""
        ...

    async def page(self, wanted: Mapping[str, str | int], cursor: str | None, limit: int) -> Page:
        """Return a page of records, newest first."""
        ...


class Accounts(Protocol):
    """People and what they own. Every method may raise an AppError."""

    async def register(
        self, new: NewUser, *, key: str | None, digest: str | None
    ) -> tuple[Account, bool]:
        """Return the person with this Telegram id, and whether they are new."""
        ...

    async def by_telegram_id(self, telegram_id: int) -> Account | None:
        """Return a person and what they own, or None."""
        ...


class Payments(Protocol):
    """Purchases of credits. Every method may raise an AppError."""

    async def create(
        self, user_id: UserId, stars: int, *, key: str | None, digest: str | None
    ) -> tuple[Payment, bool]:
        """Return a payment with a link to its invoice, and whether it was made just now."""
        ...

    async def get(self, payment_id: PaymentId) -> Payment | None:
        """Return a payment, or None."""
        ...

    async def refund(self, payment_id: PaymentId, *, by: str, reason: str) -> Payment:
        """Give the money back, once."""
        ...


class Orders(Protocol):
    """Orders and what became of them. Every method may raise an AppError."""

    async def place(self, order: Order, *, key: str | None, digest: str | None) -> tuple[Job, bool]:
        """Return the job for an order, and whether it was made just now."""
        ...

    async def get(self, job_id: JobId) -> JobView | None:
        """Return a job with its generations, or None."""
        ...

    async def page(
        self,
        user: UserId | None,
        cursor: str | None,
        limit: int,
        *,
        statuses: frozenset[JobStatus] | None = None,
    ) -> JobPage:
        """Return a page of jobs, newest first."""
        ...

    async def cancel(self, job_id: JobId) -> Job:
        """Want a job cancelled."""
        ...

    async def go_on(self, job_id: JobId, step: int) -> Job:
        """Let a job go on that waits after a step."""
        ...

    async def retry(
        self, job_id: JobId, step: int, *, key: str | None, digest: str | None
    ) -> tuple[Job, bool]:
        """Return the job that makes a step again, and whether it was made just now."""
        ...


class People(Protocol):
    """Who orders, to be read. May raise an UnavailableError."""

    async def get(self, user: UserId) -> User | None:
        """Return the person with this id, or None."""
        ...


class Office(Protocol):
    """People, as administrators see them. Every method may raise an AppError."""

    async def get(self, user_id: UserId) -> Account:
        """Return a person and what they own."""
        ...

    async def find(self, words: str, limit: int) -> tuple[User, ...]:
        """Return whom somebody may mean."""
        ...

    async def page(self, cursor: str | None, limit: int) -> UserPage:
        """Return a page of everybody, the newest first."""
        ...

    async def entries(
        self, user_id: UserId, before: int | None, limit: int
    ) -> tuple[tuple[Entry, ...], int | None]:
        """Return a page of somebody's ledger, and where the next one begins."""
        ...

    async def deeds(self, user_id: UserId) -> tuple[Deed, ...]:
        """Return what was last done to somebody."""
        ...

    async def grant(
        self, user_id: UserId, amount: Decimal, *, key: str | None, by: str, reason: str | None
    ) -> tuple[Entry, bool]:
        """Give credits; return the entry, and whether it was made just now."""
        ...

    async def block(self, user_id: UserId, *, by: str, reason: str | None) -> User:
        """Serve somebody no more."""
        ...

    async def unblock(self, user_id: UserId, *, by: str, reason: str | None) -> User:
        """Serve somebody again."""
        ...

    async def set_roles(self, user_id: UserId, roles: Sequence[Role], *, by: str) -> User:
        """Give somebody these roles, and no others."""
        ...


class Refunds(Protocol):
    """Gives back what was taken. May raise an AppError or a LedgerError."""

    async def refund(self, job_id: JobId, *, amount: Decimal | None, by: str, reason: str) -> Job:
        """Give back what a job came to, or part of it, once."""
        ...


class Arrears(Protocol):
    """What is owed. Every method may raise an AppError."""

    def listed(self, *, only_dead: bool) -> AsyncIterator[Arrear]:
        """Yield what is owed, or what was given up."""
        ...

    async def replay(self, record: str | None, key: str | None, since: datetime | None) -> int:
        """Bring dead debts back to life; return how many."""
        ...

    async def stuck(self, age: timedelta, limit: int) -> Stuck:
        """Return what may be stuck."""
        ...


class Forgetting(Protocol):
    """Forgets people. May raise an AppError."""

    async def begin(self, user_id: UserId, *, by: str) -> User:
        """Want somebody forgotten."""
        ...


class Watch(Protocol):
    """A control, and what its subject has cost today."""

    @property
    def control(self) -> Control:
        """The control."""
        ...

    @property
    def spent_usd(self) -> Decimal:
        """What today has cost."""
        ...


class Controlling(Protocol):
    """An operator's switches. Every method may raise an AppError."""

    async def all(self) -> Sequence[Watch]:
        """Return every control, and what was spent where there is none."""
        ...

    async def get(self, subject: Subject) -> Watch:
        """Return the control of something."""
        ...

    async def pause(self, subject: Subject, *, by: str, reason: str | None) -> Control:
        """Have no new orders taken."""
        ...

    async def resume(self, subject: Subject, *, by: str, reason: str | None) -> Control:
        """Have orders taken again."""
        ...

    async def cap(self, subject: Subject, usd: Decimal | None, *, by: str) -> Control:
        """Have no new orders taken on a day that has cost so much."""
        ...


class Prices(Protocol):
    """What presets cost. May raise an UnavailableError."""

    async def of(self, preset: Preset) -> Tag:
        """Return what stands on a preset."""
        ...


class Presets(Protocol):
    """The presets, to be read. Every method may raise an UnavailableError."""

    async def get(self, name: str) -> Preset | None:
        """Return a preset, active or not, or None."""
        ...

    async def all(self) -> tuple[Preset, ...]:
        """Return every preset, active or not, by name."""
        ...


class Workflows(Protocol):
    """The workflows we keep, to be read. May raise an UnavailableError."""

    async def get(self, digest: str) -> bytes | None:
        """Return a workflow, which is JSON, or None."""
        ...


class Images(Protocol):
    """Pictures that people give."""

    async def __call__(
        self, content: AsyncIterable[bytes] | bytes, *, owner: UserId | None
    ) -> Image:
        """Return a picture as it is kept by now.

        Raises:
            ImageRefusedError: It is none that is taken.
            UnavailableError: Nothing more is taken now.
            PeerError: It could not be stored.
        """
        ...


class Uses(Protocol):
    """The log of the nodes that were executed. Every method may raise an UnavailableError."""

    async def report(self, since: datetime, until: datetime, by: UsesBy) -> tuple[UseRow, ...]:
        """Add up what was logged in a time, `until` not included; what took most comes first."""
        ...

    async def of(self, generation: GenerationId) -> tuple[Use, ...]:
        """Return the nodes of a generation."""
        ...


class AddUp(Protocol):
    """Adds the last hours up. May raise an UnavailableError."""

    async def __call__(self, number: int) -> Figures:
        """Return the figures of so many hours, the one under way among them."""
        ...


class Previews(Protocol):
    """How pictures look while they are being made. May raise an UnavailableError."""

    async def get(self, generation: GenerationId) -> Preview | None:
        """Return the newest preview of a generation, or None."""
        ...


class Live(Protocol):
    """Tells readers what changes."""

    def join(self, reader: Reader) -> None:
        """Have somebody told of changes from now on.

        Raises:
            UnavailableError: This process is about to end.
        """
        ...

    def leave(self, reader: Reader) -> None:
        """Have somebody told no more."""
        ...

    def words(self, reader: Reader) -> AsyncGenerator[Words]:
        """Yield what a reader is to be told, until they are sent away.

        Raises:
            UnavailableError: The database does not answer, before the first word.
        """
        ...


class Oversee(Protocol):
    """The servers of an engine. May raise an UnavailableError."""

    async def __call__(self) -> Overview:
        """Return how they stand, who has their slots, and who waits for one."""
        ...


class OpenWork(Protocol):
    """What is open. Every method may raise an UnavailableError."""

    async def __call__(self, limit: int) -> Standing:
        """Return what is open, and so much of what is stuck."""
        ...

    async def stuck_jobs(
        self, limit: int, *, user: UserId | None, statuses: frozenset[JobStatus] | None
    ) -> tuple[Job, ...]:
        """Return the jobs that are stuck, newest first."""
        ...


class ResetJob(Protocol):
    """Has jobs moved. May raise an AppError."""

    async def __call__(self, named: str, *, by: str) -> Reset:
        """Reset a job."""
        ...


class Storage(Protocol):
    """The files we keep, to be read. Every method may raise a PeerError."""

    async def head(self, key: str) -> Stored | None:
        """Return what there is to say about a file, or None where there is none."""
        ...

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes of a file from `start` up to and without `end`."""
        ...


class Intake(Protocol):
    """Takes Telegram's updates in."""

    async def take(self, raw: bytes) -> None:
        """Return when an update is on disk, or what should have been one.

        Raises:
            UnavailableError: It could not be written within its limit.
        """
        ...


class Attend(Protocol):
    """Does what a request brings before it is answered. May raise an UnavailableError."""

    async def event(self, generation_id: GenerationId, accepted: Awaitable[None]) -> None:
        """Wait until an event is on disk, and for what it causes."""
        ...

    async def update(self, taken: Awaitable[None]) -> None:
        """Wait until an update is on disk, and for what it causes."""
        ...


class Shifts(Protocol):
    """What monitors call for. Every method may raise an UnavailableError."""

    async def work_off(self, budget: timedelta) -> Worked | None:
        """Work off what is owed; None where another call is at it."""
        ...

    async def check_runs(self, budget: timedelta) -> Checked | None:
        """Check the open runs; None where another call is at it."""
        ...


class Sessions(Protocol):
    """Who is signed in at the dashboard. Every method may raise an UnavailableError."""

    async def put(self, session: Session) -> None:
        """Keep a new session until it is over."""
        ...

    async def get(self, digest: str) -> Session | None:
        """Return a session, or None."""
        ...

    async def remove(self, digest: str) -> None:
        """End a session, if it is there."""
        ...


class Metrics(Protocol):
    """What is counted here."""

    def refused(self, reason: str) -> None:
        """Count a request that was refused, or failed, by a slug."""
        ...

    def repeated(self, engine: str) -> None:
        """Count a webhook that was taken in before, and was not again."""
        ...

    def render(self) -> bytes:
        """Return everything counted, as Prometheus reads it."""
        ...


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the time in UTC, whole milliseconds."""
        ...


LinkTo = Callable[[str], str]
"""Mints a link to a file by its key."""
Link = Callable[[Output], str | None]
"""Mints a link to our copy of an output; None where there is none."""
Receiver = Callable[[Delivery], RunEvent]
"""Translates a body; raises processors.errors.RefusedBodyError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything the web layer needs.

    Attributes:
        webhook_keys: By engine that is on: the keys its tokens may be signed with.
        receivers: By engine that is on: what reads its webhooks.
        webhook_secrets: By engine that signs its webhooks: the keys it may sign with. None of
            them: its webhooks find no door.
        api_keys: Keys that open the API; none of them: nobody comes in.
        view_keys: Keys that view tokens may be signed with, the signing one first.
        media_keys: Keys that links to files may be signed with.
        link: Mints such links.
        updates: Takes Telegram's updates in, where it brings them here; else None.
        update_secret: What Telegram says with each of them; None of it: nobody comes in.
        link: Mints such links, to copies of outputs.
        link_to: Mints them to any file by its key.
        cron_keys: Keys that open the calls of hosts without background processes.
        shifts: What these do; None: there are no such calls.
        attend: Does what webhooks bring before they are answered; None where others do it.
        engines: The engines that are on.
        example: An order as JSON that works here as it stands; None where nobody knows one.
        ready: Says what keeps us from being ready; nothing when we are.
        prefix: Path of WEBHOOK_URL, as in ``/relay``; empty for none.
        cors_origins: Origins whose pages may call the API.
        body_deadline: How long a body may take to arrive.
        image_deadline: How long a picture may.
    """

    acceptor: Acceptor
    desk: Desk
    generations: Generations
    orders: Orders
    people: People
    accounts: Accounts
    payments: Payments
    office: Office
    controlling: Controlling
    hook_desk: HookDesk
    forgetting: Forgetting
    refunds: Refunds
    arrears: Arrears
    presets: Presets
    prices: Prices
    workflows: Workflows
    images: Images
    storage: Storage
    uses: Uses
    add_up: AddUp
    previews: Previews
    live: Live
    oversee: Oversee
    open_work: OpenWork
    reset: ResetJob
    sessions: Sessions
    metrics: Metrics
    clock: Clock
    engines: Sequence[EngineName]
    webhook_keys: Mapping[EngineName, tuple[bytes, ...]]
    receivers: Mapping[EngineName, Receiver]
    api_keys: tuple[ApiKey, ...]
    view_keys: tuple[bytes, ...]
    media_keys: tuple[bytes, ...]
    link: Link
    link_to: LinkTo
    ready: Callable[[], Awaitable[tuple[str, ...]]]
    webhook_secrets: Mapping[EngineName, tuple[bytes, ...]] = field(
        default_factory=dict[EngineName, tuple[bytes, ...]]
    )
    updates: Intake | None = None
    update_secret: bytes = b""
    cron_keys: tuple[bytes, ...] = ()
    shifts: Shifts | None = None
    attend: Attend | None = None
    example: str | None = None
    prefix: str = ""
    cors_origins: tuple[str, ...] = ()
    body_deadline: timedelta = timedelta(seconds=10)
    image_deadline: timedelta = timedelta(minutes=2)
