"""What is done with people, and what they may do."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from app.bootstrap.engines import ENGINES
from app.bootstrap.hooking import Hooking
from app.bootstrap.keys import Keys
from app.bootstrap.selling import Selling
from app.bootstrap.store import Store
from app.bootstrap.tools import Tools
from app.clock import Clock
from app.observability.journal import Journal
from app.settings import Settings
from app.store.objects import ObjectStorage
from app.usecases.arrears import Arrears
from app.usecases.controlling import Controlling
from app.usecases.duties import Duties
from app.usecases.forget_hooks import ForgetHooks
from app.usecases.forget_payments import ForgetPayments
from app.usecases.forget_user import (
    ForgetChat,
    ForgetGenerations,
    ForgetJobs,
    ForgetPictures,
    ForgetUser,
)
from app.usecases.limits import Limits
from app.usecases.money import Money
from app.usecases.orders import Orders
from app.usecases.own_hooks import OwnHooks
from app.usecases.pauses import Pauses, Spending
from app.usecases.people import People
from app.usecases.quoting import Quoting
from app.usecases.records import Records, RecordsOf
from app.usecases.register_user import Accounts
from app.usecases.reset_job import ResetJob
from app.usecases.start_job import StartJob
from app.usecases.take_image import THREADS, TakeImage
from app.usecases.taking import Taking
from schemas.base import InstanceName
from schemas.job import Job
from schemas.payment import Payment
from schemas.timing import Timing


@dataclass(frozen=True, kw_only=True)
class Desks:
    """What people and programs turn to.

    Attributes:
        accounts: Registers people, and says what they own.
        office: What administrators do with people.
        orders: Takes their orders.
        pauses: What is paused or capped.
        controlling: An operator's switches.
        forgetting: Forgets people.
        arrears: What is stuck or was given up.
        reset: Has jobs moved that are stuck.
        images: Takes their pictures.
        duties: The texts that Telegram asks for.
    """

    accounts: Accounts
    office: People
    orders: Orders
    pauses: Pauses
    controlling: Controlling
    forgetting: ForgetUser
    arrears: Arrears
    reset: ResetJob
    images: TakeImage
    duties: Duties


def make_desks(tools: Tools, starter: StartJob, selling: Selling, hooking: Hooking) -> Desks:
    """Return what people and programs turn to."""
    settings, store, clock = tools.settings, tools.store, tools.clock
    accounts = Accounts(
        store.users,
        tools.money,
        clock,
        welcome=settings.welcome_grant,
        digests=tools.keys.digests_of,
    )
    spending = Spending(store.generations, clock)
    pauses = Pauses(store.controls, spending, clock=clock, alerts=tools.alerts)
    return Desks(
        accounts=accounts,
        office=People(store.users, accounts, store.ledger, store.deeds, clock),
        orders=Orders(
            tools.records,
            tools.orders,
            store.jobs,
            store.users,
            quoting=Quoting(
                store.generations,
                store.presets,
                tools.money,
                clock,
                engines=tools.engines.keys(),
                credits_per_usd=settings.credits_per_usd,
                limits=_limits(settings, store, clock),
                checks=(pauses,),
                disk_full=tools.readiness.disk_full,
            ),
            money=tools.money,
            starter=starter,
            hooks=hooking.own,
            telegram=tools.peers.telegram_url is not None,
            taking=tools.taking,
        ),
        pauses=pauses,
        controlling=make_controlling(store, spending, clock),
        forgetting=make_forgetting(
            store,
            tools.storage,
            tools.records,
            orders=tools.orders,
            bought=selling.records,
            keys=tools.keys,
        ),
        arrears=Arrears(tools.records, tools.orders, store.jobs, selling.records, hooking.records),
        reset=ResetJob(tools.records, tools.orders, store.deeds),
        images=TakeImage(
            tools.storage,
            clock,
            threads=ThreadPoolExecutor(THREADS, "images"),
            disk_full=tools.readiness.disk_full,
        ),
        duties=make_duties(settings),
    )


def make_controlling(store: Store, spending: Spending, clock: Clock) -> Controlling:
    """Return an operator's switches, for all engines that there could be."""
    return Controlling(
        store.controls,
        store.presets,
        ENGINES,
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
        store.users,
        quoting=Quoting(
            store.generations,
            store.presets,
            money,
            clock,
            engines=(),
            credits_per_usd=settings.credits_per_usd,
            limits=_limits(settings, store, clock),
            checks=(),
            disk_full=lambda: False,
        ),
        money=money,
        starter=StartJob(records, store.jobs, money, taking),
        hooks=OwnHooks(store.endpoints, clock, allow_private=False),
        telegram=False,
        taking=taking,
    )


def make_forgetting(
    store: Store,
    storage: ObjectStorage,
    records: Records,
    *,
    orders: RecordsOf[Job],
    bought: RecordsOf[Payment],
    keys: Keys,
) -> ForgetUser:
    """Return what forgets people."""
    return ForgetUser(
        store.users,
        [
            ForgetGenerations(records, storage),
            ForgetJobs(store.jobs, orders),
            ForgetPictures(store.generations, storage),
            ForgetPayments(store.payments, bought),
            ForgetHooks(store.endpoints, store.deliveries),
            ForgetChat(store.chats, store.conversations),
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


def _limits(settings: Settings, store: Store, clock: Clock) -> Limits:
    return Limits(
        store.jobs,
        clock,
        at_once=settings.limit_at_once,
        per_minute=settings.limit_per_minute,
        per_day=settings.limit_per_day,
    )


def _said(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {language: text for language, text in texts.items() if text}
