"""The composition root: the only file that knows concrete classes."""

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypedDict
from urllib.parse import parse_qs, urlsplit

import httpx
import structlog
from pydantic import SecretStr
from starlette.types import ASGIApp

from app.clock import Clock
from app.engines.comfydeploy import ComfyDeploy
from app.engines.fetching import Fetcher
from app.errors import StoreDownError
from app.observability.journal import Journal
from app.observability.metrics import DebtRow, Metrics
from app.ports import Alerts, Engine
from app.settings import Settings
from app.store.chats import MongoChats
from app.store.connection import Connection, Keep
from app.store.controls import MongoControls
from app.store.conversations import MongoConversations
from app.store.deeds import MongoDeeds
from app.store.generations import MongoGenerations
from app.store.inbox import MongoInbox
from app.store.jobs import MongoJobs
from app.store.leases import MongoLeases
from app.store.ledger import MongoLedger
from app.store.objects import ObjectStorage
from app.store.payments import MongoPayments
from app.store.presets import MongoPresets
from app.store.updates import MongoUpdates
from app.store.users import MongoUsers
from app.telegram import catalogues
from app.telegram.alerts import AdminAlerts
from app.telegram.around import Around
from app.telegram.handling import Handling
from app.telegram.receiving import Way
from app.telegram.reception import Reception
from app.telegram.sender import Sender
from app.telegram.stars import Stars
from app.usecases.accept_events import Acceptor
from app.usecases.apply_events import Applier
from app.usecases.arrears import Arrears
from app.usecases.ask_engine import AskEngine
from app.usecases.cancel_run import CancelRun
from app.usecases.circuits import Circuits
from app.usecases.compare_payments import ComparePayments
from app.usecases.controlling import Controlling
from app.usecases.desk import Desk
from app.usecases.discharge import Discharger, Handler
from app.usecases.duties import Duties
from app.usecases.end_run import EndRun
from app.usecases.expire_media import ExpireMedia
from app.usecases.forget_user import ForgetChat, ForgetGenerations, ForgetJobs, ForgetUser
from app.usecases.hand_over import HandOver
from app.usecases.hands import HandlerOf, Hands
from app.usecases.keep_outputs import KeepOutputs
from app.usecases.limits import Limits
from app.usecases.links import Links
from app.usecases.money import Money
from app.usecases.notify import Ends, Notify, Show
from app.usecases.notify_job import NotifyJob
from app.usecases.orders import Orders
from app.usecases.pauses import Pauses, Spending
from app.usecases.payment_debts import PaymentDebts
from app.usecases.payment_records import PaymentRecords
from app.usecases.payments import Payments
from app.usecases.people import People
from app.usecases.records import Records, RecordsOf
from app.usecases.register_user import Accounts
from app.usecases.settle_run import SettleRun
from app.usecases.start_job import JOB_LINES, CancelJob, StartJob
from app.usecases.submit_run import SubmitRun
from app.usecases.sweep import Receivers, Sweep
from app.usecases.take_image import THREADS, TakeImage
from app.usecases.take_updates import TakeUpdates, Wake
from app.usecases.taking import Taking
from app.usecases.watched import Watched
from app.web import telegram
from app.web.application import create_app
from app.web.services import Services
from app.web.webhooks import Webhooks
from processors.notifications import paying
from processors.notifications.texts import Translate, Voice, language_of
from processors.protocols import comfydeploy, signing
from schemas.base import EngineName, InstanceName
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.job import Job
from schemas.timing import Timing

LEAST_DISK: Final = 0.05
"""Share of the disk below which nothing new is taken on."""


@dataclass(frozen=True, kw_only=True)
class Peers:
    """Where the peers are, whichever mode we run in.

    Attributes:
        webhook_base: What engines are given to call back.
        comfydeploy_url: The API's base, or None where that engine is off.
        comfydeploy_key: Its key.
        comfydeploy_hosts: Host patterns of its outputs.
        telegram_url: The Bot API's base, or None where Telegram is off.
        telegram_token: The bot's token.
        allow_private: Whether outputs may lie on this machine or in this network.
    """

    webhook_base: str
    comfydeploy_url: str | None
    comfydeploy_key: str = ""
    comfydeploy_hosts: tuple[str, ...] = ()
    telegram_url: str | None
    telegram_token: str = ""
    allow_private: bool


