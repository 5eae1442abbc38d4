"""What the messages of one run make of it: how far it is, what it showed, how it ended."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from processors.protocols.comfyui.clocking import Stopwatch
from processors.protocols.comfyui.messages import Frame, Message, States
from processors.protocols.comfyui.naming import NAME
from processors.protocols.comfyui.progress import Work
from processors.protocols.comfyui.results import outputs
from processors.protocols.comfyui.said import Preview, Said, Told, Used
from processors.protocols.comfyui.workflows import NodeKind
from schemas.base import GenerationId, RunId
from schemas.generation import OUTPUTS_KEPT
from schemas.run import Output, RunEvent, RunReport, RunStatus
from schemas.wire.comfyui_socket import (
    Executed,
    Executing,
    ExecutionCached,
    ExecutionError,
    ExecutionInterrupted,
    ExecutionStart,
    ExecutionSuccess,
    StepDone,
)

WORTH: Final = 0.01
"""The least progress that is told for its own sake."""
PREVIEWS_APART: Final = timedelta(seconds=1)


class Followed(NamedTuple):
    """A run that a server has, or is about to get.

    Attributes:
        generation_id: What it serves.
        attempt: Which attempt of that it is.
        run_id: The prompt's id.
        client_id: To whose socket the server sends its messages; None for nobody's.
        nodes: Its graph's nodes by their ids.
    """

    generation_id: GenerationId
    attempt: int
    run_id: RunId
    client_id: str | None
    nodes: Mapping[str, NodeKind]


class _State(NamedTuple):
    """What a person is shown of a run."""

    status: RunStatus | None = None
    live_status: str | None = None
    progress: float = 0.0


class Watched:
    """One run, by what its socket, the queue and its history have said of it.

    Attributes:
        run: Which.
        judged: The end that the run's own messages told of; None while there is none.
    """

    def __init__(self, run: Followed, base: str) -> None:
        self.run: Final = run
        self.judged: RunStatus | None = None
        self._base = base
        self._work = Work(run.nodes)
        self._stopwatch = Stopwatch(run.nodes)
        # The nodes that run by the last states of all; others have had the next one begin.
        self._beside: frozenset[str] = frozenset()
        self._told = _State()
        self._previewed_at: datetime | None = None
        self._shown = 0

    def heard(self, message: Message, now: datetime) -> list[Said]:
        """Take one message of this run, and tell what it changes."""
        shown: tuple[Output, ...] = ()
        match message:
            case ExecutionStart():
                self._stopwatch.start()
            case ExecutionCached(nodes=nodes):
                self._work.cached(nodes)
                self._stopwatch.cached(nodes)
            case States():
                self._seen(message, now)
            case Executing(node=str(node)):
                self._begun(node, message.display_node or node, now)
            case StepDone():
                self._work.stepped(message.node, message.value, message.max)
            case Executed():
                shown = self._outputs(message, now)
            case _:
                self._judge(message, now)
        return self._tell(RunStatus.RUNNING, now, shown)

    def queued(self, now: datetime) -> list[Said]:
        """Take note that the run waits for its turn."""
        return self._tell(self._told.status or RunStatus.QUEUED, now)

    def taken(self, now: datetime) -> list[Said]:
        """Take note that the run is the server's to do now."""
        return self._tell(RunStatus.RUNNING, now)

    def seen(self, frame: Frame, now: datetime) -> list[Said]:
        """Take a preview; all but the first of a second are passed over."""
        if self._previewed_at is not None and now - self._previewed_at < PREVIEWS_APART:
            return []
        self._previewed_at = now
        run = self.run
        return [Preview(run.generation_id, run.run_id, frame.content_type, frame.image)]

    def unheard(self) -> None:
        """Take note that messages may be missed."""
        self._stopwatch.lose()

    def ended(self, status: RunStatus, now: datetime) -> list[Said]:
        """Tell the end that the run's own messages told of."""
        return self._end(status, (), now)

    def reported(self, report: RunReport, now: datetime) -> list[Said]:
        """Tell the end that the run's history tells of.

        Nodes that were not heard to their end have no time.
        """
        shown = tuple(output.change(received_at=now) for output in report.outputs)
        return self._end(report.status, shown, now)

    def _outputs(self, message: Executed, now: datetime) -> tuple[Output, ...]:
        """Return what a node has shown, as much of it as a record keeps; history has all."""
        room = OUTPUTS_KEPT - self._shown
        if not message.output or not room:
            return ()
        shown = outputs({message.node: message.output}, self._base, now)[:room]
        self._shown += len(shown)
        return shown

    def _begun(self, node: str, root: str, now: datetime) -> None:
        self._work.begun(node, root)
        self._stopwatch.begun(root, self._beside, now)

    def _seen(self, states: States, now: datetime) -> None:
        self._work.seen(states.nodes)
        self._beside = self._work.at
        self._stopwatch.only(self._beside, now)

    def _judge(self, message: Message, now: datetime) -> None:
        """Take note of an end. The first one stands."""
        judged = _JUDGED.get(type(message))
        if judged is not None and self.judged is None:
            self.judged = judged
            self._stopwatch.stop(now)

    def _tell(self, status: RunStatus, now: datetime, shown: tuple[Output, ...] = ()) -> list[Said]:
        """Tell how far the run is, if it shows or there is something to show."""
        told = self._told
        words = self._work.words or told.live_status
        share = self._work.share
        state = _State(status, words, share)
        changed = told[:2] != state[:2] or share - told.progress >= WORTH
        if not changed and not shown:
            return []
        self._told = state
        return [Told(self._event(state, shown, now))]

    def _end(self, status: RunStatus, shown: tuple[Output, ...], now: datetime) -> list[Said]:
        progress = 1.0 if status is RunStatus.COMPLETED else self._work.share
        said: list[Said] = [Told(self._event(_State(status, None, progress), shown, now))]
        if uses := self._stopwatch.uses:
            said.append(Used(uses, self.run.generation_id, self.run.run_id))
        return said

    def _event(self, state: _State, shown: tuple[Output, ...], now: datetime) -> RunEvent:
        run = self.run
        return RunEvent(
            engine=NAME,
            generation_id=run.generation_id,
            attempt=run.attempt,
            run_id=run.run_id,
            status=state.status,
            received_at=now,
            progress=state.progress,
            live_status=state.live_status,
            outputs=shown,
            source="server",
        )


_JUDGED: Final[Mapping[type[Message], RunStatus]] = {
    ExecutionSuccess: RunStatus.COMPLETED,
    ExecutionError: RunStatus.FAILED,
    ExecutionInterrupted: RunStatus.CANCELLED,
}
