"""app.usecases.keep_outputs: outputs are copied once, whatever happens meanwhile."""

import asyncio
from typing import Any

import pytest

from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerMissingError,
    PeerRefusedError,
)
from app.usecases.keep_outputs import KeepOutputs
from processors import debts, runs
from schemas.base import GenerationId, InstanceName
from schemas.debt import DebtKind
from schemas.generation import Generation, Response
from schemas.run import Output, OutputKind, RunStatus
from tests.app.usecases.scenes import RARELY, Scene
from tests.builders import (
    COMFYDEPLOY,
    HERE,
    ID,
    NOON,
    RUN,
    a_debt,
    a_generation,
    a_report,
    a_taker,
    an_output,
    later,
    some_metadata,
    the_debt,
)
from tests.fakes.gates import Turnstile
from tests.fakes.generations import FakeGenerations
from tests.fakes.storage import PICTURE, FakeStorage

pytestmark = pytest.mark.anyio

FIRST, SECOND = "https://outputs.example.com/1.png", "https://outputs.example.com/2.png"
NEITHER_KIND = PeerError("outputs.example.com", "redirect (302)")
MISSING = PeerMissingError("outputs.example.com", "status (404)")


class TooLargeError(PeerError):
    """A file over the limit, as a fetch says it."""

    reason = "too_large"


class NeverError(PeerError):
    """A file that is not to be had, as a fetch says it."""

    def __init__(self, reason: str) -> None:
        super().__init__("outputs.example.com", reason)
        self.reason = reason


class KilledError(Exception):
    """The process ends here."""


async def ended(scene: Scene, *outputs: Output, wait: float = 5) -> GenerationId:
    """Have a generation end with outputs, and wait for what follows."""
    generation = await scene.order()
    await asyncio.sleep(1)
    scene.engine.reports[RUN] = a_report(outputs=outputs)
    await scene.hear(generation, "success")
    await asyncio.sleep(wait)
    return generation


def outputs_of(scene: Scene, generation: GenerationId) -> tuple[Output, ...]:
    """Return the outputs as they are stored."""
    return scene.record(generation).response_payload.outputs


