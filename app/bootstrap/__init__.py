"""The composition root: the only package that knows concrete classes."""

from app.bootstrap.calling import Chores
from app.bootstrap.engines import (
    make_client,
    make_comfydeploy,
    make_comfyui,
    make_engines,
    make_replicate,
    receivers,
)
from app.bootstrap.hooking import make_hook_desk
from app.bootstrap.keys import Keys
from app.bootstrap.peers import Peers
from app.bootstrap.people import make_controlling, make_duties, make_forgetting, make_refunds
from app.bootstrap.readiness import LEAST_DISK
from app.bootstrap.service import Service, assemble, count_debts, count_open, count_servers
from app.bootstrap.store import Store, open_storage, open_store
from app.bootstrap.tools import make_tools
from app.clock import Clock
from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.settings import Settings
from schemas.base import InstanceName
from schemas.timing import Timing

__all__ = [
    "LEAST_DISK",
    "Chores",
    "Keys",
    "Peers",
    "Service",
    "Store",
    "build",
    "count_debts",
    "count_open",
    "count_servers",
    "make_client",
    "make_comfydeploy",
    "make_comfyui",
    "make_controlling",
    "make_duties",
    "make_engines",
    "make_forgetting",
    "make_hook_desk",
    "make_refunds",
    "make_replicate",
    "open_storage",
    "open_store",
    "receivers",
]


def build(
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
    return assemble(
        make_tools(
            settings,
            store,
            peers,
            name=name,
            clock=clock,
            timing=timing,
            journal=journal,
            metrics=metrics,
        )
    )
