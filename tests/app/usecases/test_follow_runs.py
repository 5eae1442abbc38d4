"""app.usecases.follow_runs: what a server tells of a run is applied, or looked into."""

import asyncio
from typing import Any

import pytest

from processors import runs
from schemas.base import GenerationId, RunId
from schemas.run import RunStatus
from schemas.usage import NodeUse
from tests.app.usecases.yards import ONE, TWO, Yard
from tests.builders import COMFYUI, a_report, a_run_event, owes, the_debt

pytestmark = pytest.mark.anyio

OTHER = RunId("run-of-another")


async def sent(yard: Yard, **fields: Any) -> tuple[GenerationId, RunId]:  # noqa: ANN401 - any field of the record
    """Have a run at a server."""
    generation = await yard.order(**fields)
    await asyncio.sleep(2)
    return generation, yard.fleet.posted[-1].run_id


async def test_what_a_server_told_is_applied_without_an_inbox() -> None:
    """Progress is written, and an end is asked about."""
    async with Yard(ONE).running() as yard:
        generation, run_id = await sent(yard)
        event = a_run_event(
            engine=COMFYUI, generation_id=generation, run_id=run_id, received_at=yard.clock.now()
        )
        yard.follow.told(event._replace(progress=0.4))
        await asyncio.sleep(1)
        record = yard.record(generation)
        assert (record.status, record.progress) == (RunStatus.RUNNING, 0.4)
        yard.over(generation, a_report())
        yard.follow.told(event._replace(status=RunStatus.COMPLETED))
        await asyncio.sleep(1)

    record = yard.record(generation)
    assert (record.status, record.ended_by, record.slot) == (RunStatus.COMPLETED, "engine", None)
    assert yard.inbox.batches == {}


async def test_a_run_that_seems_to_be_missing_is_asked_about_now() -> None:
    """It is not for who follows it to say that it is lost."""
    async with Yard(ONE).running() as yard:
        generation, run_id = await sent(yard)
        await yard.follow.missing(generation, OTHER)
        assert the_debt(yard.record(generation), runs.ASK).next_at > yard.clock.now()
        yard.over(generation, a_report())
        await yard.follow.missing(generation, run_id)
        assert the_debt(yard.record(generation), runs.ASK).next_at <= yard.clock.now()
        await asyncio.sleep(2)
        ended = yard.record(generation)
        await yard.follow.missing(generation, run_id)

    assert ended.status is RunStatus.COMPLETED
    assert yard.record(generation) == ended


async def test_a_run_whose_server_is_gone_is_tried_at_another() -> None:
    """As the next attempt; another run's server says nothing of it."""
    async with Yard(ONE, TWO._replace(healthy=False)).running() as yard:
        generation, run_id = await sent(yard)
        yard.fleet.servers = {"two": TWO}
        await yard.follow.gone(generation, OTHER)
        assert yard.record(generation).attempt == 1
        await yard.follow.gone(generation, run_id)
        await asyncio.sleep(2)

    record = yard.record(generation)
    assert (record.attempt, record.slot, record.history[1].status) == (
        2,
        "two#1",
        RunStatus.QUEUED,
    )
    assert [each.generation.id for each in yard.fleet.posted] == [generation, generation]


async def test_a_last_try_waits_for_its_server() -> None:
    """It may come back, and have it."""
    async with Yard(ONE).running() as yard:
        generation, run_id = await sent(yard, max_attempts=1)
        await yard.follow.gone(generation, run_id)
        await yard.follow.gone(GenerationId("f" * 32), run_id)

    record = yard.record(generation)
    assert (record.attempt, record.status, record.slot) == (1, RunStatus.QUEUED, "one#1")


async def test_an_answer_about_a_former_run_names_it_to_nobody() -> None:
    """Its server answered as it was given up: the next attempt goes on."""
    yard = Yard(ONE)
    async with yard.running():
        generation, run_id = await sent(yard)
        yard.over(generation, a_report(RunStatus.RUNNING))
        yard.fleet.servers.clear()

        async def gone() -> None:
            yard.engine.gate = yard.store
            await yard.follow.gone(generation, run_id)

        yard.engine.gate = gone
        await yard.follow.missing(generation, run_id)
        await asyncio.sleep(2)

    record = yard.record(generation)
    assert (record.attempt, record.status, record.metadata.run_id) == (2, RunStatus.PENDING, None)
    assert owes(record) == ["submit"]


async def test_pictures_and_what_nodes_took_are_kept() -> None:
    """Of the run that they are of, at its server, as of now."""
    yard = Yard(ONE)
    generation, run_id = GenerationId("a" * 32), RunId("run-1")
    row = NodeUse("6", "KSampler", ("sd15.safetensors",), 1200, cached=False)
    await asyncio.sleep(3)
    await yard.follow.previewed(generation, b"a picture", "image/jpeg")
    await yard.follow.used(generation, run_id, "one", [row])

    preview = await yard.previews.get(generation)
    assert preview == (b"a picture", "image/jpeg", yard.clock.now())
    (use,) = await yard.uses.of(generation)
    assert (use.run_id, use.server, use.node_id, use.milliseconds) == (run_id, "one", "6", 1200)
    assert use.at == yard.clock.now()


async def test_previews_do_not_pile_up_while_the_database_is_slow() -> None:
    """Of those that come while one is being kept only the newest waits, of that run alone."""
    yard, slow = Yard(ONE), asyncio.Event()
    first, other = GenerationId("a" * 32), GenerationId("b" * 32)

    async def gate() -> None:
        await slow.wait()

    yard.previews.gate = gate
    async with asyncio.TaskGroup() as group:
        for generation in (first, other):
            group.create_task(yard.follow.previewed(generation, b"the first", "image/jpeg"))
        await asyncio.sleep(1)
        async with asyncio.timeout(1):
            for each in (b"passed over", b"the newest"):
                await yard.follow.previewed(first, each, "image/jpeg")
        slow.set()
    kept = {each: shown.image for each, shown in yard.previews.kept.items()}
    assert kept == {first: b"the newest", other: b"the first"}

    await yard.follow.previewed(first, b"the next", "image/jpeg")
    assert yard.previews.kept[first].image == b"the next"


async def test_what_is_at_a_server_and_what_was_is_known() -> None:
    """So that whoever takes its duty over can follow it."""
    async with Yard(ONE).running() as yard:
        generation, run_id = await sent(yard)
        assert [each.id for each in await yard.follow.at("one")] == [generation]
        assert await yard.follow.formerly_at("one") == ()
        yard.fleet.servers.clear()
        await yard.follow.gone(generation, run_id)
        assert await yard.follow.at("one") == ()
        assert [each.id for each in await yard.follow.formerly_at("one")] == [generation]


async def test_runs_at_servers_that_are_not_set_any_more_are_asked_about_now() -> None:
    """Nobody else looks for them; those at servers that are set are left alone."""
    async with Yard(ONE).running() as yard:
        generation, _ = await sent(yard)
        await yard.follow.orphaned({"one"})
        assert the_debt(yard.record(generation), runs.ASK).next_at > yard.clock.now()
        await yard.follow.orphaned({"two"})
        assert the_debt(yard.record(generation), runs.ASK).next_at <= yard.clock.now()
