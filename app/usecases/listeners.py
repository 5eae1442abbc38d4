"""Who hears of what: asked of the database every few seconds, by whoever writes records.

So an endpoint hears of what happens from a few seconds after it was made. Where nobody listens a
write costs a look at a set that is empty.
"""

from datetime import datetime, timedelta

from app.ports import Endpoints
from app.usecases.taking import Taking
from processors import hooks
from schemas.generation import Generation
from schemas.hook import HookEvent
from schemas.job import Job


class Listeners:
    """What this process knows of who listens.

    Args:
        endpoints: Who does.
        fresh: How old that may be.
    """

    def __init__(self, endpoints: Endpoints, fresh: timedelta) -> None:
        self._endpoints = endpoints
        self._fresh = fresh
        self._until: datetime | None = None
        self._listened = frozenset[HookEvent]()

    async def ready(self, now: datetime) -> None:
        """Ask who listens, where that was too long ago.

        Raises:
            StoreDownError: The database does not answer.
        """
        known = self._until
        if known is not None and now < known:
            return
        # Others go on with what is known meanwhile; before anything is, each asks.
        if known is not None:
            self._until = now + self._fresh
        try:
            self._listened = await self._endpoints.listened()
        except BaseException:
            self._until = known
            raise
        self._until = now + self._fresh

    def hear(self, event: HookEvent, record: Generation | Job) -> bool:
        """Return whether anybody hears of an event of a record."""
        return hooks.hears(event, record, self._listened)


class AnnounceGenerations:
    """Owes what a write of a generation lets others hear; see app.usecases.records.Announcer."""

    def __init__(self, listeners: Listeners, taking: Taking) -> None:
        self._listeners = listeners
        self._taking = taking

    async def ready(self, now: datetime) -> None:
        """See Announcer."""
        await self._listeners.ready(now)

    def announced(self, before: Generation, after: Generation, now: datetime) -> Generation:
        """See Announcer."""
        event = hooks.news(before, after)
        if event is None or not self._listeners.hear(event, after):
            return after
        return hooks.owing(after, event, now, self._taking.taker(now))


class AnnounceJobs:
    """Owes what a write of a job lets others hear; see app.usecases.records.Announcer."""

    def __init__(self, listeners: Listeners, taking: Taking) -> None:
        self._listeners = listeners
        self._taking = taking

    async def ready(self, now: datetime) -> None:
        """See Announcer."""
        await self._listeners.ready(now)

    def announced(self, before: Job, after: Job, now: datetime) -> Job:
        """See Announcer."""
        event = hooks.job_news(before, after)
        if event is None or not self._listeners.hear(event, after):
            return after
        return hooks.owing(after, event, now, self._taking.taker(now))
