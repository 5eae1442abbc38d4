"""app.engines.comfyui.tenure: what is followed goes by the records."""

import asyncio

import pytest

from app.engines.comfyui.tenure import Tenure
from processors.protocols.comfyui import Followed
from tests.app.engines.comfyui.scene import CLIENT, TIMING, a_run, a_server, until
from tests.app.engines.comfyui.test_post_gone import Deaf
from tests.app.engines.comfyui.test_tenure_counts import following
from tests.builders import ID
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations

pytestmark = pytest.mark.anyio


async def test_a_run_that_is_sent_while_the_records_are_read_is_followed_on() -> None:
    """It is not in what was read, nor on its way any more; one that was there before has gone."""
    reading, read = asyncio.Event(), asyncio.Event()

    async def gate() -> None:
        reading.set()
        await read.wait()

    clock, generations = FakeClock(), FakeGenerations(gate=gate)
    async with a_server("http://127.0.0.1:1") as server:
        follow = following(server, generations, clock)
        tenure = Tenure(server, Deaf(), CLIENT, follow=follow, clock=clock, timing=TIMING)
        tenure.expect(Followed(ID, 1, a_run(1), CLIENT, {}))
        tenure.sent(a_run(1))

        async def gone() -> bool:
            await asyncio.sleep(0)
            return a_run(1) not in tenure.following

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            task = group.create_task(tenure.run())
            await reading.wait()
            tenure.expect(Followed(ID, 1, a_run(2), CLIENT, {}))
            tenure.sent(a_run(2))
            read.set()
            await until(gone)
            assert tenure.following == {a_run(2)}
            task.cancel()
