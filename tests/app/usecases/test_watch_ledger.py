"""app.usecases.watch_ledger: an audit now and then."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.observability.metrics import Metrics
from app.usecases.audit_ledger import AuditLedger
from app.usecases.watch_ledger import EVERY, WatchLedger
from schemas.base import InstanceName
from tests.app.observability.test_metrics import figure
from tests.app.usecases.test_audit_ledger import some_entries
from tests.builders import HERE, JOB, NOON, TIMING, a_job
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.jobs import FakeJobs
from tests.fakes.leases import FakeLeases
from tests.fakes.ledger import FakeLedger

pytestmark = pytest.mark.anyio


class Scene:
    """A ledger that adds up, at noon."""

    def __init__(self) -> None:
        self.ledger = FakeLedger(kept=some_entries())
        self.clock = FakeClock()
        self.leases = FakeLeases()
        self.alerts = FakeAlerts()

    def watcher(self, me: InstanceName, metrics: Metrics) -> WatchLedger:
        """Return what watches in a process."""
        jobs = FakeJobs({JOB: a_job()})
        return WatchLedger(
            AuditLedger(self.ledger, jobs, FakeGenerations(), self.clock, TIMING),
            self.leases,
            self.alerts,
            metrics=metrics,
            clock=self.clock,
            me=me,
        )


async def test_a_ledger_that_adds_up_is_no_news() -> None:
    """One process audits it, and when is seen."""
    scene, metrics, idle = Scene(), Metrics(), Metrics()

    await scene.watcher(HERE, metrics).once()
    await scene.watcher(InstanceName("there"), idle).once()

    assert scene.alerts.raised == []
    assert figure(metrics, "ledger_wrong", kind="mismatch") == 0
    assert figure(metrics, "ledger_audited_timestamp_seconds") == NOON.timestamp()
    assert figure(idle, "ledger_audited_timestamp_seconds") == 0


async def test_what_does_not_add_up_is_told() -> None:
    """At the next audit, not before."""
    scene, metrics = Scene(), Metrics()
    watcher = scene.watcher(HERE, metrics)
    await watcher.once()
    scene.ledger.kept[0] = scene.ledger.kept[0].change(balance=Decimal(11))

    scene.clock.move(EVERY - timedelta(seconds=1))
    await watcher.once()
    assert scene.alerts.raised == []
    scene.clock.move(timedelta(seconds=1))
    await watcher.once()

    assert scene.alerts.raised == ["ledger_wrong"]
    assert figure(metrics, "ledger_wrong", kind="mismatch") != 0
    assert figure(metrics, "ledger_wrong", kind="unreadable") == 0
