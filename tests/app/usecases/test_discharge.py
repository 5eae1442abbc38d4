"""What is taken up is done, whatever becomes of what was taken up beside it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import structlog

from app.errors import PeerBusyError, PeerDownError
from app.usecases.discharge import LINES, Handler, by_engine, peer_of
from app.usecases.hands import BACKLOG
from app.usecases.records import Decide, acknowledged
from processors import debts, runs
from schemas.base import GenerationId, RunId
from schemas.debt import Debt, DebtKind
from schemas.generation import ClaimedEnd, Generation
from schemas.run import RunStatus
from tests.app.usecases.scenes import Scene
from tests.builders import (
    COMFYUI,
    ID,
    NOON,
    RUN,
    a_debt,
    a_generation,
    a_placed,
    a_report,
    a_taker,
    a_waiting,
    some_metadata,
)
from tests.fakes.generations import FakeGenerations

pytestmark = pytest.mark.anyio

OTHER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")


def heard(generation_id: GenerationId, run_id: RunId) -> Generation:
    """A generation whose end was heard and is due to be asked about."""
    return a_generation(
        RunStatus.RUNNING,
        id=generation_id,
        metadata=some_metadata(run_id=run_id, telegram_chat_id=None),
        claimed_end=ClaimedEnd(status=RunStatus.COMPLETED, at=NOON, run_id=run_id),
        owed=(a_debt(runs.END),),
    )


class Unreadable(FakeGenerations):
    """Generations of which one can no longer be read once it is claimed."""

    async def get(self, record_id: str, /) -> Generation | None:
        """See app.ports.Generations."""
        found = await super().get(record_id)
        if record_id == ID and found is not None and found.owed[0].by is not None:
            raise ValueError("this record makes no sense")
        return found


class Slow(FakeGenerations):
    """Generations that take five seconds to be read."""

    async def get(self, record_id: str, /) -> Generation | None:
        """See app.ports.Generations."""
        await asyncio.sleep(5)
        return await super().get(record_id)


async def test_a_record_that_cannot_even_be_given_back_stops_nobody() -> None:
    """It is said; what else is owed is done."""
    scene = Scene(generations=Unreadable())
    for each, run in ((ID, RUN), (OTHER, RunId("run-2"))):
        scene.generations.records[each] = heard(each, run)
        scene.engine.reports[run] = a_report(run_id=run)
    async with scene.running():
        await asyncio.sleep(5)

    assert scene.record(OTHER).ended
    assert not scene.record(ID).ended
    assert "debt_broken" in scene.alerts.raised


async def test_a_line_longer_than_a_claim_is_worked_off() -> None:
    """Whoever waits so long that its claim must be renewed is served then, not sent to the end."""
    scene = Scene(generations=Slow())

    async def answering() -> None:
        """Take ten seconds before a run is made, and ten before it is named."""
        await asyncio.sleep(10)
        scene.engine.next_run = RunId(f"run-{len(scene.engine.submitted)}")

    scene.engine.gate = answering
    hands = next(line.hands for line in LINES if DebtKind.SUBMIT in line.kinds)
    async with scene.running():
        ordered = [await scene.order(metadata={}) for _ in range(6 * hands)]
        await asyncio.sleep(6 * 30)

    assert len(scene.engine.submitted) == len(ordered)
    assert {sent.id for sent, _ in scene.engine.submitted} == set(ordered)


async def test_submits_that_take_their_time_stop_no_end() -> None:
    """However many there are: each has its minute while a deployment is being replaced."""
    scene, takes = Scene(), [55.0]

    async def answering() -> None:
        await asyncio.sleep(takes[0])

    scene.engine.gate = answering
    end = a_debt(runs.END, next_at=NOON + timedelta(seconds=10))
    scene.generations.records[ID] = debts.put(heard(ID, RUN), (end,))
    scene.engine.reports[RUN] = a_report()
    async with scene.running():
        for _ in range(2 * BACKLOG):
            await scene.order(metadata={})
        await asyncio.sleep(5)
        takes[0] = 0
        await asyncio.sleep(10)
        assert scene.discharger.idle(frozenset({DebtKind.SUBMIT})) == 0
        assert scene.record(ID).ended


def test_every_kind_waits_in_one_line() -> None:
    """None is left out, none has two."""
    assert sorted(kind for line in LINES for kind in line.kinds) == sorted(DebtKind)


async def test_a_wait_that_the_engine_names_is_kept_by_an_end() -> None:
    """It counts no try, so an end is not left unconfirmed for it."""
    scene = Scene()
    scene.generations.records[ID] = heard(ID, RUN)
    scene.engine.reports[RUN] = a_report()
    scene.engine_gate.down = PeerBusyError("comfydeploy", "answered 429", timedelta(seconds=37))
    async with scene.running():
        await asyncio.sleep(30)
        (debt,) = scene.record(ID).owed
        wait = (debt.next_at - scene.clock.now()).total_seconds()
        assert (0 < wait < 10, debt.attempts) == (True, 0)
        await asyncio.sleep(3600)
        scene.engine_gate.down = None
        await asyncio.sleep(60)

    assert scene.record(ID).confirmed


async def test_a_line_that_is_logged_meanwhile_names_the_generation_and_its_run() -> None:
    """Whoever logs it, a client that knows neither included."""
    scene, bound = Scene(), list[dict[str, Any]]()

    async def look() -> None:
        bound.append(structlog.contextvars.get_contextvars())

    scene.engine.gate = look
    scene.generations.records[ID] = heard(ID, RUN)
    scene.engine.reports[RUN] = a_report()
    async with scene.running():
        await asyncio.sleep(5)

    assert bound[0] == {"generation": ID, "run": RUN}


async def test_what_nobody_here_may_do_is_not_claimed() -> None:
    """Neither a kind that was not asked for, nor a chat's while another is the sender."""
    scene = Scene()
    scene.messenger.duty = False
    owed: tuple[Debt, ...] = (a_debt(runs.END), a_debt(runs.ASK), a_debt(runs.NOTIFY))
    scene.generations.records[ID] = record = a_generation(owed=owed)
    await scene.discharger.claim(record.id, frozenset({DebtKind.END, DebtKind.NOTIFY}))

    assert [each.by for each in scene.record(ID).owed] == ["here", None, None]


