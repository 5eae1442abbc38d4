"""Debts: one mechanism for everything that must happen.

A debt is committed in the same write as its cause, so what was decided will be done,
whatever crashes. Who takes a debt up *claims* it: a compare-and-set raises `n` and moves
`next_at` to where the claim runs out. The acknowledgement takes the debt off only if `n`
still is as claimed, so a worker that slept through its claim changes nothing.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, TypeVar

from processors import backoff
from schemas.base import InstanceName, Value
from schemas.debt import OUTWARD, Debt, DebtKind, Owing
from schemas.timing import Timing

OwingT = TypeVar("OwingT", bound=Owing)
Owed = tuple[Debt, ...]
Alter = Callable[[Debt], Debt]


COUNTED: Final = frozenset(DebtKind) - OUTWARD - {DebtKind.ASK}
"""Kinds whose failed tries are counted until they are done: asking counts its rounds instead, and
what is owed to people and programs dies."""


class Taker(Value):
    """The process that decides, and what it takes up at once.

    Debts of these kinds are born claimed by it, so its fast path needs no claim of its own.
    """

    by: InstanceName
    until: datetime
    kinds: frozenset[DebtKind] = frozenset()


def put(record: OwingT, owed: Owed) -> OwingT:
    """Return the record with these debts and the `due_at` that follows from them."""
    return record.change(owed=owed, due_at=due_at(owed))


def due_at(owed: Owed) -> datetime | None:
    """Return when the first live debt wants attention, or None when none ever does."""
    return min((debt.next_at for debt in owed if debt.dead_at is None), default=None)


def find(owed: Owed, key: str) -> Debt | None:
    """Return the debt of this key, dead or alive, or None."""
    return next((debt for debt in owed if debt.key == key), None)


def held(owed: Owed, key: str, n: int) -> bool:
    """Return whether a claim that was given `n` still holds."""
    debt = find(owed, key)
    return debt is not None and debt.n == n and debt.dead_at is None


def due(owed: Owed, now: datetime, kinds: frozenset[DebtKind]) -> Owed:
    """Return the live debts of these kinds whose time has come."""
    return tuple(
        debt for debt in owed if debt.dead_at is None and debt.next_at <= now and debt.kind in kinds
    )


def offered(before: Owed, after: Owed, now: datetime) -> bool:
    """Return whether a write left something to others that is due and was not to be had before."""
    return bool(_free(after, now) - _free(before, now))


def owe(owed: Owed, debt: Debt, *, taker: Taker | None = None, above: int = 0) -> Owed:
    """Owe `debt`, or owe it again: then what it is about is replaced and its `n` is raised.

    Owing again ends any claim and brings the dead back to life.

    Args:
        owed: What is owed already.
        debt: What to owe; its `n`, `attempts` and `by` are set here.
        taker: Claims it at once where the kind is one of its own.
        above: Its `n` is larger than this, too: one that was owed before, and whose claims may
            still be acted on, must not be taken for it.
    """
    known = find(owed, debt.key)
    born = debt.change(n=max(known.n if known else 0, above) + 1, attempts=0, by=None)
    if taker is not None and debt.kind in taker.kinds:
        born = born.change(by=taker.by, next_at=taker.until)
    return _replaced(owed, born) if known else (*owed, born)


def claim(owed: Owed, key: str, taker: Taker) -> Owed:
    """Claim a debt: raise its `n` and keep others off until the claim runs out."""
    return _altered(
        owed, key, lambda debt: debt.change(n=debt.n + 1, by=taker.by, next_at=taker.until)
    )


def acknowledge(owed: Owed, key: str, n: int) -> Owed:
    """Take off a debt that was done under claim `n`; a claim that is lost changes nothing."""
    return tuple(debt for debt in owed if not (debt.key == key and debt.n == n))


def postpone(owed: Owed, key: str, n: int, at: datetime, why: str | None = None) -> Owed:
    """Give a claim back until `at` without counting a try: not the debt's own fault."""
    return _claimed(owed, key, n, lambda debt: debt.change(by=None, next_at=at, last_error=why))


