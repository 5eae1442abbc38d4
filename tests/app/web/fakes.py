"""Stand-ins for what the web layer calls, and a builder of its services."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import ClassVar

from pydantic import SecretStr

from app.errors import (
    ConflictError,
    IdempotencyMismatchError,
    NotFoundError,
    OverloadedError,
    StaleVersionError,
    UnavailableError,
)
from app.observability.journal import Journal
from app.ports import JobPage, Page
from app.settings import EXAMPLE
from app.usecases.add_up import AddUp
from app.usecases.arrears import Arrears
from app.usecases.controlling import Controlling
from app.usecases.endpoints import HookDesk
from app.usecases.forget_user import ForgetUser
from app.usecases.money import Money
from app.usecases.open_work import OpenWork
from app.usecases.orders import JobView, Order
from app.usecases.oversee import Oversee
from app.usecases.pauses import Spending
from app.usecases.people import People
from app.usecases.prices import Prices
from app.usecases.records import Records, RecordsOf
from app.usecases.register_user import Accounts
from app.usecases.reset_job import ResetJob
from app.usecases.take_image import TakeImage
from app.web.services import Attend, Images, Receiver, Services, Shifts
from app.web.webhooks import Webhooks
from processors.protocols import comfydeploy, links, replicate, signing
from schemas import hook
from schemas.access import ApiKey, KeyScope
from schemas.base import EngineName, GenerationId, PaymentId, UserId
from schemas.generation import Generation, Metadata, Request
from schemas.job import Job, JobId, JobStatus
from schemas.payment import Payment, PaymentStatus
from schemas.run import Delivery, Output, RunEvent
from schemas.server import ServerSettings
from schemas.timing import Timing
from schemas.user import Account, User
from schemas.wire.api import Change, NewGeneration, NewUser
from tests.builders import USER, a_job, a_payment
from tests.fakes.clock import FakeClock
from tests.fakes.controls import FakeControls, FakeDeeds
from tests.fakes.generations import FakeGenerations as KeptGenerations
from tests.fakes.hooks import FakeCourier, FakeDeliveries, FakeEndpoints
from tests.fakes.hubs import Scenery
from tests.fakes.jobs import FakeJobs
from tests.fakes.ledger import FakeLedger
from tests.fakes.payments import FakePayments
from tests.fakes.presets import FakePresets
from tests.fakes.previews import FakePreviews
from tests.fakes.servers import FakeServers
from tests.fakes.sessions import FakeSessions
from tests.fakes.storage import FakeStorage
from tests.fakes.totals import FakeTotals
from tests.fakes.users import FakeUsers
from tests.fakes.uses import FakeUses
from tests.fakes.workflows import FakeWorkflows

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENGINE = EngineName("comfydeploy")
COMFYUI = EngineName("comfyui")
ID = GenerationId("0198c0ffee0000000000000000000001")
RETRIED = "0198c0ffee0198c0ffee0198c0ffee78"
"""The job that goes on from any that is retried."""
API_KEY = "an-api-key-of-the-tests"
KEY = signing.derive(b"the secret of the tests", "webhook:comfydeploy")
CRON_KEYS = (b"another-key-of-the-monitor", b"the-key of the monitor&co")
UPDATE_SECRET = b"the-secret_that-telegram_knows"
MEDIA_KEY = signing.derive(b"the secret of the tests", "media")
VIEW_KEY = signing.derive(b"the secret of the tests", "view")
OLD_VIEW_KEY = signing.derive(b"the secret before", "view")
OLD_KEY = signing.derive(b"the secret before", "webhook:comfydeploy")


def a_key(secret: str, name: str = "", scope: KeyScope = KeyScope.ADMIN) -> ApiKey:
    """An API key, by default one that may do everything."""
    return ApiKey(name=name, scope=scope, secret=SecretStr(secret))


def a_generation(generation_id: GenerationId = ID, *, version: int = 3) -> Generation:
    """A generation that waits to be sent."""
    return Generation(
        id=generation_id,
        engine=ENGINE,
        version=version,
        created_at=NOON,
        updated_at=NOON,
        request_timestamp=NOON,
        metadata=Metadata(labels={"campaign": "x"}),
        request_payload=Request(deployment_id="a-deployment", inputs={"prompt": "a lighthouse"}),
    )


@dataclass
class FakeAcceptor:
    """Takes everything in, or fails as told.

    Attributes:
        taken: What was taken in, in order.
        failure: Raised instead of taking in.
        gate: Holds every delivery back until it is set; None for none.
        by_short_way: How many were taken in by the short way.
    """

    taken: list[tuple[Delivery, RunEvent]] = field(default_factory=list[tuple[Delivery, RunEvent]])
    failure: Exception | None = None
    gate: asyncio.Event | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)
    by_short_way: int = 0

    async def accept(self, delivery: Delivery, event: RunEvent) -> None:
        """Take a delivery in."""
        if self.failure is not None:
            raise self.failure
        if self.gate is not None:
            self.held.set()
            await self.gate.wait()
        self.taken.append((delivery, event))

    def put(
        self, delivery: Delivery, event: RunEvent, done: Callable[[UnavailableError | None], None]
    ) -> None:
        """Take a delivery in and have `done` called at once; who is to wait goes the long way."""
        if isinstance(self.failure, UnavailableError):
            done(self.failure)
            return
        if self.failure is not None:
            raise self.failure
        if self.gate is not None:
            raise OverloadedError("there is no waiting here")
        self.by_short_way += 1
        self.taken.append((delivery, event))
        done(None)


@dataclass
class FakeGenerations:
    """Records in memory; a page is everything that is there.

    Attributes:
        asked: The filters, cursors and limits asked for.
    """

    records: dict[GenerationId, Generation] = field(default_factory=lambda: {ID: a_generation()})
    asked: list[tuple[Mapping[str, str | int], str | None, int]] = field(
        default_factory=list[tuple[Mapping[str, str | int], str | None, int]]
    )
    failure: Exception | None = None

    async def get(self, generation_id: str, /) -> Generation | None:
        """Return a generation, or None."""
        if self.failure is not None:
            raise self.failure
        return self.records.get(GenerationId(generation_id))

    async def page(self, wanted: Mapping[str, str | int], cursor: str | None, limit: int) -> Page:
        """Return all records, and say that there is more."""
        self.asked.append((wanted, cursor, limit))
        return Page(tuple(self.records.values()), "more")


@dataclass
class FakeDesk:
    """Takes orders and changes in memory.

    Attributes:
        orders: What was ordered.
        keys: By idempotency key: the digest, and what was made under it.
        changes: What was to be changed.
    """

    generations: FakeGenerations
    orders: list[NewGeneration] = field(default_factory=list[NewGeneration])
    keys: dict[str, tuple[str | None, Generation]] = field(
        default_factory=dict[str, tuple[str | None, Generation]]
    )
    changes: list[Change] = field(default_factory=list[Change])
    failure: Exception | None = None

    async def create(
        self, order: NewGeneration, *, key: str | None, digest: str | None
    ) -> tuple[Generation, bool]:
        """Make a generation, once for each key."""
        if self.failure is not None:
            raise self.failure
        self.orders.append(order)
        return self._once(key, digest)

    async def cancel(self, generation_id: GenerationId) -> Generation:
        """Refuse: what is there has been sent."""
        self._existing(generation_id)
        raise ConflictError("it has ended")

    async def rerun(
        self,
        generation_id: GenerationId,
        *,
        key: str | None,
        digest: str | None,
    ) -> tuple[Generation, bool]:
        """Make a generation like another."""
        self._existing(generation_id)
        return self._once(key, digest)

    async def update(
        self,
        generation_id: GenerationId,
        change: Change,
        *,
        if_match: int | None,
    ) -> Generation:
        """Note a change."""
        existing = self._existing(generation_id)
        if if_match not in {None, existing.version}:
            raise StaleVersionError(existing.version)
        self.changes.append(change)
        return existing.change(version=existing.version + 1)

    def _existing(self, generation_id: GenerationId) -> Generation:
        found = self.generations.records.get(generation_id)
        if found is None:
            raise NotFoundError("generation")
        return found

    def _once(self, key: str | None, digest: str | None) -> tuple[Generation, bool]:
        known = self.keys.get(key or "")
        if known is not None:
            if known[0] != digest:
                raise IdempotencyMismatchError
            return known[1], False
        made = a_generation(GenerationId(f"{len(self.generations.records):032x}"), version=1)
        self.generations.records[made.id] = made
        if key is not None:
            self.keys[key] = digest, made
        return made, True


@dataclass
class FakeAccounts:
    """Registers people in memory; everybody owns ten credits.

    Attributes:
        people: By Telegram id.
        asked: What was asked for, with key and digest.
    """

    people: dict[int, Account] = field(default_factory=dict[int, Account])
    asked: list[tuple[NewUser, str | None, str | None]] = field(
        default_factory=list[tuple[NewUser, str | None, str | None]]
    )
    failure: Exception | None = None

    async def register(
        self, new: NewUser, *, key: str | None, digest: str | None
    ) -> tuple[Account, bool]:
        """Make a person, once for each Telegram id."""
        if self.failure is not None:
            raise self.failure
        self.asked.append((new, key, digest))
        known = self.people.get(new.telegram_id)
        if known is not None:
            return known, False
        user = User(
            id=UserId(f"{len(self.people):032x}"),
            telegram_id=new.telegram_id,
            username=new.username,
            first_name=new.first_name,
            language=new.language,
            created_at=NOON,
            updated_at=NOON,
            idempotency_key=key,
            idempotency_digest=digest,
        )
        account = Account(user=user, balance=Decimal("10.000000"))
        self.people[new.telegram_id] = account
        return account, True

    async def by_telegram_id(self, telegram_id: int) -> Account | None:
        """Return a person, or None."""
        if self.failure is not None:
            raise self.failure
        return self.people.get(telegram_id)


@dataclass
class FakeDeskOfPayments:
    """Sells to whoever is `USER`.

    Attributes:
        records: What was sold.
        asked: What was asked for, with key and digest.
        refunds: Who wanted what back, and why.
    """

    records: dict[PaymentId, Payment] = field(default_factory=dict[PaymentId, Payment])
    asked: list[tuple[int, str | None, str | None]] = field(
        default_factory=list[tuple[int, str | None, str | None]]
    )
    refunds: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    failure: Exception | None = None

    async def create(
        self, user_id: UserId, stars: int, *, key: str | None, digest: str | None
    ) -> tuple[Payment, bool]:
        """Sell, once for each key."""
        if self.failure is not None:
            raise self.failure
        if user_id != USER:
            raise NotFoundError("user")
        self.asked.append((stars, key, digest))
        known = [each for each in self.records.values() if key and each.idempotency_key == key]
        if known:
            return known[0], False
        payment = a_payment(amount=stars, idempotency_key=key, invoice_url="https://t.me/$x")
        self.records[payment.id] = payment
        return payment, True

    async def get(self, payment_id: PaymentId) -> Payment | None:
        """Return what was sold, or None."""
        return self.records.get(payment_id)

    async def refund(self, payment_id: PaymentId, *, by: str, reason: str) -> Payment:
        """Give back what there is."""
        if self.failure is not None:
            raise self.failure
        if payment_id not in self.records:
            raise NotFoundError("payment")
        self.refunds.append((by, reason))
        return self.records[payment_id].change(status=PaymentStatus.REFUNDED)


@dataclass
class FakeOrders:
    """Takes orders without thinking: one job for each key.

    Attributes:
        views: What there is.
        failure: Raised by every call, if set.
        placed: What was ordered.
        refunds: What was given back, by whom and why.
    """

    views: dict[str, JobView] = field(default_factory=dict[str, JobView])
    failure: Exception | None = None
    placed: list[Order] = field(default_factory=list[Order])
    refunds: list[tuple[JobId, Decimal | None, str, str]] = field(
        default_factory=list[tuple[JobId, Decimal | None, str, str]]
    )

    async def place(self, order: Order, *, key: str | None, digest: str | None) -> tuple[Job, bool]:
        """Take an order."""
        if self.failure is not None:
            raise self.failure
        known = [
            each.job for each in self.views.values() if key and each.job.idempotency_key == key
        ]
        if known:
            return known[0], False
        self.placed.append(order)
        job = a_job(
            user_id=order.user.id,
            by=order.by,
            chat=order.chat,
            idempotency_key=key,
            idempotency_digest=digest,
        )
        self.views[job.id] = JobView(job, ())
        return job, True

    async def get(self, job_id: JobId) -> JobView | None:
        """Return a job, or None."""
        return self.views.get(job_id)

    async def page(
        self,
        user: UserId | None,
        cursor: str | None,
        limit: int,
        *,
        statuses: frozenset[JobStatus] | None = None,
    ) -> JobPage:
        """Return the jobs of somebody."""
        del cursor
        found = [
            each.job
            for each in self.views.values()
            if user in (None, each.job.user_id)
            and (statuses is None or each.job.status in statuses)
        ]
        return JobPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    async def refund(self, job_id: JobId, *, amount: Decimal | None, by: str, reason: str) -> Job:
        """Note what was given back."""
        if job_id not in self.views:
            raise NotFoundError("job")
        self.refunds.append((job_id, amount, by, reason))
        return self.views[job_id].job

    async def go_on(self, job_id: JobId, step: int) -> Job:
        """Let a job go on that waits after a step."""
        if self.failure is not None:
            raise self.failure
        view = self.views[job_id]
        self.views[job_id] = view._replace(job=view.job.change(continued=step))
        return self.views[job_id].job

    async def retry(
        self, job_id: JobId, step: int, *, key: str | None, digest: str | None
    ) -> tuple[Job, bool]:
        """Make a job that goes on from another."""
        if self.failure is not None:
            raise self.failure
        new = self.views[job_id].job.change(
            id=JobId(RETRIED),
            goes_on=job_id,
            first=step,
            idempotency_key=key,
            idempotency_digest=digest,
        )
        known = new.id in self.views
        self.views[new.id] = JobView(new, ())
        return new, not known

    async def cancel(self, job_id: JobId) -> Job:
        """Want a job cancelled."""
        if job_id not in self.views:
            raise NotFoundError("job")
        view = self.views[job_id]
        self.views[job_id] = view._replace(job=view.job.change(cancel_wanted=True))
        return self.views[job_id].job


@dataclass
class FakeMetrics:
    """Remembers what was counted."""

    counted: list[str] = field(default_factory=list[str])

    def refused(self, reason: str) -> None:
        """Count one refused."""
        self.counted.append(f"refused {reason}")

    def repeated(self, engine: str) -> None:
        """Count one that was taken in before."""
        self.counted.append(f"repeated {engine}")

    def render(self) -> bytes:
        """Return a line for each."""
        return "\n".join(self.counted).encode()


@dataclass
class FakeIntake:
    """Takes updates in, or fails as told.

    Attributes:
        taken: What was taken in, in order.
        failure: Raised instead of taking in.
    """

    taken: list[bytes] = field(default_factory=list[bytes])
    failure: Exception | None = None

    async def take(self, raw: bytes) -> None:
        """Take an update in."""
        if self.failure is not None:
            raise self.failure
        self.taken.append(raw)


class Office:
    """What administrators work with: the use cases themselves, on what is kept in memory.

    Attributes:
        users: Who is known.
        controls: What is paused or capped.
        ledger: How credits moved.
        deeds: What was done.
        spent: The generations that today's costs are added up of.
        jobs: What was ordered.
        endpoints: Who hears of it.
        deliveries: What is on its way to them.
        courier: Tries them out.
    """

    def __init__(self) -> None:
        self.users, self.controls, self.ledger = FakeUsers(), FakeControls(), FakeLedger()
        self.deeds, self.spent, self.jobs = FakeDeeds(), KeptGenerations(), FakeJobs()
        self.endpoints, self.deliveries = FakeEndpoints(), FakeDeliveries()
        self.courier = FakeCourier()
        self._clock = FakeClock()

    def people(self) -> People:
        """Return what is done with people."""
        money = Money(self.ledger, self._clock)
        accounts = Accounts(self.users, money, self._clock, welcome=Decimal(0))
        return People(self.users, accounts, self.ledger, self.deeds, self._clock)

    def hook_desk(self) -> HookDesk:
        """Return what is done with endpoints."""
        return HookDesk(
            self.endpoints,
            self.deliveries,
            RecordsOf[hook.Delivery](self.deliveries, self._clock, Journal().delivered),
            courier=self.courier,
            deeds=self.deeds,
            clock=self._clock,
            allow_private=False,
        )

    def arrears(self) -> Arrears:
        """Return what is owed."""
        orders = RecordsOf[Job](self.jobs, self._clock, Journal().ordered)
        sold = RecordsOf[Payment](FakePayments(), self._clock, Journal().bought)
        sent = RecordsOf[hook.Delivery](self.deliveries, self._clock, Journal().delivered)
        return Arrears(Records(self.spent, self._clock, Journal()), orders, self.jobs, sold, sent)

    def forgetting(self) -> ForgetUser:
        """Return what forgets people: nothing but their names here."""
        return ForgetUser(
            self.users,
            (),
            kept=self.jobs,
            digest=str,
            deeds=self.deeds,
            clock=self._clock,
        )

    def controlling(self, presets: FakePresets) -> Controlling:
        """Return what is done with engines and presets."""
        return Controlling(
            self.controls,
            presets,
            [ENGINE],
            spending=Spending(self.spent, self._clock),
            deeds=self.deeds,
            clock=self._clock,
        )


class NoonClock:
    """It is noon, until it is said to be later."""

    def __init__(self) -> None:
        self.later = timedelta()

    def now(self) -> datetime:
        """Return the time."""
        return NOON + self.later


async def _all_is_well() -> tuple[str, ...]:
    return ()


def _link_to(today: date, key: str) -> str:
    return links.media_link(MEDIA_KEY, "", key, "inline", today)


class FakeCosts:
    """Runs, of which none has a known cost."""

    async def last_costs(self, preset: str, limit: int) -> tuple[Decimal, ...]:
        """See app.usecases.prices.LastCosts."""
        del preset, limit
        return ()


@dataclass
class World:
    """Everything around the web layer; change a part before `services` is called."""

    acceptor: FakeAcceptor = field(default_factory=FakeAcceptor)
    generations: FakeGenerations = field(default_factory=FakeGenerations)
    presets: FakePresets = field(default_factory=FakePresets)
    workflows: FakeWorkflows = field(default_factory=FakeWorkflows)
    desk: FakeDesk = field(init=False)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    payments: FakeDeskOfPayments = field(default_factory=FakeDeskOfPayments)
    office: Office = field(default_factory=Office)
    orders: FakeOrders = field(default_factory=FakeOrders)
    people: FakeUsers = field(default_factory=FakeUsers)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    storage: FakeStorage = field(default_factory=FakeStorage)
    uses: FakeUses = field(default_factory=FakeUses)
    previews: FakePreviews = field(default_factory=FakePreviews)
    scenery: Scenery = field(default_factory=Scenery)
    """What is told of live; its hub has to be run by whoever reads."""
    spots: KeptGenerations = field(default_factory=KeptGenerations)
    """The generations that have slots of servers, or wait for one."""
    servers: FakeServers = field(default_factory=FakeServers)
    updates: FakeIntake | None = field(default_factory=FakeIntake)
    update_secret: bytes = UPDATE_SECRET
    shifts: Shifts | None = None
    attend: Attend | None = None
    """What is done in calls, and within the requests of webhooks; None where it is not."""
    images: Images | None = None
    """What takes pictures; None for the real thing, which keeps them in `storage`."""
    ready: Callable[[], Awaitable[tuple[str, ...]]] = _all_is_well
    receiver: Receiver = comfydeploy.receive
    keys: tuple[bytes, ...] = (KEY, OLD_KEY)
    signing: tuple[bytes, ...] = ()
    """What Replicate's webhooks are signed with."""
    prefix: str = ""
    example: str | None = EXAMPLE
    api_keys: tuple[ApiKey, ...] = (a_key("another-key-of-the-tests"), a_key(API_KEY))
    sessions: FakeSessions = field(default_factory=FakeSessions)
    clock: NoonClock = field(default_factory=NoonClock)
    cors_origins: tuple[str, ...] = ()
    body_deadline: timedelta = timedelta(seconds=10)
    short_way: ClassVar = True
    """Whether webhooks may take the short way in."""

    def __post_init__(self) -> None:
        self.desk = FakeDesk(self.generations)

    def link(self, output: Output) -> str | None:
        """Return a link to a copy."""
        if output.key is None:
            return None
        return links.media_link(MEDIA_KEY, "", output.key, "inline", NOON.date())

    def hooks(self) -> Webhooks:
        """Return the webhooks of these services."""
        return Webhooks(self.services())

    def services(self) -> Services:
        """Return these as the services of the web layer."""
        journal = Journal()
        spots = Records(self.spots, FakeClock(NOON), journal)
        return Services(
            acceptor=self.acceptor,
            desk=self.desk,
            generations=self.generations,
            orders=self.orders,
            people=self.people,
            accounts=self.accounts,
            payments=self.payments,
            office=self.office.people(),
            controlling=self.office.controlling(self.presets),
            hook_desk=self.office.hook_desk(),
            forgetting=self.office.forgetting(),
            refunds=self.orders,
            arrears=self.office.arrears(),
            presets=self.presets,
            prices=Prices(FakeCosts(), self.presets, Decimal(100)),
            workflows=self.workflows,
            images=self.images
            or TakeImage(
                self.storage,
                FakeClock(NOON),
                threads=ThreadPoolExecutor(1),
                disk_full=lambda: False,
            ),
            storage=self.storage,
            uses=self.uses,
            add_up=AddUp(
                FakeTotals(self.spots), self.uses, self.spots, self.presets, FakeClock(NOON)
            ),
            previews=self.previews,
            live=self.scenery.hub,
            oversee=Oversee(
                self.spots,
                self.servers,
                COMFYUI,
                (ServerSettings(name="a", url="http://a.test"),),
                clock=FakeClock(NOON),
                timing=Timing(),
            ),
            open_work=OpenWork(spots, self.office.jobs, timing=Timing()),
            reset=ResetJob(
                spots,
                RecordsOf[Job](self.office.jobs, FakeClock(NOON), journal.ordered),
                self.office.deeds,
            ),
            media_keys=(MEDIA_KEY,),
            link=self.link,
            link_to=partial(_link_to, NOON.date()),
            metrics=self.metrics,
            engines=(ENGINE, replicate.NAME),
            example=self.example,
            clock=self.clock,
            webhook_keys={ENGINE: self.keys, replicate.NAME: self.keys},
            webhook_secrets={replicate.NAME: self.signing},
            receivers={ENGINE: self.receiver, replicate.NAME: replicate.receive},
            api_keys=self.api_keys,
            view_keys=(VIEW_KEY, OLD_VIEW_KEY),
            sessions=self.sessions,
            updates=self.updates,
            update_secret=self.update_secret,
            cron_keys=CRON_KEYS,
            shifts=self.shifts,
            attend=self.attend,
            ready=self.ready,
            prefix=self.prefix,
            cors_origins=self.cors_origins,
            body_deadline=self.body_deadline,
            image_deadline=self.body_deadline,
        )


class LongWay(World):
    """The same, with the app answering all webhooks."""

    short_way: ClassVar = False


def a_hook(generation_id: str = ID, token: str | None = None, *, key: bytes = KEY) -> str:
    """The path and query of a webhook, by default with the right token."""
    right = signing.webhook_token(key, ENGINE, ID, 1)
    return f"/api/webhook/comfydeploy?generation={generation_id}&token={token or right}"
