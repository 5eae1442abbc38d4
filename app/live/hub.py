"""The one place of a process where changes come in, and from where its readers are told.

Changes are followed while there are readers, and a little longer. Each changed record is read once
a batch, and what came of it is offered to whom it may concern, who are found by what they look at.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from app.clock import Clock, monotonic
from app.errors import StoreDownError, UnavailableError
from app.live.beginnings import Beginning, Beginnings
from app.live.reader import Reader
from app.live.rounds import Rounds
from app.live.states import Beat, Bye, Ready, Reset, State, Why, Words, is_for
from app.ports import Changes, Views
from schemas.job import Job
from schemas.live import Change, Kind, Position, Wanted
from schemas.timing import Timing

PENDING_MOST: Final = 1_000
"""How many records a reader may have to be told of; one with more is too slow."""
READERS_MOST: Final = 1_500
"""How many may read at a time: each has a connection, and others want some of those as well."""
NEWEST_MOST: Final = 10_000
"""Of how many records it is known which version was read last."""
_PAUSE_SECONDS: Final = 0.5
"""How long a database that does not answer is left alone."""

Key = tuple[str, str | None]
"""What readers are found by."""


class Metrics(Protocol):
    """What is counted here."""

    def live_readers(self, number: int) -> None:
        """Know how many readers there are."""
        ...

    def live_told(self, number: int) -> None:
        """Count states that were told, once for each reader."""
        ...

    def live_skipped(self, number: int) -> None:
        """Count states that were passed over for newer ones, likewise."""
        ...

    def live_resync(self, reason: str) -> None:
        """Count a reader that was shown everything anew."""
        ...


class Hub:
    """Tells readers of changes. It is the ear of `Changes`."""

    def __init__(
        self,
        changes: Changes,
        views: Views,
        *,
        clock: Clock,
        timing: Timing,
        metrics: Metrics,
    ) -> None:
        self._changes = changes
        self._clock = clock
        self._timing = timing
        self._metrics = metrics
        self._beginnings = Beginnings(changes, views, timing.live_resume)
        self._scenes = Rounds[Wanted, Beginning](self._beginnings.scenes)
        self._missed = Rounds[Position, Beginning | Why](self._beginnings.missed)
        self._readers = dict[Key, set[Reader]]()
        self._number = 0
        self._closing = False
        self._some, self._none = asyncio.Event(), asyncio.Event()
        self._none.set()
        self._open = asyncio.Event()
        self._ending = False
        """Whether changes are to be followed no more, which the driver may not heed at once."""
        self._batch = dict[tuple[Kind, str], Change]()
        self._drawn = dict[tuple[Kind, str], Change]()
        self._heard, self._previewed = asyncio.Event(), asyncio.Event()
        self._newest = dict[tuple[Kind, str], tuple[int, bool]]()
        self._log: Any = structlog.get_logger()

    async def run(self) -> None:
        """Follow changes while somebody reads, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for each in (
                self._follow(),
                self._tell(),
                self._tell_previews(),
                self._look(),
                self._scenes.run(),
                self._missed.run(),
            ):
                group.create_task(each)

    def join(self, reader: Reader) -> None:
        """Have somebody told of changes from now on.

        Raises:
            UnavailableError: This process is about to end, or has as many readers as it takes.
        """
        if self._closing:
            raise UnavailableError("this process is about to end; come again")
        if self._number >= READERS_MOST:
            raise UnavailableError("as many read as may at a time; come again in a while")
        self._readers.setdefault(_key_of(reader.wanted), set()).add(reader)
        self._counted(1)

    def leave(self, reader: Reader) -> None:
        """Have somebody told no more."""
        key = _key_of(reader.wanted)
        others = self._readers.get(key)
        if others is None or reader not in others:
            return
        others.discard(reader)
        if not others:
            del self._readers[key]
        self._counted(-1)

    def close(self) -> None:
        """Send everybody away, and take nobody in any more."""
        self._closing = True
        for each in self._all():
            each.send_away("stopping")

    async def words(self, reader: Reader) -> AsyncGenerator[Words]:
        """Yield what a reader is to be told, some words at a time, until they are sent away.

        Raises:
            UnavailableError: The database does not answer, before the first word.
        """
        yield await self._first(reader)
        while reader.bye is None:
            await reader.news()
            words: Words
            if reader.bye is not None:
                break
            if reader.anew is not None:
                words = await self._again(reader, reader.anew)
            else:
                states = reader.take()
                self._metrics.live_told(len(states))
                words = (*states, Beat()) if reader.beat else states
                reader.beat = False
            if words:
                yield words
        yield (Bye(reader.bye, again=reader.bye not in {"expired", "signed_out"}),)

    def opened(self) -> None:
        """See app.ports.Ear."""
        if not self._ending:
            self._open.set()

    def heard(self, change: Change) -> None:
        """See app.ports.Ear."""
        kept = self._drawn if change.kind is Kind.PREVIEW else self._batch
        name = change.kind, change.id
        kept[name] = change.after(kept.pop(name, None))
        (self._previewed if change.kind is Kind.PREVIEW else self._heard).set()

    def lost(self) -> None:
        """See app.ports.Ear."""
        self._forget()
        for each in self._all():
            each.show_anew("lost")

    async def _first(self, reader: Reader) -> Words:
        """Return what is told at first: what was missed, or all there is to see."""
        await self._followed()
        why: Why = "new"
        if reader.after is not None:
            missed: Beginning | Why
            if reader.wanted.generation is not None:
                # One record is read sooner than what has changed.
                missed = await self._scenes.ask(reader.wanted)
            else:
                missed = await self._missed.ask(reader.after)
            if isinstance(missed, Beginning):
                return self._begun(reader, missed)
            why = missed
        return await self._shown(reader, why)

    async def _shown(self, reader: Reader, why: Why) -> Words:
        reader.anew = None
        if why != "new":
            self._metrics.live_resync(why)
        return (Reset(why), *self._begun(reader, await self._scenes.ask(reader.wanted)))

    async def _again(self, reader: Reader, why: Why) -> Words:
        """Return everything anew, as soon as the database answers."""
        while reader.bye is None:
            try:
                await self._followed()
                return await self._shown(reader, why)
            except UnavailableError:
                await asyncio.sleep(_PAUSE_SECONDS)
        return ()

    def _begun(self, reader: Reader, beginning: Beginning) -> Words:
        """Return the words of a beginning, in which nothing is older than what is known."""
        later = {each.name: each for each in reader.pending}
        states = list[State]()
        for each in beginning.states:
            self._note(each, offered=False)
            if each.at is not None and not is_for(each, reader.wanted):
                continue
            other = later.get(each.name)
            newer = other is not None and other.version > each.version
            states.append(other.placed(each.at) if other is not None and newer else each)
        reader.forget(states)
        self._metrics.live_told(len(states))
        return (*states, Ready(beginning.at))

    async def _followed(self) -> None:
        """Return once changes are followed.

        Raises:
            StoreDownError: They are not in time.
        """
        try:
            async with asyncio.timeout(self._timing.live_open.total_seconds()):
                await self._open.wait()
        except TimeoutError:
            raise StoreDownError("changes cannot be followed for now") from None

    async def _follow(self) -> None:
        """Follow changes while there are readers."""
        while True:
            await self._some.wait()
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._changes.follow(self))
                await self._nobody()
                self._ending = True
                self._forget()
                following.cancel()
            self._ending = False

    async def _nobody(self) -> None:
        """Return once there has been no reader for a while."""
        while True:
            await self._none.wait()
            try:
                async with asyncio.timeout(self._timing.live_idle.total_seconds()):
                    await self._some.wait()
            except TimeoutError:
                if not self._number:
                    return

    def _forget(self) -> None:
        """Know nothing of what is there: after a restored backup versions may have fallen."""
        self._open.clear()
        self._newest.clear()
        self._batch.clear()
        self._drawn.clear()

    async def _tell(self) -> None:
        """Tell of changes as they come, some at a time."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            batch, self._batch = self._batch, dict[tuple[Kind, str], Change]()
            try:
                states = await self._beginnings.states(batch.values())
            except UnavailableError as error:
                self._log.warning("changes are told later", error=str(error))
                self._batch = _merged(batch, self._batch)
                self._heard.set()
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self._offer(each for each in states if self._note(each, offered=True))
            await asyncio.sleep(self._timing.live_batch.total_seconds())

    async def _tell_previews(self) -> None:
        """Tell of new previews, of each generation not too often."""
        while True:
            await self._previewed.wait()
            self._previewed.clear()
            drawn, self._drawn = self._drawn, dict[tuple[Kind, str], Change]()
            try:
                self._offer(await self._beginnings.states(drawn.values()))
            except UnavailableError as error:
                # There will be another, or it will have come to its end.
                self._log.warning("previews are not told of", error=str(error))
            await asyncio.sleep(self._timing.live_preview_every.total_seconds())

    def _note(self, state: State, *, offered: bool) -> bool:
        """Remember which version was read; return whether it is worth telling everybody.

        An older one is not: whoever read the newer one did so after it was changed, of which we
        hear as well. Nor is the same a second time, unless its status has changed.
        """
        version, told = self._newest.pop(state.name, (-1, False))
        self._newest[state.name] = max((version, told), (state.version, offered))
        if len(self._newest) > NEWEST_MOST:
            del self._newest[next(iter(self._newest))]
        if state.version == version:
            return state.moved or not told
        return state.version > version

    def _offer(self, states: Iterable[State]) -> None:
        skipped = 0
        for state in states:
            for key in _keys_of(state):
                for reader in self._readers.get(key, ()):
                    skipped += reader.offer(state, PENDING_MOST)
        if skipped:
            self._metrics.live_skipped(skipped)

    async def _look(self) -> None:
        """Send away whose time is over, cut off who does not read, and say that we are there."""
        beat = monotonic()
        while True:
            await self._some.wait()
            await asyncio.sleep(self._timing.live_look.total_seconds())
            now, at = monotonic(), self._clock.now()
            beats = now - beat >= self._timing.live_beat.total_seconds()
            if beats:
                beat = now
            for each in self._all():
                self._look_at(each, now, at, beats=beats)

    def _look_at(self, reader: Reader, now: float, at: datetime, *, beats: bool) -> None:
        # At the end all are waited for: of those only who takes what is being sent to them.
        patience = self._timing.live_look if self._closing else self._timing.live_unread
        unread = patience.total_seconds()
        if reader.until is not None and reader.until <= at:
            reader.send_away("expired")
        if reader.busy_since is not None and now - reader.busy_since > unread:
            reader.send_away("slow")
            reader.cut()
        elif beats:
            reader.say_beat()

    def _all(self) -> list[Reader]:
        return [each for some in self._readers.values() for each in some]

    def _counted(self, by: int) -> None:
        self._number += by
        if self._number:
            self._some.set()
            self._none.clear()
        else:
            self._none.set()
            self._some.clear()
        self._metrics.live_readers(self._number)


def _key_of(wanted: Wanted) -> Key:
    """Return what somebody is found by who looks at something: the narrowest."""
    if wanted.generation is not None:
        return "generation", wanted.generation
    if wanted.job is not None:
        return "job", wanted.job
    return ("user", wanted.user) if wanted.user is not None else ("all", None)


def _keys_of(state: State) -> tuple[Key, ...]:
    """Return what those are found by whom a state may concern."""
    record = state.record
    if isinstance(record, Job):
        return ("job", record.id), ("user", record.user_id), ("all", None)
    return (
        ("generation", record.id),
        ("job", record.job_id),
        ("user", record.metadata.user_id),
        ("all", None),
    )


def _merged(
    older: dict[tuple[Kind, str], Change], newer: dict[tuple[Kind, str], Change]
) -> dict[tuple[Kind, str], Change]:
    """Return the changes of both, of each record one."""
    return older | {name: each.after(older.get(name)) for name, each in newer.items()}
