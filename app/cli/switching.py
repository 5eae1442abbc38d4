"""`runrelay pause`, `resume`, `cap` and `spend`: what an operator stops, and what a day costs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal, InvalidOperation

from app.bootstrap import make_controlling
from app.cli import opening, speaking
from app.cli.granting import me
from app.cli.settling import refuse, refusing
from app.clock import Clock
from app.usecases.controlling import Controlling, Watch
from app.usecases.pauses import Spending
from schemas.base import plain
from schemas.control import Kind, Subject
from schemas.ledger import MOST


async def pause(kind: Kind, name: str, *, by: str | None, reason: str | None) -> None:
    """Have no new orders taken, and say so."""
    with refusing():
        async with _controlling() as controlling:
            await controlling.pause(Subject(kind, name), by=_by(by), reason=reason)
    speaking.say(f"{kind} {name} takes no new orders; what runs goes on")


async def resume(kind: Kind, name: str, *, by: str | None) -> None:
    """Have orders taken again, and say so."""
    with refusing():
        async with _controlling() as controlling:
            after = await controlling.resume(Subject(kind, name), by=_by(by))
    cap = after.daily_cap_usd
    rest = "" if cap is None else f", up to {plain(cap)} USD a day"
    speaking.say(f"{kind} {name} takes orders{rest}")


async def cap(kind: Kind, name: str, usd: str, *, by: str | None) -> None:
    """Cap what a day may cost, and say what today has cost."""
    most = None if usd == "none" else _amount(usd)
    with refusing():
        async with _controlling() as controlling:
            subject = Subject(kind, name)
            await controlling.cap(subject, most, by=_by(by))
            watch = await controlling.get(subject)
    said = "is not capped" if most is None else f"may cost {plain(most)} USD a day"
    speaking.say(f"{kind} {name} {said}; today it has cost {plain(watch.spent_usd)} USD")


async def spend() -> None:
    """Print what today has cost, with what is capped or paused."""
    with refusing():
        async with _controlling() as controlling:
            found = await controlling.all()
    if not found:
        speaking.say("today has cost nothing yet, and nothing is paused or capped")
        return
    headings = ("kind", "name", "today (USD)", "cap (USD)", "orders", "why", "changed by")
    speaking.show(headings, map(_row, found))


@asynccontextmanager
async def _controlling() -> AsyncGenerator[Controlling]:
    clock = Clock()
    async with opening.opened(opening.quietly_settled(), clock) as store:
        yield make_controlling(store, Spending(store.generations, clock), clock)


def _by(given: str | None) -> str:
    return f"cli:{given or me()}"


def _amount(given: str) -> Decimal:
    try:
        amount = Decimal(given)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= MOST or amount != round(amount, 6):
        refuse([f"USD: {given} is not an amount, such as 50 or 0.5, nor none"])
    return amount


def _row(watch: Watch) -> tuple[str, ...]:
    control = watch.control
    kind, _, name = control.id.partition(":")
    cap = control.daily_cap_usd
    reached = cap is not None and watch.spent_usd >= cap
    return (
        kind,
        name,
        plain(watch.spent_usd),
        "none" if cap is None else plain(cap),
        "paused" if control.paused else "refused until midnight" if reached else "taken",
        control.reason or "",
        "" if control.by == "us" else control.by,
    )
