"""app.engines.comfyui.tenure: what is counted of a server, by its name."""

from typing import Any, NoReturn

import pytest

from app.engines.comfyui import ComfyServer, Sink
from app.engines.comfyui.tenure import Tenure
from app.observability.journal import Journal
from app.usecases.apply_events import Applier
from app.usecases.follow_runs import FollowRuns
from app.usecases.records import Records
from app.usecases.taking import Taking
from processors.protocols.comfyui import Followed
from schemas.run import RunEvent
from tests.app.engines.comfyui.scene import CLIENT, TIMING, a_run, a_server
from tests.builders import HERE, ID
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.inbox import FakeInbox
from tests.fakes.previews import FakePreviews
from tests.fakes.uses import FakeUses
from tests.processors.protocols.comfyui.test_following import a_preview

pytestmark = pytest.mark.anyio


class Silence:
    """A socket from which nothing comes."""

    trouble: str | None = None

    async def run(self, sink: Sink) -> NoReturn:
        """Never hand anything on."""
        raise NotImplementedError(sink)


class Noting(FollowRuns):
    """Takes what is heard of runs, and notes it.

    Attributes:
        heard: What was told, in order.
    """

    def __init__(self, *parts: Any) -> None:  # noqa: ANN401 - those of FollowRuns
        super().__init__(*parts)
        self.heard = list[RunEvent]()

    def told(self, event: RunEvent) -> None:
        """Note it, and apply it."""
        self.heard.append(event)
        super().told(event)


def following(server: ComfyServer, generations: FakeGenerations, clock: FakeClock) -> Noting:
    """Return what takes what is heard of runs."""
    records = Records(generations, clock, Journal())
    taking = Taking(HERE, TIMING, background=True, messenger=None)
    applier = Applier(
        FakeInbox(),
        records,
        taking,
        clock=clock,
        timing=TIMING,
        metrics=server.metrics,
        alerts=FakeAlerts(),
    )
    return Noting(records, applier, FakeUses(), FakePreviews(), taking)


def a_tenure(server: ComfyServer) -> Tenure:
    """Return a tenure that does not run."""
    clock = FakeClock()
    follow = following(server, FakeGenerations(), clock)
    return Tenure(server, Silence(), CLIENT, follow=follow, clock=clock, timing=TIMING)


async def test_previews_and_lost_sockets_are_counted() -> None:
    """A preview of a stranger's run is none of ours."""
    async with a_server("http://127.0.0.1:1") as server:
        tenure = a_tenure(server)
        tenure.expect(Followed(ID, 1, a_run(), CLIENT, {}))
        tenure.connected()
        tenure.binary(a_preview(a_run()))
        tenure.binary(a_preview(a_run(2)))
        tenure.disconnected("answered no ping")
        figures = server.metrics.render().decode()

    assert 'runrelay_previews_total{server="box"} 1.0' in figures
    assert 'runrelay_server_sockets_lost_total{server="box"} 1.0' in figures