def fail(
    owed: Owed, key: str, n: int, *, error: str, now: datetime, jitter: float, timing: Timing
) -> Owed:
    """Count a failed try and set the next one; an outward debt dies after its last.

    One to ourselves never dies, and its waits stop growing at `Timing.retry_inward_most`.

    Args:
        owed: What is owed.
        key: Which debt was tried.
        n: The claim it was tried under; if it is lost nothing changes.
        error: What went wrong, without secrets.
        now: When.
        jitter: A draw from 0.0 to 1.0.
        timing: Waits between tries, and their sum after which an outward debt dies.
    """

    def tried(debt: Debt) -> Debt:
        attempts = debt.attempts + 1
        outward = debt.kind in OUTWARD
        most = timing.gives_up if outward else timing.retry_inward_most
        waits = [min(each, most) for each in timing.retry]
        dies = outward and backoff.waited(debt.attempts, waits) >= timing.gives_up
        return debt.change(
            by=None,
            attempts=attempts,
            last_error=error,
            dead_at=now if dies else None,
            next_at=now + backoff.wait(attempts, waits, jitter),
        )

    return _claimed(owed, key, n, tried)


def bury(owed: Owed, key: str, n: int, *, error: str, now: datetime) -> Owed:
    """Give a debt up for good: it stays to be seen and replayed."""
    return _claimed(
        owed,
        key,
        n,
        lambda debt: debt.change(
            by=None, attempts=debt.attempts + 1, last_error=error, dead_at=now
        ),
    )


def again(
    owed: Owed, key: str, n: int, at: datetime, *, rounds: int, error: str | None = None
) -> Owed:
    """Set the next round of a standing debt, `rounds` since it last brought anything new.

    What it was about is done with; `error` is what the round met, if anything.
    """
    return _claimed(
        owed,
        key,
        n,
        lambda debt: debt.change(
            by=None, attempts=rounds, next_at=at, about=None, last_error=error
        ),
    )


def release(owed: Owed, by: InstanceName, now: datetime) -> Owed:
    """End every claim of a process that is gone: others may take its debts up at once."""
    return tuple(debt.change(by=None, next_at=now) if debt.by == by else debt for debt in owed)


def put_off(
    owed: Owed, kinds: frozenset[DebtKind], now: datetime, until: datetime, why: str
) -> Owed:
    """Put off what is due of these kinds: nobody is there to do it, so no try is counted.

    Claims of theirs that have run out are lost for good.
    """
    waiting = {debt.key for debt in due(owed, now, kinds)}
    return tuple(
        debt.change(n=debt.n + 1, by=None, next_at=until, last_error=why)
        if debt.key in waiting
        else debt
        for debt in owed
    )


def bring_forward(owed: Owed, now: datetime, why: str) -> Owed:
    """Make due now what was put off for this reason."""
    return tuple(
        debt.change(next_at=now, last_error=None)
        if debt.dead_at is None and debt.by is None and debt.last_error == why
        else debt
        for debt in owed
    )


def forget(owed: Owed, kinds: Iterable[DebtKind]) -> Owed:
    """Drop the debts of these kinds: their reason is gone."""
    dropped = frozenset(kinds)
    return tuple(debt for debt in owed if debt.kind not in dropped)


def replay(owed: Owed, key: str, now: datetime) -> Owed:
    """Bring a dead debt back to life, due now, with its tries forgotten."""
    return _altered(
        owed,
        key,
        lambda debt: debt.change(
            n=debt.n + 1, dead_at=None, attempts=0, by=None, next_at=now, last_error=None
        ),
    )


def _free(owed: Owed, now: datetime) -> frozenset[tuple[str, int]]:
    """Return what is due and claimed by nobody, by key and number."""
    due_now = due(owed, now, frozenset(debt.kind for debt in owed))
    return frozenset((debt.key, debt.n) for debt in due_now if debt.by is None)


def _claimed(owed: Owed, key: str, n: int, alter: Alter) -> Owed:
    return _altered(owed, key, alter) if held(owed, key, n) else owed


def _altered(owed: Owed, key: str, alter: Alter) -> Owed:
    return tuple(alter(debt) if debt.key == key else debt for debt in owed)


def _replaced(owed: Owed, born: Debt) -> Owed:
    return _altered(owed, born.key, lambda _: born)