@dataclass(frozen=True, kw_only=True)
class Store:
    """The database as the service uses it."""

    connection: Connection
    generations: MongoGenerations
    jobs: MongoJobs
    inbox: MongoInbox
    leases: MongoLeases
    chats: MongoChats
    users: MongoUsers
    ledger: MongoLedger
    presets: MongoPresets
    payments: MongoPayments
    updates: MongoUpdates
    conversations: MongoConversations
    controls: MongoControls
    deeds: MongoDeeds
    keep: Keep


@dataclass(frozen=True, kw_only=True)
class Service:
    """Everything that runs, wired."""

    store: Store
    clock: Clock
    timing: Timing
    engines: Mapping[EngineName, Engine]
    records: Records
    applier: Applier
    acceptor: Acceptor
    discharger: Discharger
    job_hands: Hands[Job]
    sweep: Sweep
    expiry: ExpireMedia | None
    selling: "Selling"
    forgetting: ForgetUser | None
    taking: Taking
    sender: Sender | None
    reception: Reception | None
    alerts: AdminAlerts
    duties: Duties
    metrics: Metrics
    client: httpx.AsyncClient
    readiness: "Readiness"
    hooks: Webhooks
    app: ASGIApp


@dataclass(frozen=True, kw_only=True)
class Selling:
    """What sells credits.

    Attributes:
        payments: Invoices, charges and refunds.
        debts: Does what payments owe.
        comparing: Compares them with the provider's list; None where there is none, or where
            others do it.
        stars: The provider; None where Telegram is off.
        background: Whether this process does what payments owe.
    """

    payments: Payments
    debts: PaymentDebts
    comparing: ComparePayments | None
    stars: Stars | None
    background: bool


class Readiness:
    """Whether orders and webhooks are served: the database, the disk, and our own state.

    Attributes:
        closing: Set while the service shuts down.
    """

    def __init__(self, store: Store, data_dir: Path) -> None:
        self._store = store
        self._data_dir = data_dir
        self.closing = False

    async def problems(self) -> tuple[str, ...]:
        """Return what keeps us from being ready, each in one sentence."""
        said = ["the service is shutting down"] if self.closing else []
        if self.disk_full():
            said.append("the disk is nearly full")
        try:
            said += await self._store.connection.problems()
        except StoreDownError as error:
            said.append(str(error))
        return tuple(said)

    def disk_full(self) -> bool:
        """Return whether less than a twentieth of the disk is left."""
        usage = shutil.disk_usage(self._data_dir)
        return usage.free < LEAST_DISK * usage.total


def open_store(settings: Settings, uri: str) -> Store:
    """Connect to the database; nothing is asked of it yet."""
    connection = Connection(uri, settings.mongodb_database)
    records = settings.keep_records_days
    return Store(
        connection=connection,
        generations=MongoGenerations(connection),
        jobs=MongoJobs(connection),
        inbox=MongoInbox(connection),
        leases=MongoLeases(connection),
        chats=MongoChats(connection),
        users=MongoUsers(connection),
        ledger=MongoLedger(connection),
        presets=MongoPresets(connection),
        payments=MongoPayments(connection),
        updates=MongoUpdates(connection),
        conversations=MongoConversations(connection),
        controls=MongoControls(connection),
        deeds=MongoDeeds(connection),
        keep=Keep(
            events=timedelta(days=settings.keep_events_days),
            records=None if records is None else timedelta(days=records),
        ),
    )


def open_storage(settings: Settings) -> ObjectStorage:
    """Open where files are kept; of a bucket nothing is asked yet.

    Raises:
        PeerDownError: It cannot be opened.
    """
    if settings.storage_url is None:
        return ObjectStorage.under(settings.data_dir / "media")
    return ObjectStorage.at(settings.storage_url)


def make_controlling(store: Store, spending: Spending, clock: Clock) -> Controlling:
    """Return an operator's switches, for all engines that there could be."""
    return Controlling(
        store.controls,
        store.presets,
        receivers().keys(),
        spending=spending,
        deeds=store.deeds,
        clock=clock,
    )


