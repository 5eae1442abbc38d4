"""When a server is asked after the runs that are followed there, and what its answers mean.

A socket may be silent, and a run over. So every run is asked after by the clock, in rounds: the
queue first, then the history of each. A server moves a run from one to the other at once, so
that a run which neither has, asked in this order, is not there.

Of a kind of question only one is out at a time: a slow server is not asked again before it has
answered.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.base import RunId

LOOKS: Final = (timedelta(milliseconds=250), timedelta(milliseconds=500), timedelta(seconds=1))
"""How long after word of a run's end its history is looked at, and then, each time that it has
nothing of it, after the last look."""


class Pace(NamedTuple):
    """How often runs are asked after.

    Attributes:
        every: While the server's socket tells of them.
        down: While it does not: there is none, or it is not theirs.
    """

    every: timedelta = timedelta(seconds=10)
    down: timedelta = timedelta(seconds=2)


@dataclass(slots=True)
class _Turn:
    """When one run is asked after.

    Attributes:
        heard: Whether the socket, while there is one, tells of it.
        at: When its next round is; None while it is in one.
        look_at: When it is looked for besides.
        looks: How often it was.
        asked: Whether its history is being asked.
        absent: Whether the queue that was asked before its history had it not; None where the
            queue did not answer or was not asked.
    """

    heard: bool
    at: datetime | None
    look_at: datetime | None = None
    looks: int = 0
    asked: bool = False
    absent: bool | None = None

    @property
    def free(self) -> bool:
        """Whether its history is not being asked."""
        return not self.asked

    def before(self, at: datetime) -> bool:
        """Return whether its next round is at a time or before."""
        return self.at is not None and self.at <= at


class Rounds:
    """The clock of one server's runs."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._up = False
        self._turns: dict[RunId, _Turn] = {}
        # Those that are looked for besides: few, and so looked through at every turn.
        self._looked: set[RunId] = set()
        # Those of the round whose queue is being asked; None while none is.
        self._round: list[RunId] | None = None
        # No turn is earlier.
        self._next: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        """When there is something to be asked; None while nothing is to be waited for."""
        looks = [turn.look_at for turn in map(self._turns.__getitem__, self._looked) if turn.free]
        rounds = [self._next] if self._round is None else []
        return min((at for at in (*looks, *rounds) if at is not None), default=None)

    def add(self, run_id: RunId, now: datetime, *, heard: bool) -> None:
        """Ask after a run from now on: at once, if the socket does not tell of it.

        Args:
            run_id: Which.
            now: When it was expected.
            heard: Whether the socket tells of it while there is one.
        """
        turn = _Turn(heard, None)
        self._turns[run_id] = turn
        self._put(turn, now + self._apart(turn) if heard else now)

    def drop(self, run_id: RunId) -> None:
        """Ask after a run no more."""
        self._turns.pop(run_id, None)
        self._looked.discard(run_id)
        if not self._turns:
            self._next = None

    def connected(self, now: datetime) -> None:
        """Ask after all runs at once, and those that are being asked after once more."""
        self._up = True
        for turn in self._turns.values():
            self._put(turn, now)

    def disconnected(self, now: datetime) -> None:
        """Ask after all runs more often."""
        self._up = False
        for turn in self._turns.values():
            if turn.at is not None:
                self._put(turn, min(turn.at, now + self._pace.down))

    def look(self, run_id: RunId, now: datetime, *, at_once: bool) -> None:
        """Look for the end of a run in its history soon; the socket has no more to tell of it."""
        if run_id in self._looked:
            return
        turn = self._turns[run_id]
        turn.heard = False
        turn.looks = 0 if at_once else 1
        turn.look_at = now if at_once else now + LOOKS[0]
        self._looked.add(run_id)

    def looks(self, now: datetime) -> list[RunId]:
        """Return the runs that are to be looked for in history now."""
        due = list[RunId]()
        for run_id in self._looked:
            turn = self._turns[run_id]
            if turn.free and turn.look_at is not None and turn.look_at <= now:
                turn.asked = True
                due.append(run_id)
        return due

    def begin(self, now: datetime) -> bool:
        """Begin a round if it is time for one: return whether the queue is to be asked.

        It takes along every run whose turn comes within half of what lies between its turns,
        so that runs that came one by one are soon asked after together.
        """
        if self._round is not None or self._next is None or now < self._next:
            return False
        turns = {run_id: turn for run_id, turn in self._turns.items() if turn.free}
        if any(turn.before(now) for turn in turns.values()):
            self._round = [
                run_id for run_id, turn in turns.items() if turn.before(now + self._apart(turn) / 2)
            ]
            for run_id in self._round:
                turns[run_id].at = None
        self._next = min((turn.at for turn in turns.values() if turn.at is not None), default=None)
        return self._round is not None

    def listed(self, there: Collection[RunId] | None) -> list[RunId]:
        """Take the queue's answer: return the runs whose history is to be asked now.

        Args:
            there: What the queue has, running or not; None if it could not be had.
        """
        # One that has a turn by now was expected, or its socket connected, after the queue was
        # asked; one whose history is being asked was looked for before.
        taken = [
            (run_id, turn)
            for run_id in self._round or ()
            if (turn := self._turns.get(run_id)) is not None and turn.free and turn.at is None
        ]
        self._round = None
        for run_id, turn in taken:
            turn.asked = True
            turn.absent = None if there is None else run_id not in there
        return [run_id for run_id, _ in taken]

    def answered(self, run_id: RunId, now: datetime, *, sure: bool) -> bool:
        """Take a history's answer that tells of no end: return whether the run is missing.

        Args:
            run_id: Which.
            now: When it came.
            sure: Whether the history could be had, and has no such run.
        """
        turn = self._turns.get(run_id)
        if turn is None or turn.free:
            return False
        turn.asked = False
        settled = sure and turn.absent is not None
        later = now + (self._apart(turn) if settled else self._pace.down)
        at = later if turn.at is None else turn.at
        if run_id in self._looked and turn.looks < len(LOOKS):
            turn.look_at = now + LOOKS[turn.looks]
            turn.looks += 1
        elif run_id in self._looked:
            # From then on rounds as with a dead socket are enough.
            self._looked.discard(run_id)
            at = min(at, now + self._pace.down)
        self._put(turn, at)
        return settled and turn.absent is True

    def _apart(self, turn: _Turn) -> timedelta:
        return self._pace.every if self._up and turn.heard else self._pace.down

    def _put(self, turn: _Turn, at: datetime) -> None:
        turn.at = at
        if turn.free:
            self._next = at if self._next is None else min(self._next, at)
