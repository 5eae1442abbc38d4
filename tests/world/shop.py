"""What one process of a simulated world sells: jobs, and the credits that they move."""

from collections.abc import MutableMapping
from decimal import Decimal
from typing import Final, NamedTuple

from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.ports import Messenger
from app.usecases.circuits import Circuits
from app.usecases.hands import Hands
from app.usecases.money import Money
from app.usecases.notify import Ends
from app.usecases.notify_job import NotifyJob
from app.usecases.orders import Orders
from app.usecases.quoting import Quoting
from app.usecases.records import Records, RecordsOf
from app.usecases.settle_run import SettleRun
from app.usecases.show_job import Parts
from app.usecases.start_job import JOB_LINES, CancelJob, StartJob
from app.usecases.taking import Taking
from schemas.base import UserId
from schemas.debt import DebtKind
from schemas.job import Job
from schemas.ledger import Entry
from schemas.preset import CostPrice, FixedHold
from schemas.timing import Timing
from schemas.user import User
from tests.builders import a_preset, a_user
from tests.fakes.alerts import FakeAlerts
from tests.fakes.gates import Gate
from tests.fakes.jobs import FakeJobs
from tests.fakes.ledger import FakeLedger
from tests.fakes.presets import FakePresets
from tests.fakes.users import FakeUsers
from tests.speech import translate
from tests.world.cloud import NAME

CREDITS_PER_USD: Final = Decimal(1000)
HELD: Final = Decimal(5)
"""What every preset holds."""
PEOPLE: Final = tuple(
    a_user(id=UserId(f"0198c0ffee0198c0ffee0198c0ffeea{number}"), telegram_id=number + 1)
    for number in range(2)
)
_BY_COST: Final = CostPrice(
    kind="cost", factor=Decimal(1), hold=FixedHold(kind="fixed", credits=HELD)
)
PRESETS: Final = (
    a_preset("fixed"),
    a_preset("cost", price=_BY_COST),
    a_preset("unknown", price=_BY_COST, cost_rate=None),
    a_preset("fee", cancel_fee="cost"),
)


class Kept(NamedTuple):
    """What the database holds of jobs and credits."""

    jobs: MutableMapping[str, Job]
    entries: list[Entry]


class Shop(NamedTuple):
    """What one process takes orders with, and its hands for them."""

    orders: Orders
    money: Money
    settle: SettleRun
    jobs: RecordsOf[Job]
    hands: Hands[Job]


def a_shop(
    kept: Kept,
    records: Records,
    messenger: Messenger,
    *,
    taking: Taking,
    timing: Timing,
    circuits: Circuits,
    ends: Ends,
    metrics: Metrics,
    alerts: FakeAlerts,
    gate: Gate,
) -> Shop:
    """Build the part of a process that deals with jobs."""
    clock = records.clock
    jobs = FakeJobs(kept.jobs, gate)
    money = Money(FakeLedger(gate, kept.entries), clock)
    known = RecordsOf[Job](jobs, clock, _unnoted)
    starter = StartJob(records, jobs, money, taking)
    hands = Hands[Job](
        known,
        {
            DebtKind.START: starter,
            DebtKind.CANCEL: CancelJob(records, taking),
            DebtKind.NOTIFY: NotifyJob(
                known,
                records,
                messenger,
                parts=Parts(records, FakePresets(*PRESETS, gate=gate)),
                ends=ends,
                finish="send",
                translate=translate,
                taking=taking,
                timing=timing,
                journal=Journal(),
                metrics=metrics,
            ),
        },
        lines=JOB_LINES,
        called="job",
        taking=taking,
        circuits=circuits,
        timing=timing,
        metrics=metrics,
        alerts=alerts,
    )
    known.inherit(hands)
    orders = Orders(
        records,
        known,
        jobs,
        FakeUsers(*PEOPLE, gate=gate),
        quoting=Quoting(
            records.generations,
            FakePresets(*PRESETS, gate=gate),
            money,
            records.clock,
            engines=[NAME],
            credits_per_usd=CREDITS_PER_USD,
            limits=_unlimited,
            checks=(),
            disk_full=lambda: False,
        ),
        money=money,
        starter=starter,
        telegram=True,
        taking=taking,
    )
    settle = SettleRun(records, known, money, taking=taking, timing=timing, alerts=alerts)
    return Shop(orders, money, settle, known, hands)


async def _unlimited(user: User) -> None:
    """Let everybody order as much as they like."""
    del user


def _unnoted(before: Job | None, after: Job) -> None:
    del before, after