def make_refunds(settings: Settings, store: Store, clock: Clock) -> Orders:
    """Return what gives credits back, for a process that takes no orders and pays no debts."""
    journal, money = Journal(), Money(store.ledger, clock)
    records = Records(store.generations, clock, journal)
    taking = Taking(InstanceName("cli"), Timing(), background=False, messenger=None)
    return Orders(
        records,
        RecordsOf[Job](store.jobs, clock, journal.ordered),
        store.jobs,
        store.presets,
        money=money,
        starter=StartJob(records, store.jobs, money, taking),
        engines=(),
        telegram=False,
        credits_per_usd=settings.credits_per_usd,
        taking=taking,
        checks=(),
        disk_full=lambda: False,
    )


def make_forgetting(
    store: Store, storage: ObjectStorage, records: Records, orders: RecordsOf[Job], keys: "Keys"
) -> ForgetUser:
    """Return what forgets people."""
    return ForgetUser(
        store.users,
        [
            ForgetGenerations(records, storage),
            ForgetJobs(store.jobs, orders),
            ForgetChat(store.chats),
        ],
        kept=store.jobs,
        digest=lambda telegram_id: keys.digests_of(telegram_id)[0],
        deeds=store.deeds,
        clock=records.clock,
    )


def make_duties(settings: Settings) -> Duties:
    """Return the texts that Telegram asks for."""
    terms = {
        "en": settings.terms_text,
        "ru": settings.terms_text_ru,
        "pt": settings.terms_text_pt,
    }
    support = {
        "en": settings.paysupport_text,
        "ru": settings.paysupport_text_ru,
        "pt": settings.paysupport_text_pt,
    }
    return Duties(_said(terms), _said(support))


def receivers() -> Receivers:
    """Return how each engine's webhooks are translated."""
    return {comfydeploy.NAME: comfydeploy.receive}


def make_engines(
    peers: Peers, client: httpx.AsyncClient, timing: Timing, metrics: Metrics
) -> Mapping[EngineName, Engine]:
    """Return the engines that are on, by name."""
    engines = dict[EngineName, Engine]()
    if peers.comfydeploy_url is not None:
        engines[comfydeploy.NAME] = ComfyDeploy(
            client,
            url=peers.comfydeploy_url,
            key=peers.comfydeploy_key,
            hosts=peers.comfydeploy_hosts,
            timing=timing,
            metrics=metrics,
        )
    return engines


