"""`runrelay debts` and `runrelay stuck`: what is owed, what was given up, what does not move."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from app.bootstrap import Store
from app.cli import opening, speaking
from app.cli.settling import refuse, refusing
from app.clock import Clock
from app.observability.journal import Journal
from app.usecases.arrears import Arrear, Arrears, Silent
from app.usecases.records import Records, RecordsOf
from schemas.hook import Delivery
from schemas.job import Job
from schemas.payment import Payment

SHOWN: Final = 50
"""Records of each kind that are shown as stuck."""
HEADINGS: Final = ("record", "debt", "state", "due", "tries", "last error")


async def list_debts(*, only_dead: bool) -> None:
    """Print debts, those of the oldest generation first, then of jobs, then of payments."""
    with refusing():
        clock = Clock()
        async with _arrears(clock) as arrears:
            now = clock.now()
            rows = (_row(each, now) async for each in arrears.listed(only_dead=only_dead))
            count = await speaking.stream(HEADINGS, rows)
    if not count:
        speaking.say("no dead debts" if only_dead else "nothing is owed")


async def replay(record: str | None, key: str | None, *, all_dead: bool, since: str | None) -> None:
    """Bring dead debts back to life: of one record, since a time, or all."""
    if (record is not None) + all_dead + (since is not None) != 1:
        refuse(["Say which: a generation's, job's or payment's ID, --since TIME, or --all-dead."])
    with refusing():
        clock = Clock()
        async with _arrears(clock) as arrears:
            begin = speaking.moment(since, clock.now()) if since else None
            count = await arrears.replay(record, key, begin)
    if not count:
        speaking.say("there is no such dead debt")
        raise SystemExit(1)
    speaking.say(f"{count} debts are tried again within seconds, or once a service runs")


async def stuck(minutes: int) -> None:
    """Print what has not moved, or is overdue, for so long; the exit code is 1 if there is any."""
    with refusing():
        clock = Clock()
        async with _arrears(clock) as arrears:
            found = await arrears.stuck(timedelta(minutes=minutes), SHOWN)
            now = clock.now()
    if found.silent:
        speaking.say("Open, and without news", "bold")
        speaking.show(("what", "id", "status", "for"), (_quiet(each, now) for each in found.silent))
    if found.overdue:
        speaking.say("\nOverdue, and taken up by nobody", "bold")
        speaking.show(HEADINGS, (_row(each, now) for each in found.overdue))
    if any(found):
        raise SystemExit(1)
    speaking.say(f"nothing is stuck: all that is open has moved within {minutes} min")


@asynccontextmanager
async def _arrears(clock: Clock) -> AsyncGenerator[Arrears]:
    async with opening.opened(opening.quietly_settled(), clock) as store:
        yield _arrears_of(store, clock)


def _arrears_of(store: Store, clock: Clock) -> Arrears:
    journal = Journal()
    orders = RecordsOf[Job](store.jobs, clock, journal.ordered)
    payments = RecordsOf[Payment](store.payments, clock, journal.bought)
    sent = RecordsOf[Delivery](store.deliveries, clock, journal.delivered)
    return Arrears(Records(store.generations, clock, journal), orders, store.jobs, payments, sent)


def _row(arrear: Arrear, now: datetime) -> tuple[str, ...]:
    debt, since = arrear.debt, arrear.since
    return (
        arrear.record,
        debt.key,
        speaking.state(debt),
        f"for {speaking.span(now - since)}" if since <= now else f"in {speaking.span(since - now)}",
        str(debt.attempts),
        debt.last_error or "",
    )


def _quiet(silent: Silent, now: datetime) -> tuple[str, ...]:
    return silent.what, silent.record, silent.status, speaking.span(now - silent.since)