class Watched(FakeGenerations):
    """Generations whose readings are noted.

    Attributes:
        read: What each that was read owed then to somebody who had claimed it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.read = list[set[str]]()

    async def get(self, record_id: str, /) -> Generation | None:
        """See app.ports.Generations."""
        found = await super().get(record_id)
        self.read.append({debt.key for debt in found.owed if debt.by} if found else set())
        return found


async def test_a_copy_is_begun_on_the_record_as_its_end_has_left_it() -> None:
    """It is read once, for what is written of the copy: others may have written meanwhile."""
    generations = Watched()
    scene = Scene(generations=generations)
    async with scene.running():
        generation = await ended(scene, an_output(url=FIRST))

    assert outputs_of(scene, generation)[0].key is not None
    assert [runs.KEEP in claimed for claimed in generations.read].count(True) == 1


async def test_outputs_are_copied_and_named() -> None:
    """Each output with an address has a copy, and is of the type that its content shows."""
    scene = Scene()
    scene.files.files[SECOND] = b"not a picture at all"
    text = Output(id="t/text/0", kind=OutputKind.TEXT, text="hello")
    async with scene.running():
        generation = await ended(scene, an_output(), an_output("2"), text)

    first, second, third = outputs_of(scene, generation)
    assert first.key is not None
    assert second.key is not None
    assert third.key is None
    assert scene.storage.files == {first.key: PICTURE, second.key: b"not a picture at all"}
    assert (first.content_type, second.content_type) == ("image/png", "application/octet-stream")
    assert scene.record(generation).owed == ()


async def test_telling_does_not_wait_for_keeping() -> None:
    """An end is told while its outputs cannot be kept; they are once storage is back."""
    scene = Scene()
    scene.storage.gate = gate = Turnstile()
    gate.down = PeerDownError("storage", "does not answer")
    async with scene.running():
        generation = await ended(scene, an_output())

        assert len(scene.messenger.told) == 1
        (debt,) = scene.record(generation).owed
        assert (debt.key, debt.attempts) == (runs.KEEP, 0)
        assert "storage_down" in scene.alerts.raised

        gate.down = None
        await asyncio.sleep(60)

    assert outputs_of(scene, generation)[0].key is not None
    assert scene.engine.submitted


async def test_fresh_addresses_are_asked_for_after_the_first_try() -> None:
    """What the known address does not give any more comes from the one the engine names then."""
    scene = Scene()
    scene.files.files[FIRST] = PeerError("outputs.example.com", "status (403)")
    fresh = f"{FIRST}?signed=anew"
    async with scene.running():
        generation = await ended(scene, an_output(), wait=0.5)
        assert scene.files.asked == [FIRST]
        scene.engine.reports[RUN] = a_report(outputs=(an_output(url=fresh),))
        await asyncio.sleep(10)

    assert scene.files.asked == [FIRST, fresh]
    assert outputs_of(scene, generation)[0].key is not None


async def test_what_is_gone_is_marked_and_not_tried_for_ever() -> None:
    """A file that is missing under a fresh address is gone; the others are kept."""
    scene = Scene()
    scene.files.files[FIRST] = MISSING
    async with scene.running():
        generation = await ended(scene, an_output(), an_output("2"), wait=30)

    first, second = outputs_of(scene, generation)
    assert (first.key, first.not_kept) == (None, "gone")
    assert second.key is not None
    assert scene.files.asked == [FIRST, SECOND, FIRST]
    assert scene.record(generation).owed == ()


async def test_a_file_of_a_run_that_is_gone_is_gone() -> None:
    """Where the engine knows the run no more, nobody will ever have another address."""
    scene = Scene()
    scene.files.files[FIRST] = MISSING
    async with scene.running():
        generation = await ended(scene, an_output(), wait=0.5)
        scene.engine.reports.clear()
        await asyncio.sleep(10)

    assert outputs_of(scene, generation)[0].not_kept == "gone"


async def test_what_is_too_large_is_not_tried_again() -> None:
    """A file over the limit is marked at once."""
    scene = Scene()
    scene.files.files[FIRST] = TooLargeError("outputs.example.com", "too_large")
    async with scene.running():
        generation = await ended(scene, an_output())

    assert outputs_of(scene, generation)[0].not_kept == "too_large"
    assert scene.files.asked == [FIRST]


@pytest.mark.parametrize(
    ("reason", "feeds", "why"),
    [
        ("forbidden", True, "forbidden"),
        ("redirect", False, "forbidden"),
        ("refused", True, "gone"),
    ],
)
async def test_what_is_never_to_be_had_is_given_up(reason: str, why: str, *, feeds: bool) -> None:
    """Tried several times, with fresh addresses; soon where other steps wait, else after a day."""
    scene = Scene(timing=RARELY)
    scene.files.files[FIRST] = NeverError(reason)
    outputs = an_output(), an_output("2")
    part = {"step": 1, "steps": 2} if feeds else {}
    scene.generations.records[ID] = owing(*outputs).change(**part)
    scene.engine.reports[RUN] = a_report(outputs=outputs)
    async with scene.running():
        await asyncio.sleep(600)
        assert outputs_of(scene, ID)[0].not_kept == (why if feeds else None)
        await asyncio.sleep(2 * 86_400)

    assert [each.not_kept for each in outputs_of(scene, ID)] == [why, None]
    assert outputs_of(scene, ID)[1].key is not None
    assert scene.record(ID).owed == ()
    assert ("keep_stuck" in scene.alerts.raised) is not feeds


async def test_what_cannot_be_had_is_tried_for_ever() -> None:
    """It never dies, and somebody is told that it is stuck; what could be kept stays kept."""
    scene = Scene(timing=RARELY)
    scene.files.files[FIRST] = NEITHER_KIND
    async with scene.running():
        generation = await ended(scene, an_output(), an_output("2"), wait=3 * 86_400)

    first, second = outputs_of(scene, generation)
    assert (first.key, first.not_kept) == (None, None)
    assert second.key is not None
    assert scene.files.asked.count(SECOND) == 1
    (debt,) = scene.record(generation).owed
    assert (debt.kind, debt.dead_at) == ("keep", None)
    assert "keep_stuck" in scene.alerts.raised
    assert "storage_down" not in scene.alerts.raised


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        (PeerDownError(COMFYDEPLOY, "cannot be reached"), 1),
        (PeerBusyError(COMFYDEPLOY, "answered 503"), 1),
        (PeerRefusedError(COMFYDEPLOY, "no"), 2),
    ],
)
async def test_an_engine_that_gives_no_address_is_asked_later(
    fault: PeerError, counted: int
) -> None:
    """Only its own no counts as a try; that it is away does not."""
    scene = Scene()
    scene.files.files[FIRST] = MISSING
    async with scene.running():
        generation = await ended(scene, an_output(), wait=0.5)
        scene.engine.gate = gate = Turnstile()
        gate.down = fault
        await asyncio.sleep(4)

        debt = debts.find(scene.record(generation).owed, runs.KEEP)
        assert debt is not None
        assert debt.attempts == counted
        gate.down = None
        scene.files.files.clear()
        await asyncio.sleep(1_000)

    assert outputs_of(scene, generation)[0].key is not None


def owing(*outputs: Output, **fields: Any) -> Generation:  # noqa: ANN401 - any field of the debt
    """A generation that has ended and owes the keeping of its outputs."""
    return a_generation(
        RunStatus.COMPLETED,
        metadata=some_metadata(run_id=RUN, telegram_chat_id=None),
        response_payload=Response(outputs=outputs),
        ended_by="engine",
        owed=(a_debt(runs.KEEP, **fields),),
    )


async def test_an_engine_that_is_off_has_no_hosts() -> None:
    """Without its engine an output is asked of nobody that is listed, and waits."""
    scene = Scene(engine_on=False)
    scene.files.files[FIRST] = NEITHER_KIND
    scene.generations.records[ID] = owing(an_output())
    async with scene.running():
        await asyncio.sleep(60)

    assert the_debt(scene.record(ID), runs.KEEP).attempts > 1


@pytest.mark.parametrize("written", [False, True])
async def test_a_kill_between_copy_and_write_costs_nothing(*, written: bool) -> None:
    """Whoever comes after copies again, to the same keys, and the result is the same."""
    storage = FakeStorage()
    storage.gate = gate = Turnstile()
    generations = FakeGenerations()
    generations.records[ID] = owing(an_output(), an_output("2"), by=HERE, next_at=later(75))
    dying = Scene(generations=generations, storage=storage)
    gate.script(*(None,) * written, KilledError())
    seen = dying.record(ID)
    with pytest.raises(KilledError):
        await keeper(dying)(seen, the_debt(seen, runs.KEEP))
    assert len(storage.files) == int(written)

    scene = Scene(generations=generations, storage=storage, name=InstanceName("other"))
    await dying.sweep.release(HERE)
    async with scene.running():
        await asyncio.sleep(5)

    first, second = outputs_of(scene, ID)
    assert set(storage.files) == {first.key, second.key}
    assert scene.record(ID).owed == ()


async def test_two_who_keep_at_once_make_one_result() -> None:
    """A process that slept through its claim writes the same files, and nothing else."""
    generations, storage = FakeGenerations(), FakeStorage()
    slow, quick = (
        Scene(generations=generations, storage=storage),
        Scene(generations=generations, storage=storage, name=InstanceName("other")),
    )
    generations.records[ID] = owing(an_output(), an_output("2"), by=HERE, next_at=later(75))
    seen = slow.record(ID)
    decide = await keeper(slow)(seen, the_debt(seen, runs.KEEP))
    assert decide is not None
    stale = seen.change(owed=debts.claim(seen.owed, runs.KEEP, a_taker(DebtKind.KEEP)))
    generations.records[ID] = debts.put(stale, debts.release(stale.owed, HERE, NOON))
    async with quick.running():
        await asyncio.sleep(5)

    done = quick.record(ID)
    assert decide(done, later(90)) == done
    assert set(storage.files) == {each.key for each in done.response_payload.outputs}
    assert done.owed == ()


async def test_what_a_claim_has_no_time_for_is_copied_under_the_next() -> None:
    """Nothing is begun with less of the claim left than it may take; nothing is done twice."""
    generations = FakeGenerations()
    generations.records[ID] = owing(an_output(), an_output("2"), an_output("3"))

    async def slowly() -> None:
        await asyncio.sleep(10)

    scene = Scene(generations=generations)
    scene.storage.gate = slowly
    async with scene.running():
        await asyncio.sleep(30)
        assert [each.key is not None for each in outputs_of(scene, ID)] == [True, False, False]
        await asyncio.sleep(60)

    assert scene.files.asked == [each.url for each in outputs_of(scene, ID)]
    assert all(each.key for each in outputs_of(scene, ID))
    assert scene.record(ID).owed == ()


async def test_an_end_that_brings_others_is_kept_anew() -> None:
    """What is written of the outputs before touches none of those that took their place."""
    generations = FakeGenerations()
    generations.records[ID] = owing(an_output(), by=HERE, next_at=later(75))
    scene = Scene(generations=generations)
    seen = scene.record(ID)
    decide = await keeper(scene)(seen, the_debt(seen, runs.KEEP))
    assert decide is not None
    other = seen.change(response_payload=Response(outputs=(an_output("other"),)))

    after = decide(other, NOON)
    assert after.response_payload == other.response_payload
    assert the_debt(after, runs.KEEP).n == the_debt(other, runs.KEEP).n + 1


def keeper(scene: Scene) -> KeepOutputs:
    """Return the handler alone, on the scene's parts."""
    return KeepOutputs(
        scene.records,
        {COMFYDEPLOY: scene.engine},
        files=scene.files,
        storage=scene.storage,
        taking=scene.taking,
        timing=scene.timing,
    )