def make_client() -> httpx.AsyncClient:
    """Return the one HTTP client for engines: no redirects, no proxies of the environment."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
    return httpx.AsyncClient(trust_env=False, follow_redirects=False, limits=limits)


def build(  # noqa: PLR0915 - one long list of parts
    settings: Settings,
    store: Store,
    peers: Peers,
    *,
    name: InstanceName,
    clock: Clock,
    timing: Timing,
    journal: Journal,
    metrics: Metrics,
) -> Service:
    """Wire the service.

    Args:
        settings: What the operator decided, its secrets complete.
        store: The database.
        peers: Where everybody is.
        name: This process, the same after a restart on the same data.
        clock: The time.
        timing: Limits and intervals.
        journal: Told of every change.
        metrics: Counts everything.
    """
    client = make_client()
    keys = Keys(settings)
    alerts = AdminAlerts(
        settings.admin_chat_id, log=partial(_log_alert, structlog.get_logger()), count=metrics.alert
    )
    sender = _make_sender(
        settings=settings,
        store=store,
        peers=peers,
        name=name,
        clock=clock,
        timing=timing,
        alerts=alerts,
        metrics=metrics,
    )
    taking = Taking(name, timing, background=settings.run_background, messenger=sender)
    records = Records(store.generations, clock, journal)
    money, circuits = Money(store.ledger, clock), Circuits(clock, timing, alerts, metrics)
    made = make_engines(peers, client, timing, metrics)
    engines = {name: Watched(engine, circuits) for name, engine in made.items()}
    fetcher = Fetcher(allow_private=peers.allow_private)
    translate = catalogues.translator(catalogues.load())
    storage, links = open_storage(settings), Links(keys.media(), peers.webhook_base, clock)
    handlers: dict[DebtKind, Handler] = {
        DebtKind.SUBMIT: SubmitRun(
            records,
            engines,
            hand_over=HandOver(storage, clock, timing),
            webhook_of=partial(keys.webhook_of, peers.webhook_base),
            names=keys.names,
            taking=taking,
            timing=timing,
        ),
        DebtKind.CANCEL: CancelRun(engines, taking=taking, timing=timing),
        DebtKind.ASK: AskEngine(
            engines, names=keys.names, taking=taking, clock=clock, timing=timing, metrics=metrics
        ),
        DebtKind.END: EndRun(engines, taking=taking, timing=timing, metrics=metrics, alerts=alerts),
        DebtKind.KEEP: KeepOutputs(
            records, engines, files=fetcher, storage=storage, taking=taking, timing=timing
        ),
    }
    orders = RecordsOf[Job](store.jobs, clock, journal.ordered)
    handlers[DebtKind.SETTLE] = SettleRun(
        records, orders, money, taking=taking, timing=timing, alerts=alerts
    )
    starter = StartJob(records, store.jobs, money, taking)
    job_handlers: dict[DebtKind, HandlerOf[Job]] = {
        DebtKind.START: starter,
        DebtKind.CANCEL: CancelJob(records, taking),
    }
    if sender is not None:
        ends = Ends(
            engine_of=engines.get,
            allow_private=peers.allow_private,
            linked=links.download,
            translate=translate,
        )
        telling = _Telling(translate=translate, taking=taking, timing=timing, journal=journal)
        handlers[DebtKind.SHOW] = Show(records, sender, **telling)
        handlers[DebtKind.NOTIFY] = Notify(
            records, sender, ends=ends, finish=settings.telegram_finish, metrics=metrics, **telling
        )
        job_handlers[DebtKind.NOTIFY] = NotifyJob(
            orders,
            records,
            sender,
            ends=ends,
            finish=settings.telegram_finish,
            metrics=metrics,
            **telling,
        )
    discharger = Discharger(
        records,
        handlers,
        taking=taking,
        circuits=circuits,
        timing=timing,
        metrics=metrics,
        alerts=alerts,
    )
    records.inherit(discharger)
    job_hands = Hands[Job](
        orders,
        job_handlers,
        lines=JOB_LINES,
        called="job",
        taking=taking,
        circuits=circuits,
        timing=timing,
        metrics=metrics,
        alerts=alerts,
    )
    orders.inherit(job_hands)
    applier = Applier(
        store.inbox, records, taking, clock=clock, timing=timing, metrics=metrics, alerts=alerts
    )
    sweep = Sweep(
        store.inbox,
        records,
        applier=applier,
        hands=(discharger, job_hands),
        receivers=receivers(),
        taking=taking,
        timing=timing,
        metrics=metrics,
        alerts=alerts,
    )
    acceptor = Acceptor(
        store.inbox,
        applier,
        clock=clock,
        timing=timing,
        metrics=metrics,
        on_return=sweep.ask_all,
    )
    readiness = Readiness(store, settings.data_dir)
    selling = make_selling(
        settings,
        store,
        peers,
        money,
        translate=translate,
        name=name,
        clock=clock,
        timing=timing,
        alerts=alerts,
        metrics=metrics,
    )
    handling, intake = _make_intake(
        settings, store, name=name, clock=clock, timing=timing, metrics=metrics, alerts=alerts
    )
    spending = Spending(store.generations, clock)
    pauses = Pauses(store.controls, spending, clock=clock, alerts=alerts)
    limits = Limits(
        store.jobs,
        clock,
        at_once=settings.limit_at_once,
        per_minute=settings.limit_per_minute,
        per_day=settings.limit_per_day,
    )
    accounts = Accounts(
        store.users,
        money,
        clock,
        welcome=settings.welcome_grant,
        digests=keys.digests_of,
    )
    forgetting = make_forgetting(store, storage, records, orders, keys)
    desk = Orders(
        records,
        orders,
        store.jobs,
        store.presets,
        money=money,
        starter=starter,
        engines=engines.keys(),
        telegram=peers.telegram_url is not None,
        credits_per_usd=settings.credits_per_usd,
        taking=taking,
        checks=(limits, pauses),
        disk_full=readiness.disk_full,
    )
    services = Services(
        acceptor=acceptor,
        desk=Desk(
            records,
            engines.keys(),
            telegram=peers.telegram_url is not None,
            taking=taking,
            disk_full=readiness.disk_full,
            admit=pauses.engine,
        ),
        generations=store.generations,
        accounts=accounts,
        payments=selling.payments,
        office=People(store.users, accounts, store.ledger, store.deeds, clock),
        controlling=make_controlling(store, spending, clock),
        forgetting=forgetting,
        orders=desk,
        refunds=desk,
        arrears=Arrears(records, orders, store.jobs),
        people=store.users,
        presets=store.presets,
        images=TakeImage(
            storage,
            clock,
            threads=ThreadPoolExecutor(THREADS, "images"),
            disk_full=readiness.disk_full,
        ),
        storage=storage,
        metrics=metrics,
        clock=clock,
        webhook_keys={engine: keys.of(engine) for engine in engines},
        receivers={engine: receivers()[engine] for engine in engines},
        api_keys=tuple(each.get_secret_value().encode() for each in settings.internal_api_key),
        media_keys=keys.media(),
        link=links.shown,
        updates=intake if settings.updates_by == "webhook" else None,
        update_secret=_revealed(settings.telegram_webhook_secret).encode(),
        link_to=links.to,
        ready=readiness.problems,
        prefix=urlsplit(peers.webhook_base).path.rstrip("/"),
        cors_origins=settings.cors_origins,
    )
    hooks = Webhooks(services)
    return Service(
        store=store,
        clock=clock,
        timing=timing,
        engines=engines,
        records=records,
        applier=applier,
        acceptor=acceptor,
        discharger=discharger,
        job_hands=job_hands,
        sweep=sweep,
        forgetting=forgetting if settings.run_background else None,
        expiry=_expiry(settings, storage, records, store.leases, name),
        selling=selling,
        taking=taking,
        sender=sender,
        reception=_make_reception(
            settings=settings,
            store=store,
            peers=peers,
            name=name,
            clock=clock,
            timing=timing,
            alerts=alerts,
            metrics=metrics,
            sender=sender,
            handling=handling,
            intake=intake,
            given={
                "accounts": accounts,
                "payments": selling.payments,
            },
        ),
        alerts=alerts,
        duties=make_duties(settings),
        metrics=metrics,
        client=client,
        readiness=readiness,
        hooks=hooks,
        app=create_app(services, hooks),
    )


class _Telling(TypedDict):
    """What all that tells people needs."""

    translate: Translate
    taking: Taking
    timing: Timing
    journal: Journal


def _make_intake(
    settings: Settings,
    store: Store,
    *,
    name: InstanceName,
    clock: Clock,
    timing: Timing,
    metrics: Metrics,
    alerts: Alerts,
) -> tuple[Handling, TakeUpdates]:
    """Return what handles updates, and what takes them in."""
    handling = Handling(
        store.updates, me=name, clock=clock, timing=timing, metrics=metrics, alerts=alerts
    )
    # Who handles none leaves them to those who look for them.
    wake: Wake = handling.wake if settings.run_background else (lambda _: None)
    intake = TakeUpdates(store.updates, wake=wake, clock=clock, timing=timing, metrics=metrics)
    return handling, intake


def make_selling(
    settings: Settings,
    store: Store,
    peers: Peers,
    money: Money,
    *,
    translate: Translate,
    name: InstanceName,
    clock: Clock,
    timing: Timing,
    alerts: Alerts,
    metrics: Metrics,
) -> Selling:
    """Return what sells credits; nobody is asked anything yet."""
    provider = None
    if peers.telegram_url is not None:
        provider = Stars(
            peers.telegram_token,
            peers.telegram_url,
            timeout_seconds=timing.send_limit.total_seconds(),
            metrics=metrics,
        )
    records = PaymentRecords(store.payments, clock)
    debts = PaymentDebts(records, money, provider, timing=timing, alerts=alerts)
    payments = Payments(
        records,
        store.users,
        debts,
        provider,
        bill=lambda payment, tag: paying.bill(Voice(language_of(tag), translate), payment.credits),
        rate=settings.credits_per_star,
        offered=settings.stars_offered,
        alerts=alerts,
    )
    comparing = None
    if provider is not None and settings.run_background:
        comparing = ComparePayments(
            payments, store.payments, provider, store.leases, me=name, clock=clock, alerts=alerts
        )
    return Selling(
        payments=payments,
        debts=debts,
        comparing=comparing,
        stars=provider,
        background=settings.run_background,
    )


class Keys:
    """The keys that URLs of ours are signed with, derived by purpose: first signs, all verify."""

    def __init__(self, settings: Settings) -> None:
        self._secrets = tuple(each.get_secret_value().encode() for each in settings.webhook_secret)

    def of(self, engine: EngineName) -> tuple[bytes, ...]:
        """Return an engine's keys, the signing one first."""
        return tuple(signing.derive(secret, f"webhook:{engine}") for secret in self._secrets)

    def media(self) -> tuple[bytes, ...]:
        """Return the keys of links to files, the signing one first."""
        return tuple(signing.derive(secret, "media") for secret in self._secrets)

    def digests_of(self, telegram_id: int) -> tuple[str, ...]:
        """Return what somebody may have been forgotten under; the first is what they would be."""
        forgotten = (signing.derive(secret, "forgotten") for secret in self._secrets)
        return tuple(signing.person_digest(key, telegram_id) for key in forgotten)

    def webhook_of(self, base: str, generation: Generation) -> str:
        """Return the webhook URL of a generation's current attempt."""
        engine, attempt = generation.engine, generation.attempt
        token = signing.webhook_token(self.of(engine)[0], engine, generation.id, attempt)
        return signing.webhook_url(base, engine, generation.id, token)

    def names(self, webhook: str | None, generation: Generation) -> bool:
        """Return whether a run's webhook URL is ours for this generation and attempt.

        Its base is not compared: it may have been another before a restart.
        """
        try:
            query = parse_qs(urlsplit(webhook).query) if webhook else {}
        except ValueError:
            # A deployment's other runs carry whatever their owners gave them: "http://[nope".
            return False
        given = query.get("generation", [""])[0], query.get("token", [""])[0]
        if given[0] != generation.id:
            return False
        engine = generation.engine
        attempt = signing.verify(self.of(engine), engine, generation.id, given[1])
        return attempt == generation.attempt


