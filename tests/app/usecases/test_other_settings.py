"""A process whose settings do not name a server that another process has: no run is lost by it."""

import asyncio
from typing import Any

import pytest

from app.clock import Clock
from app.engines.comfyui import ComfyUI
from app.usecases.seen_servers import SeenServers
from processors import runs
from schemas.base import InstanceName
from schemas.generation import ClaimedEnd
from schemas.run import RunAt, RunReport, RunStatus
from tests.app.usecases.yards import TIMING, TWO, Yard
from tests.builders import COMFYUI, HERE, ID, NOON, RUN, a_debt, a_placed, a_server_seen, owes
from tests.fakes.engines import FakeEngine
from tests.fakes.servers import FakeServers

pytestmark = pytest.mark.anyio


class Unset(FakeEngine):
    """The servers, as a process knows them whose settings name none.

    Attributes:
        clock: The time; another process sees to every server as long as there is one.
    """

    clock: Clock | None = None

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        return await self._known().read(run)

    async def cancel(self, run: RunAt) -> None:
        """See app.ports.Engine."""
        await self._known().cancel(run)

    def _known(self) -> ComfyUI:
        if self.clock is None:
            return ComfyUI({})
        there = InstanceName("there")
        board = FakeServers(a_server_seen("one", at=self.clock.now(), by=there))
        seen = SeenServers(board, COMFYUI, me=HERE, clock=self.clock, timing=TIMING)
        return ComfyUI({}, seen)


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        (runs.ASK, {}),
        (
            runs.END,
            {"claimed_end": ClaimedEnd(status=RunStatus.COMPLETED, at=NOON, run_id=RUN)},
        ),
        (runs.CANCEL, {"cancel_wanted": True, "cancel_wanted_at": NOON}),
    ],
)
async def test_what_is_asked_of_another_s_server_waits_for_that_one(
    key: str, fields: dict[str, Any]
) -> None:
    """However often it comes here first: the run has its place, and what is owed is owed."""
    engine = Unset(name=COMFYUI)
    yard = Yard(TWO, engine=engine)
    engine.clock = yard.clock
    yard.generations.records[ID] = a_placed(RunStatus.RUNNING, owed=(a_debt(key),), **fields)
    async with yard.running():
        await asyncio.sleep(TIMING.cancel_grace.total_seconds() - 10)
        record = yard.record(ID)
        assert (record.attempt, record.status, record.slot) == (1, RunStatus.RUNNING, "one#1")
        assert owes(record) == [key]
        assert yard.posted() == []
        # Nobody sees to it any more: what it had is lost.
        engine.clock = None
        await asyncio.sleep(20)

    record = yard.record(ID)
    assert record.ended or record.attempt == 2
