"""What one process of a simulated world sells: jobs, and the credits that they move."""

from collections.abc import MutableMapping
from decimal import Decimal
from typing import Final, NamedTuple

from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.ports import Messenger
from app.usecases.advance import Advance, AdvanceJob, GoOn
from app.usecases.circuits import Circuits
from app.usecases.hands import Hands
from app.usecases.money import Money
from app.usecases.notify import Ends
from app.usecases.notify_job import NotifyJob
from app.usecases.orders import Orders
from app.usecases.quoting import Quoting
from app.usecases.records import Records, RecordsOf
from app.usecases.settle_run import SettleRun
from app.usecases.show_job import Parts, ShowJob
from app.usecases.start_job import JOB_LINES, CancelJob, StartJob
from app.usecases.taking import Taking
from schemas.base import UserId
from schemas.debt import DebtKind
from schemas.job import Job
from schemas.ledger import Entry
from schemas.preset import CostPrice, FixedHold, ImageInput, ReplicateTarget
from schemas.timing import Timing
from schemas.user import User
from tests.builders import a_preset, a_prompt, a_user, titled
from tests.fakes.alerts import FakeAlerts
from tests.fakes.gates import Gate
from tests.fakes.hooks import own_hooks
from tests.fakes.jobs import FakeJobs
from tests.fakes.ledger import FakeLedger
from tests.fakes.presets import FakePresets
from tests.fakes.users import FakeUsers
from tests.speech import translate
from tests.world.cloud import NAME, OTHER

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
_PHOTO: Final = ImageInput(
    name="photo", type="image", titles=titled("Photo"), required=True, to="image_0"
)
_SECOND: Final = _PHOTO.change(name="second", to="image_1")
PRESETS: Final = (
    a_preset("fixed"),
    a_preset("cost", price=_BY_COST),
    a_preset("unknown", price=_BY_COST, cost_rate=None),
    a_preset("fee", cancel_fee="cost"),
    a_preset("dress", a_prompt(), _PHOTO),
    a_preset("join", a_prompt(), _PHOTO, _SECOND),
    a_preset(
        "paint",
        a_prompt(),
        _PHOTO.change(required=False),
        target=ReplicateTarget(engine="replicate", model="acme/paint"),
        max_attempts=2,
    ),
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
    advance: Advance
    show: ShowJob
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
    parts = Parts(records, FakePresets(*PRESETS, gate=gate))
    go_on = GoOn(records, taking)
    hands = Hands[Job](
        known,
        {
            DebtKind.START: starter,
            DebtKind.CANCEL: CancelJob(records, taking),
            DebtKind.ADVANCE: AdvanceJob(go_on, taking=taking, timing=timing),
            DebtKind.NOTIFY: NotifyJob(
                known,
                records,
                messenger,
                parts=parts,
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
            engines=[NAME, OTHER],
            credits_per_usd=CREDITS_PER_USD,
            limits=_unlimited,
            checks=(),
            disk_full=lambda: False,
        ),
        money=money,
        starter=starter,
        hooks=own_hooks(),
        telegram=True,
        taking=taking,
    )
    settle = SettleRun(records, known, money, taking=taking, timing=timing, alerts=alerts)
    show = ShowJob(
        records,
        known,
        messenger,
        parts=parts,
        finish="send",
        translate=translate,
        journal=Journal(),
    )
    return Shop(orders, money, settle, Advance(go_on, jobs), show, known, hands)


async def _unlimited(user: User) -> None:
    """Let everybody order as much as they like."""
    del user


def _unnoted(before: Job | None, after: Job) -> None:
    del before, after
