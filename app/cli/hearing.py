"""`runrelay events`: what engines have told us."""

from datetime import datetime, timedelta
from typing import Final

from app.bootstrap import Store
from app.cli import opening, speaking
from app.cli.explaining import gathering
from app.cli.settling import refuse, refusing
from app.clock import Clock
from app.errors import NotFoundError
from app.usecases.explain import BEFORE, words_of
from schemas.base import GenerationId

USUALLY: Final = timedelta(hours=1)
"""How far back events are listed unless told otherwise."""
AT_ONCE: Final = 500
"""Batches marked by one write."""


async def list_events(generation: str | None, since: str | None) -> None:
    """Print events, oldest first."""
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            now = clock.now()
            gather = gathering(store)
            wanted = GenerationId(generation) if generation else None
            begin = await _begin(store, wanted, since, now) or now - USUALLY
            rows = (
                (
                    speaking.clock(each.delivery.at),
                    each.delivery.generation,
                    each.delivery.engine,
                    words_of(each),
                )
                async for each in gather.heard(begin, now, wanted)
            )
            count = await speaking.stream(("at (UTC)", "generation", "engine", "said"), rows)
    if not count:
        speaking.say(f"no events since {speaking.clock(begin)} UTC")


async def replay(generation: str | None, since: str | None) -> None:
    """Mark events unapplied, so that the service applies them again."""
    if generation is None and since is None:
        refuse(["Name a generation (--generation ID) or a time (--since 2h), or both."])
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            now = clock.now()
            wanted = GenerationId(generation) if generation else None
            begin = await _begin(store, wanted, since, now) or now
            count = await _unapplied(store, begin, now, wanted)
    speaking.say(f"{count} events are applied again within seconds, or once a service runs")


async def _begin(
    store: Store, wanted: GenerationId | None, since: str | None, now: datetime
) -> datetime | None:
    """Return from when on events are wanted, None where nobody said."""
    if since is not None:
        return speaking.moment(since, now)
    if wanted is None:
        return None
    found = await store.generations.get(wanted)
    if found is None:
        raise NotFoundError("generation")
    return found.created_at - BEFORE


async def _unapplied(
    store: Store, since: datetime, until: datetime, wanted: GenerationId | None
) -> int:
    ids, count = list[str](), 0
    async for batch in store.inbox.around(since, until, wanted):
        count += len(batch.events)
        ids.append(batch.id)
    for first in range(0, len(ids), AT_ONCE):
        await store.inbox.mark_unapplied(ids[first : first + AT_ONCE])
    return count