async def test_no_order_waits_in_silence_while_its_engine_is_away() -> None:
    """A circuit lets one debt through at a time, but time limits hold for every order."""
    async with Scene().running() as scene:
        scene.engine_gate.down = PeerDownError("comfydeploy", "refuses COMFYDEPLOY_API_KEY")
        orders = [await scene.order() for _ in range(20)]
        await asyncio.sleep(6.2 * 3600)

    ends = {(each.status, each.ended_by) for each in map(scene.record, orders)}
    assert ends == {(RunStatus.TIMEOUT, "us")}


async def test_a_debt_is_done_as_its_generations_engine_has_it_done() -> None:
    """And as is usual where that has no way of its own."""
    done = list[str]()

    def handler(name: str) -> Handler:
        async def handle(generation: Generation, debt: Debt) -> Decide | None:
            done.append(f"{name}: {generation.engine}")
            return acknowledged(debt)

        return handle

    handle = by_engine({COMFYUI: handler("own")}, handler("usual"))
    for record in (a_waiting(), a_generation()):
        assert await handle(record, a_debt(runs.SUBMIT)) is not None

    assert done == ["own: comfyui", "usual: comfydeploy"]


@pytest.mark.parametrize(
    ("record", "debt", "peer"),
    [
        (a_generation(), a_debt(runs.ASK), "comfydeploy"),
        (a_waiting(), a_debt(runs.SUBMIT), "comfyui"),
        (a_placed(), a_debt(runs.ASK), "comfyui:one"),
        (a_placed(), a_debt(runs.CANCEL, about="run-x"), "comfyui"),
        (runs.retried(a_placed(), NOON, a_taker()), a_debt(runs.SUBMIT), "comfyui"),
        (runs.retried(a_placed(), NOON, a_taker()), a_debt(runs.CANCEL, about=RUN), "comfyui:one"),
        (a_placed(), a_debt(runs.KEEP), "storage"),
        (a_placed(), a_debt(runs.SETTLE), "ledger"),
        (a_placed(), a_debt(runs.SHOW), "telegram"),
    ],
)
def test_a_debt_waits_for_whom_it_is_about(record: Generation, debt: Debt, peer: str) -> None:
    """What waits for another try does not wait for the server that it was lost at."""
    assert peer_of(record, debt) == peer
