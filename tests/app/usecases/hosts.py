"""A host where nothing runs between requests, on fakes, in virtual time."""

import asyncio
from datetime import timedelta
from typing import Any

from app.usecases.attend import Attend
from app.usecases.check_runs import CheckRuns
from app.usecases.shift import Shift
from app.usecases.work_off import Chore, WorkOff
from schemas.base import RunId
from schemas.generation import Generation
from schemas.timing import Timing
from tests.app.usecases.scenes import TIMING, Scene
from tests.fakes.engines import FakeEngine
from tests.fakes.gates import Gate, ajar
from tests.fakes.leases import FakeLeases
from tests.fakes.messenger import FakeMessenger

SELDOM = TIMING.change(sweep_every=timedelta(days=1))
"""With these limits nothing is found by looking for it."""


class Slow:
    """A gate that takes its time, until it is let go."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def __call__(self) -> None:
        """Pass, after a while."""
        await asyncio.sleep(self.seconds)


class Many(FakeEngine):
    """An engine whose runs each have a name of their own."""

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """See app.ports.Engine."""
        await super().submit(generation, webhook)
        return RunId(f"run-of-{generation.id}")


class OnCall:
    """A sender that is on duty some time after it was called, and not after it has left."""

    def __init__(self, messenger: FakeMessenger, ready: Gate = ajar) -> None:
        self._messenger = messenger
        self._ready = ready
        messenger.duty = False

    async def called(self) -> None:
        """See app.usecases.shift.OnCall."""
        await self._ready()
        self._messenger.duty = True

    async def left(self) -> None:
        """See app.usecases.shift.OnCall."""
        self._messenger.duty = False


class Lanes:
    """Updates that are handled once they were waited for."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds

    async def quiet(self) -> None:
        """See app.usecases.attend.Lanes."""
        await asyncio.sleep(self.seconds)


class Host:
    """A scene without a background, and all that is done in calls there.

    Attributes:
        leases: Who is at it.
        lanes: What handles updates.
    """

    def __init__(
        self,
        *chores: Chore,
        timing: Timing = SELDOM,
        ready: Gate = ajar,
        leases: FakeLeases | None = None,
        **scene: Any,  # noqa: ANN401 - what the scene is set up with
    ) -> None:
        known: dict[str, Any] = {"background": False}
        self.scene = Scene(timing=timing, **(known | scene))
        self.leases, self.lanes = leases or FakeLeases(), Lanes()
        made, hands = self.scene, (self.scene.discharger, self.scene.job_hands)
        self.sender = OnCall(made.messenger, ready)
        common: dict[str, Any] = {"leases": self.leases, "timing": timing}
        self.shift = Shift(
            made.calls, made.sweep, made.applier, hands, sender=self.sender, taking=made.taking
        )
        self.work_off = WorkOff(
            self.shift, made.applier, hands, chores, me=made.taking.name, clock=made.clock, **common
        )
        self.check_runs = CheckRuns(
            made.records,
            made.discharger,
            self.shift,
            made.applier,
            hands,
            taking=made.taking,
            **common,
        )
        self.attend = Attend(
            self.shift,
            made.records,
            made.ordered,
            discharger=made.discharger,
            job_hands=made.job_hands,
            lanes=self.lanes,
            taking=made.taking,
            timing=timing,
        )


def seconds(number: float) -> timedelta:
    """Return so many seconds."""
    return timedelta(seconds=number)


def now() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()
