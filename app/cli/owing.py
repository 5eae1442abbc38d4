"""`runrelay debts`: what is owed, and what was given up."""

from collections.abc import AsyncIterator
from datetime import datetime

from app.bootstrap import Store
from app.cli import opening, speaking
from app.cli.settling import refuse, refusing
from app.clock import Clock
from app.errors import NotFoundError
from app.observability.journal import Journal
from app.usecases.records import Records
from processors import debts
from schemas.base import GenerationId
from schemas.debt import Debt
from schemas.generation import Generation


async def list_debts(*, only_dead: bool) -> None:
    """Print debts, those of the oldest generation first."""
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            now = clock.now()
            found = store.generations.dead() if only_dead else store.generations.indebted()
            rows = (
                _row(generation, debt, now)
                async for generation in found
                for debt in generation.owed
                if debt.dead_at is not None or not only_dead
            )
            headings = ("generation", "debt", "state", "due", "tries", "last error")
            count = await speaking.stream(headings, rows)
    if not count:
        speaking.say("no dead debts" if only_dead else "nothing is owed")


async def replay(
    generation: str | None, key: str | None, *, all_dead: bool, since: str | None
) -> None:
    """Bring dead debts back to life: of one generation, since a time, or all."""
    if (generation is not None) + all_dead + (since is not None) != 1:
        refuse(["Say which: a generation's ID, --since TIME, or --all-dead."])
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            records = Records(store.generations, clock, Journal())
            begin = speaking.moment(since, clock.now()) if since else None
            count = 0
            async for each in _chosen(store, generation):
                wanted = frozenset(
                    debt.key for debt in each.owed if _dead(debt, begin) and key in {None, debt.key}
                )
                count += len(wanted)
                if wanted:
                    await records.change(each.id, _Replayed(wanted))
    if not count:
        speaking.say("there is no such dead debt")
        raise SystemExit(1)
    speaking.say(f"{count} debts are tried again within seconds, or once a service runs")


class _Replayed:
    """The decision to bring debts of these keys back to life."""

    def __init__(self, keys: frozenset[str]) -> None:
        self._keys = keys

    def __call__(self, record: Generation, now: datetime) -> Generation:
        owed = record.owed
        for debt in owed:
            if debt.key in self._keys and debt.dead_at is not None:
                owed = debts.replay(owed, debt.key, now)
        return debts.put(record, owed)


async def _chosen(store: Store, generation: str | None) -> AsyncIterator[Generation]:
    if generation is None:
        async for each in store.generations.dead():
            yield each
        return
    found = await store.generations.get(GenerationId(generation))
    if found is None:
        raise NotFoundError("generation")
    yield found


def _dead(debt: Debt, since: datetime | None) -> bool:
    return debt.dead_at is not None and (since is None or debt.dead_at >= since)


def _row(generation: Generation, debt: Debt, now: datetime) -> tuple[str, ...]:
    since = debt.dead_at or debt.next_at
    return (
        generation.id,
        debt.key,
        speaking.state(debt),
        f"for {speaking.span(now - since)}" if since <= now else f"in {speaking.span(since - now)}",
        str(debt.attempts),
        debt.last_error or "",
    )
