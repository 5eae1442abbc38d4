"""What is done in calls, on hosts where nothing runs between requests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from app.bootstrap.tools import Tools
from app.telegram.handling import Handling
from app.usecases.apply_events import Applier
from app.usecases.attend import Attend
from app.usecases.check_runs import CheckRuns
from app.usecases.compare_payments import ComparePayments
from app.usecases.discharge import Discharger
from app.usecases.expire_media import ExpireMedia
from app.usecases.forget_user import ForgetUser
from app.usecases.hands import Hands
from app.usecases.shift import Shift
from app.usecases.sweep import Sweep
from app.usecases.watch_ledger import WatchLedger
from app.usecases.work_off import Chore, WorkOff
from schemas.job import Job

FORGET_EVERY: Final = timedelta(seconds=30)
COMPARE_EVERY: Final = timedelta(hours=1)
EXPIRE_EVERY: Final = timedelta(hours=6)
"""How often calls do, beside what is owed, what a background does now and then."""


@dataclass(frozen=True, kw_only=True)
class Chores:
    """What is done now and then; None where it is not, or others do it.

    Attributes:
        forgetting: Forgets people.
        comparing: Compares payments with the provider's list.
        auditing: Audits the ledger; not done in calls, for it may take longer than they do.
        expiry: Deletes old media.
    """

    forgetting: ForgetUser | None
    comparing: ComparePayments | None
    auditing: WatchLedger | None
    expiry: ExpireMedia | None


@dataclass(frozen=True, kw_only=True)
class Calling:
    """What is done in calls.

    Attributes:
        work_off: Works off what is owed.
        check_runs: Asks about all open runs.
        attend: Does what a webhook brings before it is answered; None where others do it.
    """

    work_off: WorkOff
    check_runs: CheckRuns
    attend: Attend | None


def make_calling(
    tools: Tools,
    sweep: Sweep,
    applier: Applier,
    *,
    discharger: Discharger,
    job_hands: Hands[Job],
    others: Sequence[Hands[Any]],
    chores: Chores,
    handling: Handling,
) -> Calling | None:
    """Return what is done in calls; None where nobody may call."""
    if not tools.settings.cron_key:
        return None
    hands = (discharger, job_hands, *others)
    shift = Shift(tools.calls, sweep, applier, hands, sender=tools.sender, taking=tools.taking)
    attend = Attend(
        shift,
        tools.records,
        tools.orders,
        discharger=discharger,
        job_hands=job_hands,
        lanes=handling,
        taking=tools.taking,
        timing=tools.timing,
    )
    return Calling(
        work_off=WorkOff(
            shift,
            applier,
            hands,
            () if tools.taking.background else tuple(_chores(chores)),
            leases=tools.store.leases,
            me=tools.name,
            clock=tools.clock,
            timing=tools.timing,
        ),
        check_runs=CheckRuns(
            tools.records,
            discharger,
            shift,
            applier,
            hands,
            taking=tools.taking,
            leases=tools.store.leases,
            timing=tools.timing,
        ),
        attend=None if tools.taking.background else attend,
    )


def _chores(chores: Chores) -> Iterator[Chore]:
    if chores.forgetting is not None:
        yield Chore("forget", FORGET_EVERY, chores.forgetting.sweep)
    if chores.comparing is not None:
        yield Chore("compare", COMPARE_EVERY, chores.comparing.once)
    if chores.expiry is not None:
        yield Chore("expire", EXPIRE_EVERY, chores.expiry.once)
