"""What every part of the service is made with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import structlog

from app.bootstrap.engines import make_client, make_comfyui, make_engines
from app.bootstrap.keys import Keys
from app.bootstrap.peers import Peers
from app.bootstrap.readiness import Readiness
from app.bootstrap.store import Store, open_storage
from app.bootstrap.waking import make_waker
from app.clock import Clock
from app.engines.comfyui import ComfyUI
from app.engines.fetching import Fetcher
from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.ports import Engine
from app.settings import Settings
from app.signals.alone import Alone
from app.store.objects import ObjectStorage
from app.telegram import catalogues
from app.telegram.alerts import AdminAlerts
from app.telegram.sender import Sender
from app.usecases.add_up import AddUp
from app.usecases.calls import Calls
from app.usecases.circuits import Circuits
from app.usecases.links import Links
from app.usecases.money import Money
from app.usecases.open_work import OpenWork
from app.usecases.oversee import Oversee
from app.usecases.records import Records, RecordsOf
from app.usecases.seen_servers import SeenServers
from app.usecases.taking import Taking
from app.usecases.watched import Watched
from processors.notifications.texts import Translate
from schemas.base import EngineName, InstanceName
from schemas.job import Job
from schemas.timing import Timing

if TYPE_CHECKING:
    from app.signals.redis import RedisWaker


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What every part of the service is made with.

    Attributes:
        settings: What the operator decided, its secrets complete.
        name: This process, the same after a restart on the same data.
        waker: Wakes the other processes, and is woken by them.
        sender: The bot's one sender; None where Telegram is off.
        calls: Those that work is done in, where there is no background.
        records: The generations.
        orders: The jobs.
        engines: Those that are on, by name.
        comfyui: The ComfyUI servers, which are one of them; None where there are none.
        oversee: Tells how these stand.
        add_up: Adds the last hours up.
        open_work: Tells what is open, and what is stuck.
        fetcher: Gets files of peers.
        storage: Files we keep.
    """

    settings: Settings
    store: Store
    peers: Peers
    name: InstanceName
    clock: Clock
    timing: Timing
    journal: Journal
    metrics: Metrics
    alerts: AdminAlerts
    client: httpx.AsyncClient
    keys: Keys
    readiness: Readiness
    waker: "Alone | RedisWaker"
    sender: Sender | None
    calls: Calls
    taking: Taking
    circuits: Circuits
    records: Records
    orders: RecordsOf[Job]
    money: Money
    engines: Mapping[EngineName, Engine]
    comfyui: ComfyUI | None
    oversee: Oversee
    add_up: AddUp
    open_work: OpenWork
    fetcher: Fetcher
    storage: ObjectStorage
    links: Links
    translate: Translate


def make_tools(
    settings: Settings,
    store: Store,
    peers: Peers,
    *,
    name: InstanceName,
    clock: Clock,
    timing: Timing,
    journal: Journal,
    metrics: Metrics,
) -> Tools:
    """Make what every part is made with; nobody is asked anything yet."""
    calls = Calls()
    client, keys = make_client(peers.comfyui_servers), Keys(settings)
    alerts = AdminAlerts(
        settings.admin_chat_id, log=partial(_log_alert, structlog.get_logger()), count=metrics.alert
    )
    fetcher = Fetcher(
        allow_private=peers.allow_private,
        own={server.url: server.headers for server in peers.comfyui_servers},
    )
    sender = _make_sender(
        settings,
        store,
        peers,
        name=name,
        clock=clock,
        timing=timing,
        alerts=alerts,
        metrics=metrics,
        fetcher=fetcher,
        calls=calls,
    )
    circuits = Circuits(clock, timing, alerts, metrics)
    seen = make_seen(store, name, clock, timing)
    servers = make_comfyui(peers, client, timing, metrics, seen) if peers.comfyui_servers else None
    records = Records(store.generations, clock, journal)
    made = make_engines(peers, client, timing, metrics, servers)
    return Tools(
        settings=settings,
        store=store,
        peers=peers,
        name=name,
        clock=clock,
        timing=timing,
        journal=journal,
        metrics=metrics,
        alerts=alerts,
        client=client,
        keys=keys,
        readiness=Readiness(store, settings.data_dir),
        waker=make_waker(settings, name, clock, timing, metrics),
        sender=sender,
        calls=calls,
        taking=Taking(
            name, timing, background=settings.run_background, messenger=sender, calls=calls
        ),
        circuits=circuits,
        records=records,
        orders=RecordsOf[Job](store.jobs, clock, journal.ordered),
        money=Money(store.ledger, clock),
        comfyui=servers,
        add_up=AddUp(store.totals, store.uses, store.generations, store.presets, clock),
        oversee=make_oversee(store, peers, clock, timing),
        open_work=OpenWork(records, store.jobs, timing=timing),
        engines={name: Watched(engine, circuits) for name, engine in made.items()},
        fetcher=fetcher,
        storage=open_storage(settings),
        links=Links(keys.media(), peers.webhook_base, clock),
        translate=catalogues.translator(catalogues.load()),
    )


def make_seen(store: Store, me: InstanceName, clock: Clock, timing: Timing) -> SeenServers:
    """Return what tells which ComfyUI servers other processes see to."""
    return SeenServers(store.servers, ComfyUI.name, me=me, clock=clock, timing=timing)


def make_oversee(store: Store, peers: Peers, clock: Clock, timing: Timing) -> Oversee:
    """Return what tells how the ComfyUI servers stand."""
    return Oversee(
        store.generations,
        store.servers,
        ComfyUI.name,
        peers.comfyui_servers,
        clock=clock,
        timing=timing,
    )


def _make_sender(
    settings: Settings,
    store: Store,
    peers: Peers,
    *,
    name: InstanceName,
    clock: Clock,
    timing: Timing,
    alerts: AdminAlerts,
    metrics: Metrics,
    fetcher: Fetcher,
    calls: Calls,
) -> Sender | None:
    # Whoever leaves the rest to others still tells its own trouble.
    aside = not settings.works
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
        fetch=fetcher.fetch,
        timing=timing,
        metrics=metrics,
        allow_private=peers.allow_private,
        own=peers.own,
        aside=aside,
        calls=calls if settings.by_calls else None,
    )


def _log_alert(log: Any, slug: str, message: str) -> None:  # noqa: ANN401 - structlog's loggers have no type
    log.error("alert", slug=slug, message=message)
