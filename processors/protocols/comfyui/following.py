"""Follow the runs that one ComfyUI server has, by its socket and by the clock. No I/O.

A server finishes a run and may never say so: its socket can be silent, drop, or belong to
somebody else by now. So a run's end is believed from whichever says it first: ``executing``
without a node, which follows the history's entry, once the run's own messages have said how it
ended; or the history itself, which is asked by the clock, after every reconnect, and soon
after the run's own messages spoke of an end. What has ended is followed no more.

Whoever drives a follower gives it what comes, calls `tick` when `due_at` has come, and answers
every `AskQueue` and every `AskHistory` exactly once, with None if there is no answer to be had.
"""

from datetime import datetime
from typing import Final, NamedTuple

from processors.protocols.comfyui import messages
from processors.protocols.comfyui.answers import Queue
from processors.protocols.comfyui.rounds import Pace, Rounds
from processors.protocols.comfyui.said import AskHistory, AskQueue, Missing, Said
from processors.protocols.comfyui.watching import Followed, Watched
from schemas.base import RunId
from schemas.run import RunReport
from schemas.wire.comfyui_socket import Executing

__all__ = ["Followed", "Follower", "InHistory", "Pace"]


class InHistory(NamedTuple):
    """What a server's history has of a run."""

    report: RunReport | None
    """How it ended; None where there is nothing of it."""


class Follower:
    """All runs that are followed at one server.

    Everything that is heard says what is to be done about it, in order.
    """

    def __init__(self, client_id: str, base: str, pace: Pace | None = None) -> None:
        """Follow nothing yet, without a socket.

        Args:
            client_id: The name of our socket at the server.
            base: The server's address, without a credential: files are fetched below it.
            pace: How often runs are asked after.
        """
        self._client_id: Final = client_id
        self._base: Final = base
        self._runs: dict[RunId, Watched] = {}
        self._rounds = Rounds(pace or Pace())

    @property
    def following(self) -> frozenset[RunId]:
        """The runs whose end is waited for."""
        return frozenset(self._runs)

    @property
    def due_at(self) -> datetime | None:
        """When `tick` has something to do next; None while only answers are waited for."""
        return self._rounds.due_at

    def expect(self, run: Followed, now: datetime) -> None:
        """Follow a run from now on: before it is sent, or when it is found on its way.

        One that is followed already stays as it is.
        """
        if run.run_id in self._runs:
            return
        self._runs[run.run_id] = Watched(run, self._base)
        self._rounds.add(run.run_id, now, heard=run.client_id == self._client_id)

    def forget(self, run_id: RunId) -> None:
        """Follow a run no more: it was never sent, or there is nothing more to be learnt."""
        self._runs.pop(run_id, None)
        self._rounds.drop(run_id)

    def connected(self, now: datetime) -> list[Said]:
        """Take note that our socket is there: whatever came before it is not repeated."""
        self._rounds.connected(now)
        return self.tick(now)

    def disconnected(self, now: datetime) -> list[Said]:
        """Take note that our socket is gone."""
        for watched in self._runs.values():
            watched.unheard()
        self._rounds.disconnected(now)
        return self.tick(now)

    def text(self, data: str, now: datetime) -> list[Said]:
        """Take a text frame of our socket. Nothing that it may hold is an error."""
        message = messages.text(data)
        watched = self._runs.get(message.prompt_id) if message else None
        if message is None or watched is None:
            return []
        if isinstance(message, Executing) and message.node is None:
            return self._finished(watched, now)
        said = watched.heard(message, now)
        if watched.judged is not None:
            self._rounds.look(watched.run.run_id, now, at_once=False)
        return said

    def binary(self, data: bytes, now: datetime) -> list[Said]:
        """Take a binary frame of our socket. Nothing that it may hold is an error."""
        frame = messages.frame(data)
        watched = self._runs.get(frame.prompt_id) if frame else None
        return watched.seen(frame, now) if frame and watched else []

    def history(self, run_id: RunId, found: InHistory | None, now: datetime) -> list[Said]:
        """Take the answer about a run's history; None if it could not be had."""
        watched = self._runs.get(run_id)
        if watched is not None and found is not None and found.report is not None:
            self.forget(run_id)
            return watched.reported(found.report, now)
        missing = self._rounds.answered(run_id, now, sure=found is not None)
        if watched is None or not missing:
            return []
        return [Missing(watched.run.generation_id, run_id)]

    def queue(self, queue: Queue | None, now: datetime) -> list[Said]:
        """Take the answer about the queue; None if it could not be had."""
        said = [] if queue is None else self._listed(queue, now)
        there = None if queue is None else {*queue.running, *queue.pending}
        said.extend(AskHistory(run_id) for run_id in self._rounds.listed(there))
        return said

    def tick(self, now: datetime) -> list[Said]:
        """Ask what it is time to ask."""
        said: list[Said] = [AskHistory(run_id) for run_id in self._rounds.looks(now)]
        if self._rounds.begin(now):
            said.append(AskQueue())
        return said

    def _finished(self, watched: Watched, now: datetime) -> list[Said]:
        """End a run that the server has done with. Missed how it ended: its history says."""
        run_id = watched.run.run_id
        if watched.judged is not None:
            self.forget(run_id)
            return watched.ended(watched.judged, now)
        self._rounds.look(run_id, now, at_once=True)
        return self.tick(now)

    def _listed(self, queue: Queue, now: datetime) -> list[Said]:
        """Tell of the runs that wait, and of those that the server has taken."""
        said = list[Said]()
        for run_id in queue.running:
            if run_id in self._runs:
                said += self._runs[run_id].taken(now)
        for run_id in queue.pending:
            if run_id in self._runs:
                said += self._runs[run_id].queued(now)
        return said
