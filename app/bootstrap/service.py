"""The service, wired."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx
from starlette.types import ASGIApp

from app.bootstrap.calling import Calling, Chores, make_calling
from app.bootstrap.discharging import make_discharger, make_job_hands
from app.bootstrap.engines import receivers
from app.bootstrap.fleet import Placing, make_placing
from app.bootstrap.hooking import Hooking, make_hooking
from app.bootstrap.people import Desks, make_desks
from app.bootstrap.readiness import Readiness
from app.bootstrap.reception import (
    make_handling,
    make_intake,
    make_reception,
    prices,
    update_secret,
)
from app.bootstrap.selling import Selling, make_selling
from app.bootstrap.store import Store
from app.bootstrap.tools import Tools
from app.clock import Clock
from app.live.hub import Hub
from app.observability.metrics import DebtRow, LineRow, Metrics, OpenRow, ServerRow
from app.ports import Engine
from app.settings import EXAMPLE
from app.signals.alone import Alone
from app.telegram.alerts import AdminAlerts
from app.telegram.handling import Handling
from app.telegram.reception import Reception
from app.telegram.sender import Sender
from app.usecases import open_work
from app.usecases.accept_events import Acceptor
from app.usecases.add_up import AddUp
from app.usecases.apply_events import Applier
from app.usecases.audit_ledger import AuditLedger
from app.usecases.desk import Desk
from app.usecases.discharge import Discharger
from app.usecases.duties import Duties
from app.usecases.expire_media import ExpireMedia
from app.usecases.hands import Hands
from app.usecases.open_work import OpenWork
from app.usecases.oversee import Oversee
from app.usecases.records import Records
from app.usecases.requests import Requests
from app.usecases.start_job import StartJob
from app.usecases.sweep import Sweep
from app.usecases.take_updates import TakeUpdates
from app.usecases.taking import Taking
from app.usecases.watch_ledger import WatchLedger
from app.web.application import create_app
from app.web.services import Services
from app.web.webhooks import Webhooks
from processors.protocols import replicate, standard_webhooks
from schemas.base import EngineName
from schemas.job import Job
from schemas.timing import Timing

if TYPE_CHECKING:
    from app.signals.redis import RedisWaker

Drain = Callable[[], Awaitable[None]]
"""Begins nothing more, waits for what is under way, and gives back what only one may hold."""


ALL_STUCK: Final = 5_000
"""More than is ever looked at of what is stuck: the gauges count all of it."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """Everything that runs, wired.

    Attributes:
        drains: What a process that is to end does first, one after the other.
    """

    store: Store
    clock: Clock
    timing: Timing
    engines: Mapping[EngineName, Engine]
    records: Records
    applier: Applier
    placing: Placing | None
    acceptor: Acceptor
    discharger: Discharger
    job_hands: Hands[Job]
    sweep: Sweep
    waker: "Alone | RedisWaker"
    drains: tuple[Drain, ...]
    chores: Chores
    selling: Selling
    hooking: Hooking
    taking: Taking
    sender: Sender | None
    reception: Reception | None
    alerts: AdminAlerts
    duties: Duties
    metrics: Metrics
    client: httpx.AsyncClient
    readiness: Readiness
    oversee: Oversee
    add_up: AddUp
    open_work: OpenWork
    live: Hub
    hooks: Webhooks
    app: ASGIApp


def assemble(tools: Tools) -> Service:
    """Wire the service of its tools."""
    applier = _applier(tools)
    placing = make_placing(tools, applier)
    hooking = make_hooking(tools)
    discharger = make_discharger(tools, placing, hooking)
    starter = StartJob(tools.records, tools.store.jobs, tools.money, tools.taking)
    job_hands, selling = make_job_hands(tools, starter, hooking), make_selling(tools)
    sweep = Sweep(
        tools.store.inbox,
        tools.records,
        applier=applier,
        hands=(discharger, job_hands, selling.hands, hooking.hands),
        receivers=receivers(),
        taking=tools.taking,
        timing=tools.timing,
        metrics=tools.metrics,
        alerts=tools.alerts,
    )
    acceptor = Acceptor(
        tools.store.inbox,
        applier,
        clock=tools.clock,
        timing=tools.timing,
        metrics=tools.metrics,
        on_return=sweep.ask_all,
        patient={replicate.NAME},
    )
    desks, handling = make_desks(tools, starter, selling, hooking), make_handling(tools)
    intake = make_intake(tools, handling)
    chores = Chores(
        forgetting=desks.forgetting if tools.settings.works else None,
        comparing=selling.comparing,
        auditing=_auditing(tools),
        expiry=_expiry(tools),
    )
    calling = make_calling(
        tools,
        sweep,
        applier,
        discharger=discharger,
        job_hands=job_hands,
        others=(selling.hands, hooking.hands),
        chores=chores,
        handling=handling,
    )
    live = Hub(
        tools.store.changes,
        tools.store.views,
        clock=tools.clock,
        timing=tools.timing,
        metrics=tools.metrics,
    )
    services = _services(
        tools, acceptor, desks, selling, intake, live=live, calling=calling, hooking=hooking
    )
    hooks = Webhooks(services)
    reception = make_reception(tools, desks, selling, handling, intake)
    _attend(tools, sweep, selling, hooking, handling)
    if placing is not None and tools.settings.run_background:
        tools.waker.heed(placing.places.wake)
    return Service(
        store=tools.store,
        clock=tools.clock,
        timing=tools.timing,
        engines=tools.engines,
        records=tools.records,
        applier=applier,
        placing=placing if tools.settings.run_background else None,
        acceptor=acceptor,
        discharger=discharger,
        job_hands=job_hands,
        sweep=sweep,
        waker=tools.waker,
        drains=tuple(each.drain for each in (placing, reception) if each is not None),
        chores=chores,
        selling=selling,
        hooking=hooking,
        taking=tools.taking,
        sender=tools.sender,
        reception=reception,
        alerts=tools.alerts,
        duties=desks.duties,
        metrics=tools.metrics,
        client=tools.client,
        readiness=tools.readiness,
        oversee=tools.oversee,
        add_up=tools.add_up,
        open_work=tools.open_work,
        live=live,
        hooks=hooks,
        app=create_app(services, hooks),
    )


async def count_debts(service: Service) -> None:
    """Bring the gauges of what is owed up to date: by records of every kind together."""
    store, now = service.store, service.clock.now()
    rows = [
        *await store.generations.owed(now),
        *await store.jobs.owed(now),
        *await store.payments.owed(now),
        *await store.deliveries.owed(now),
    ]
    service.metrics.debts(
        DebtRow(each.kind, each.state, each.number, each.age.total_seconds()) for each in rows
    )


async def count_servers(service: Service) -> None:
    """Bring the gauges of the servers up to date: of those that our settings name."""
    if not service.oversee.servers:
        return
    now, found = service.clock.now(), await service.oversee()
    waited = timedelta() if found.since is None else now - found.since
    service.metrics.servers(
        [
            ServerRow(each.name, each.healthy, len(each.slots), each.taken)
            for each in found.servers
            if each.named
        ],
        LineRow(found.waiting, waited.total_seconds()),
    )


async def count_open(service: Service) -> None:
    """Bring the gauges of what is open and stuck up to date."""
    found = await service.open_work(ALL_STUCK)
    oldest = found.jobs.oldest
    service.metrics.open_work(
        OpenRow(
            found.jobs.number,
            found.jobs.paused,
            found.stuck_jobs,
            0 if oldest is None else open_work.age(oldest.since, found.at),
        ),
        [(each.reason, open_work.age(each.since, found.at)) for each in found.stuck],
    )


def _attend(
    tools: Tools, sweep: Sweep, selling: Selling, hooking: Hooking, handling: Handling
) -> None:
    """Have others woken by what is left to them, and ourselves by what they leave."""
    # Without Redis nobody hears it, and no write need be looked at for it.
    owing = (tools.records, tools.orders, selling.records, hooking.records)
    for each in owing if tools.settings.redis_url else ():
        each.leave_to(tools.waker)
    if tools.settings.run_background:
        tools.waker.heed(sweep.look)
        tools.waker.heed(handling.look)


def _applier(tools: Tools) -> Applier:
    return Applier(
        tools.store.inbox,
        tools.records,
        tools.taking,
        clock=tools.clock,
        timing=tools.timing,
        metrics=tools.metrics,
        alerts=tools.alerts,
    )


def _services(
    tools: Tools,
    acceptor: Acceptor,
    desks: Desks,
    selling: Selling,
    intake: TakeUpdates,
    *,
    live: Hub,
    calling: Calling | None,
    hooking: Hooking,
) -> Services:
    """Return what the web layer needs."""
    settings, keys, engines = tools.settings, tools.keys, tools.engines
    return Services(
        acceptor=acceptor,
        desk=Desk(
            tools.records,
            Requests(tools.store.workflows),
            engines.keys(),
            telegram=tools.peers.telegram_url is not None,
            taking=tools.taking,
            own_hooks=hooking.own,
            disk_full=tools.readiness.disk_full,
            admit=desks.pauses.engine,
        ),
        generations=tools.store.generations,
        accounts=desks.accounts,
        payments=selling.payments,
        office=desks.office,
        controlling=desks.controlling,
        hook_desk=hooking.desk,
        forgetting=desks.forgetting,
        orders=desks.orders,
        refunds=desks.orders,
        arrears=desks.arrears,
        people=tools.store.users,
        presets=tools.store.presets,
        prices=prices(tools),
        workflows=tools.store.workflows,
        images=desks.images,
        storage=tools.storage,
        uses=tools.store.uses,
        add_up=tools.add_up,
        previews=tools.store.previews,
        live=live,
        oversee=tools.oversee,
        open_work=tools.open_work,
        reset=desks.reset,
        sessions=tools.store.sessions,
        metrics=tools.metrics,
        clock=tools.clock,
        engines=tuple(engines),
        example=None if settings.live else EXAMPLE,
        webhook_keys={engine: keys.of(engine) for engine in receivers() if engine in engines},
        webhook_secrets={replicate.NAME: standard_webhooks.keys(tools.peers.replicate_secrets)},
        receivers={name: receive for name, receive in receivers().items() if name in engines},
        api_keys=settings.api_keys,
        view_keys=keys.view(),
        media_keys=keys.media(),
        link=tools.links.shown,
        link_to=tools.links.to,
        updates=intake if settings.updates_by == "webhook" else None,
        update_secret=update_secret(settings.telegram_webhook_secret).encode(),
        cron_keys=tuple(each.get_secret_value().encode() for each in settings.cron_key),
        shifts=calling,
        attend=None if calling is None else calling.attend,
        ready=tools.readiness.problems,
        prefix=urlsplit(tools.peers.webhook_base).path.rstrip("/"),
        cors_origins=settings.cors_origins,
    )


def _auditing(tools: Tools) -> WatchLedger | None:
    if not tools.settings.works:
        return None
    store, clock = tools.store, tools.clock
    return WatchLedger(
        AuditLedger(store.ledger, store.jobs, store.generations, clock, tools.timing),
        store.leases,
        tools.alerts,
        metrics=tools.metrics,
        clock=clock,
        me=tools.name,
    )


def _expiry(tools: Tools) -> ExpireMedia | None:
    settings = tools.settings
    if settings.keep_media_days is None or not settings.works:
        return None
    keep = timedelta(days=settings.keep_media_days)
    return ExpireMedia(tools.storage, tools.records, tools.store.leases, me=tools.name, keep=keep)