def _said(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {language: text for language, text in texts.items() if text}


async def count_debts(service: Service) -> None:
    """Bring the gauges of what is owed up to date."""
    rows = await service.store.generations.owed(service.clock.now())
    service.metrics.debts(
        DebtRow(each.kind, each.state, each.number, each.age.total_seconds()) for each in rows
    )


def _make_sender(
    *,
    settings: Settings,
    store: Store,
    peers: Peers,
    name: InstanceName,
    clock: Clock,
    timing: Timing,
    alerts: AdminAlerts,
    metrics: Metrics,
) -> Sender | None:
    # Whoever leaves the rest to others still tells its own trouble.
    aside = not settings.run_background
    if peers.telegram_url is None or (aside and settings.admin_chat_id is None):
        return None
    return Sender(
        token=peers.telegram_token,
        api_url=peers.telegram_url,
        me=name,
        leases=store.leases,
        chats=store.chats,
        clock=clock,
        alerts=alerts,
        fetch=Fetcher(allow_private=peers.allow_private).fetch,
        timing=timing,
        metrics=metrics,
        allow_private=peers.allow_private,
        aside=aside,
    )


def _make_reception(
    *,
    settings: Settings,
    store: Store,
    peers: Peers,
    name: InstanceName,
    clock: Clock,
    timing: Timing,
    alerts: AdminAlerts,
    metrics: Metrics,
    sender: Sender | None,
    handling: Handling,
    intake: TakeUpdates,
    given: Mapping[str, object],
) -> Reception | None:
    by = settings.updates_by
    if by == "off" or sender is None or peers.telegram_url is None or not settings.run_background:
        return None
    secret = _revealed(settings.telegram_webhook_secret)
    return Reception(
        token=peers.telegram_token,
        api_url=peers.telegram_url,
        me=name,
        way=Way(by, f"{peers.webhook_base}{telegram.PATH}", secret),
        take=intake.take,
        handling=handling,
        sender=sender,
        leases=store.leases,
        around=Around(
            conversations=store.conversations,
            chats=store.chats,
            users=store.users,
            clock=clock,
            given=given,
        ),
        clock=clock,
        alerts=alerts,
        timing=timing,
        metrics=metrics,
    )


def _revealed(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _expiry(
    settings: Settings,
    storage: ObjectStorage,
    records: Records,
    leases: MongoLeases,
    name: InstanceName,
) -> ExpireMedia | None:
    if settings.keep_media_days is None or not settings.run_background:
        return None
    keep = timedelta(days=settings.keep_media_days)
    return ExpireMedia(storage, records, leases, me=name, keep=keep)


def _log_alert(log: Any, slug: str, message: str) -> None:  # noqa: ANN401 - structlog's loggers have no type
    log.error("alert", slug=slug, message=message)
