"""What lets other programs hear of what happens here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.bootstrap.store import Store
from app.bootstrap.tools import Tools
from app.clock import Clock
from app.engines.courier import HttpCourier
from app.observability.journal import Journal
from app.settings import Settings
from app.usecases.delivery_debts import Deliver, DeliveryHands
from app.usecases.endpoints import HookDesk
from app.usecases.hand_out import HandOut, HandOutGeneration, HandOutJob
from app.usecases.listeners import AnnounceGenerations, AnnounceJobs, Listeners
from app.usecases.orders import JobView
from app.usecases.own_hooks import OwnHooks
from app.usecases.pause_endpoint import PauseEndpoint
from app.usecases.records import RecordsOf
from app.usecases.taking import Taking
from app.usecases.tell_progress import TellProgress
from app.web import job_views, shown
from app.web.services import Link
from schemas.generation import Generation
from schemas.hook import Delivery
from schemas.job import Job
from schemas.timing import Timing


@dataclass(frozen=True, kw_only=True)
class Hooking:
    """What lets other programs hear of what happens here.

    Attributes:
        desk: An operator's endpoints.
        own: Those that orders bring with them.
        records: What is on its way to them.
        hands: Send it.
        generation: Does what a generation owes to who listens.
        job: The same of a job.
        progress: Tells of progress; None on hosts where nothing runs between requests.
    """

    desk: HookDesk
    own: OwnHooks
    records: RecordsOf[Delivery]
    hands: DeliveryHands
    generation: HandOutGeneration
    job: HandOutJob
    progress: TellProgress | None


def make_hooking(tools: Tools) -> Hooking:
    """Return it; from now on writes of records owe what others hear of."""
    store, clock, taking, timing = tools.store, tools.clock, tools.taking, tools.timing
    courier = HttpCourier(
        allow_private=tools.peers.allow_private, limit=timing.hook_limit, clock=clock
    )
    records = RecordsOf[Delivery](store.deliveries, clock, tools.journal.delivered)
    hands = DeliveryHands(
        records,
        Deliver(
            store.endpoints,
            courier,
            PauseEndpoint(store.endpoints, tools.alerts, tools.metrics, clock.now),
            now=clock.now,
            timing=timing,
            metrics=tools.metrics,
        ),
        taking=taking,
        circuits=tools.circuits,
        timing=timing,
        metrics=tools.metrics,
        alerts=tools.alerts,
    )
    listeners = announce(store, tools.records, tools.orders, taking, timing)
    hand_out = HandOut(store.endpoints, records, taking)
    show = partial(shown.internal, link=tools.links.shown)
    progress = None
    if not tools.settings.by_calls:
        # Whoever applies events tells of them, though others do what is owed.
        progress = TellProgress(
            store.endpoints,
            listeners,
            courier,
            tools.records,
            show,
            clock=clock,
            timing=timing,
        )
        tools.records.watched_by(progress.note)
    return Hooking(
        desk=_desk(store, records, courier, clock, allow_private=tools.peers.allow_private),
        own=OwnHooks(store.endpoints, clock, allow_private=tools.peers.allow_private),
        records=records,
        hands=hands,
        generation=HandOutGeneration(hand_out, tools.records, show),
        job=HandOutJob(hand_out, tools.records, partial(_job, tools.links.shown)),
        progress=progress,
    )


def make_hook_desk(settings: Settings, store: Store, clock: Clock) -> HookDesk:
    """Return an operator's endpoints, for a process that sends nothing but tries."""
    private = settings.allow_private_targets or not settings.live
    courier = HttpCourier(allow_private=private, limit=Timing().hook_limit, clock=clock)
    records = RecordsOf[Delivery](store.deliveries, clock, Journal().delivered)
    return _desk(store, records, courier, clock, allow_private=private)


def announce(
    store: Store,
    records: RecordsOf[Generation],
    orders: RecordsOf[Job],
    taking: Taking,
    timing: Timing,
) -> Listeners:
    """Have writes of records owe what others hear of; return what is known of who listens."""
    listeners = Listeners(store.endpoints, timing.hook_fresh)
    records.announced_by(AnnounceGenerations(listeners, taking))
    orders.announced_by(AnnounceJobs(listeners, taking))
    return listeners


def _desk(
    store: Store,
    records: RecordsOf[Delivery],
    courier: HttpCourier,
    clock: Clock,
    *,
    allow_private: bool,
) -> HookDesk:
    return HookDesk(
        store.endpoints,
        store.deliveries,
        records,
        courier=courier,
        deeds=store.deeds,
        clock=clock,
        allow_private=allow_private,
    )


def _job(link: Link, job: Job, generations: Sequence[Generation]) -> dict[str, Any]:
    return job_views.internal(JobView(job, tuple(generations)), link)
