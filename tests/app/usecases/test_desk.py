"""Orders are taken once, and changes only where they can be."""

import asyncio

import pytest

from app.errors import (
    DiskFullError,
    EngineOffError,
    HookRefusedError,
    IdempotencyMismatchError,
    NotFoundError,
    PausedError,
    TelegramOffError,
    WorkflowRefusedError,
)
from schemas.base import GenerationId
from schemas.hook import HookEvent
from schemas.run import RunStatus
from schemas.wire.api import NewGeneration
from tests.app.usecases.scenes import Scene, an_order_form
from tests.builders import ID, RUN, a_generation
from tests.graphs import DIGEST, GRAPH

pytestmark = pytest.mark.anyio


async def test_two_identical_orders_at_once_make_one() -> None:
    """Both get the same record; one is told that it is new."""
    async with Scene().running() as scene:
        order = an_order_form()
        one, other = await asyncio.gather(
            *(scene.desk.create(order, key="k", digest="d") for _ in range(2))
        )
        await asyncio.sleep(1)

    assert one[0].id == other[0].id
    assert sorted([one[1], other[1]]) == [False, True]
    assert len(scene.engine.submitted) == 1


async def test_a_key_with_another_body_is_refused() -> None:
    """Whether it comes later or at the same time."""
    scene = Scene()
    await scene.desk.create(an_order_form(), key="k", digest="d")

    with pytest.raises(IdempotencyMismatchError):
        await scene.desk.create(an_order_form(), key="k", digest="other")
    results = await asyncio.gather(
        *(scene.desk.create(an_order_form(), key="k2", digest=each) for each in "ab"),
        return_exceptions=True,
    )
    assert sum(isinstance(each, IdempotencyMismatchError) for each in results) == 1


async def test_an_engine_that_is_off_takes_no_orders() -> None:
    """The refusal names the field."""
    with pytest.raises(EngineOffError) as caught:
        await Scene().desk.create(an_order_form(engine="somebody"), key=None, digest=None)
    assert caught.value.field == "engine"


async def test_an_engine_that_is_paused_takes_no_orders() -> None:
    """Neither a new one nor one that is run again; what was made under a key is still there."""
    scene = Scene()
    made, _ = await scene.desk.create(an_order_form(), key="k", digest="d")
    scene.paused.add(made.engine)

    with pytest.raises(PausedError):
        await scene.desk.create(an_order_form(), key=None, digest=None)
    with pytest.raises(PausedError):
        await scene.desk.rerun(made.id, key=None, digest=None)
    assert await scene.desk.create(an_order_form(), key="k", digest="d") == (made, False)


async def test_without_telegram_no_order_for_a_chat_is_taken() -> None:
    """Nobody could tell its end: neither a new one nor one that is run again."""
    scene = Scene(telegram=False)
    scene.generations.records[ID] = a_generation(RunStatus.FAILED)

    with pytest.raises(TelegramOffError) as caught:
        await scene.desk.create(an_order_form(), key=None, digest=None)
    assert caught.value.field == "metadata.telegramChatId"
    with pytest.raises(TelegramOffError):
        await scene.desk.rerun(ID, key=None, digest=None)
    _, new = await scene.desk.create(an_order_form(metadata={}), key=None, digest=None)
    assert new


async def test_a_full_disk_takes_no_orders() -> None:
    """What is known already is still answered."""
    scene = Scene(disk_full=True)

    with pytest.raises(DiskFullError):
        await scene.desk.create(an_order_form(), key="k", digest="d")
    assert scene.generations.records == {}


async def test_a_cancel_of_what_was_never_sent_is_done_at_once() -> None:
    """The answer says so."""
    scene = Scene()
    made, _ = await scene.desk.create(an_order_form(), key=None, digest=None)

    assert (await scene.desk.cancel(made.id)).status is RunStatus.CANCELLED
    assert (await scene.desk.cancel(made.id)).version == 2


async def test_what_does_not_exist_is_not_found() -> None:
    """Neither to cancel nor to run again."""
    desk, nothing = Scene().desk, GenerationId("0" * 32)

    with pytest.raises(NotFoundError):
        await desk.cancel(nothing)
    with pytest.raises(NotFoundError):
        await desk.rerun(nothing, key=None, digest=None)


async def test_running_again_is_an_order_of_its_own() -> None:
    """The same request, without the run and the message of the first."""
    scene = Scene()
    scene.generations.records[ID] = a_generation(RunStatus.FAILED)
    again, new = await scene.desk.rerun(ID, key="k", digest="d")
    answered, old = await scene.desk.rerun(ID, key="k", digest="d")

    assert (new, old, answered.id) == (True, False, again.id)
    assert (again.metadata.run_id, again.status) == (None, RunStatus.PENDING)
    assert again.request_payload == scene.record(ID).request_payload
    assert scene.record(ID).metadata.run_id == RUN


async def test_an_order_for_a_workflow_says_how_it_waits() -> None:
    """Its tries and its priority are its record's, and those of the same run again."""
    scene = Scene()
    form = {"workflow": GRAPH, "maxAttempts": 5, "priority": -2}
    made, _ = await scene.desk.create(_for_comfyui(**form), key=None, digest=None)
    again, _ = await scene.desk.rerun(made.id, key=None, digest=None)
    usual, _ = await scene.desk.create(_for_comfyui(workflow=DIGEST), key=None, digest=None)

    for each in (made, again):
        assert (each.engine, each.request_payload.workflow) == ("comfyui", DIGEST)
        assert (each.max_attempts, each.priority) == (5, -2)
    assert (usual.max_attempts, usual.priority) == (3, 0)
    assert scene.workflows.kept.keys() == {DIGEST}


async def test_an_order_brings_an_endpoint_of_its_own() -> None:
    """Under its id; the same order again brings none, and one that cannot be makes nothing."""
    scene, asked = Scene(), {"url": "http://hooks.test/one", "events": ["generation.failed"]}
    order = an_order_form(webhook=asked)
    made, _ = await scene.desk.create(order, key="k", digest="d")
    again, new = await scene.desk.create(order, key="k", digest="d")
    both = await asyncio.gather(*(scene.desk.create(order, key="k2", digest="d") for _ in range(2)))

    assert (again.id, new) == (made.id, False)
    assert made.hooked == (HookEvent.FAILED,)
    assert set(scene.endpoints.records) == {made.id, both[0][0].id}
    assert "hooked" not in made.internal()
    with pytest.raises(HookRefusedError, match=r"^webhook\.events: "):
        await scene.desk.create(
            an_order_form(webhook={**asked, "events": ["x"]}), key=None, digest=None
        )
    assert len(scene.generations.records) == 2


async def test_an_order_for_no_workflow_makes_nothing() -> None:
    """Its key is free for another one."""
    scene = Scene()

    with pytest.raises(WorkflowRefusedError):
        await scene.desk.create(_for_comfyui(workflow=DIGEST), key="k", digest="d")
    assert scene.generations.records == {}
    _, new = await scene.desk.create(_for_comfyui(workflow=GRAPH), key="k", digest="e")
    assert new


def _for_comfyui(**fields: object) -> NewGeneration:
    """An order for a ComfyUI that nobody is told of."""
    nothing: dict[str, object] = {"deployment_id": None, "inputs": {}, "metadata": {}}
    return an_order_form(engine="comfyui", **nothing | fields)
