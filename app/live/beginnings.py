"""What a reader is told first: all there is to see, or all that they missed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from app.live.states import State, Why
from app.ports import Changes, MissedError, Views
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.job import Job, JobId
from schemas.live import Change, Kind, Position, Wanted

OPEN_MOST: Final = 1_000
"""How many open records a reader is shown at first: the newest."""
ENDED_MOST: Final = 50
"""How many of those that have ended."""
MISSED_MOST: Final = 1_000
"""How many records may have changed for a reader to be told of them alone."""


class Beginning(NamedTuple):
    """What is told first.

    Attributes:
        at: What has changed up to then is in it.
        states: As of then, or newer; in the order in which they are told.
    """

    at: Position
    states: Sequence[State]


Missed = Beginning | Why
"""What somebody missed, or why that is not known."""


class Beginnings:
    """Reads what readers are told first, for all who ask at a time."""

    def __init__(self, changes: Changes, views: Views, longest: timedelta) -> None:
        self._changes = changes
        self._views = views
        self._longest = longest

    async def scenes(self, asked: Collection[Wanted]) -> Mapping[Wanted, Beginning]:
        """Return what there is to see of each that is wanted.

        Raises:
            StoreDownError: The database does not answer.
        """
        at = await self._changes.now()
        named = {each.generation for each in asked if each.generation is not None}
        found = await self._views.generations(named)
        shown = dict[Wanted, Beginning]()
        for wanted in asked:
            if wanted.generation is not None:
                record = found.get(wanted.generation)
                seen = record is not None and wanted.of_generation(record)
                states = [State(Kind.GENERATION, record)] if record is not None and seen else []
            else:
                scene = await self._views.scene(wanted, most_open=OPEN_MOST, most_ended=ENDED_MOST)
                states = [State(Kind.JOB, each) for each in scene.jobs]
                states += [State(Kind.GENERATION, each) for each in scene.generations]
            shown[wanted] = Beginning(at, [*states, *await self._drawn(states)])
        return shown

    async def _drawn(self, states: Iterable[State]) -> Iterable[State]:
        """Return what previews there are of what is being made: no other need follow."""
        made = {
            each.record.id: each.record
            for each in states
            if isinstance(each.record, Generation) and not each.record.ended
        }
        drawn = await self._views.drawn(made)
        return [State(Kind.PREVIEW, made[each], drawn=at) for each, at in drawn.items()]

    async def missed(self, asked: Collection[Position]) -> Mapping[Position, Missed]:
        """Return what has changed since each of these positions.

        They are looked up from the oldest on. Where that is too much or too long ago, the older
        half of them is told so, and the others have another try.

        Raises:
            StoreDownError: The database does not answer.
        """
        now = await self._changes.now()
        answers = dict[Position, Missed]()
        left = list[Position]()
        for each in sorted(asked):
            if now.seconds - each.seconds > self._longest.total_seconds():
                answers[each] = "too_old"
            elif each > now:
                answers[each] = "unknown"
            else:
                left.append(each)
        while left:
            try:
                changes = await self._changes.since(left[0], MISSED_MOST)
            except MissedError as error:
                half = (len(left) + 1) // 2
                for each in left[:half]:
                    answers[each] = error.reason
                left = left[half:]
                continue
            states = await self.states(changes)
            for each in left:
                since = [state for state in states if state.since >= each]
                answers[each] = Beginning(now, since)
            break
        return answers

    async def states(self, changes: Iterable[Change]) -> Sequence[State]:
        """Return how what has changed stands by now, in the order of the changes.

        Raises:
            StoreDownError: The database does not answer.
        """
        told = sorted(changes, key=_at)
        jobs = await self._views.jobs({JobId(each.id) for each in told if each.kind is Kind.JOB})
        generations = await self._views.generations(
            {GenerationId(each.id) for each in told if each.kind is not Kind.JOB}
        )
        states = list[State]()
        for each in told:
            record: Generation | Job | None = generations.get(GenerationId(each.id))
            if each.kind is Kind.JOB:
                record = jobs.get(JobId(each.id))
            if record is not None:
                states.append(State.of(each, record))
        return states


def _at(change: Change) -> Position:
    return change.at
