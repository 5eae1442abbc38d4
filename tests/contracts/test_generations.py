"""What every keeper of generations does: the fake that tests use, and MongoDB."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from app.ports import Counted, Generations, Oldest, OpenRuns, Running, Spent, Write
from schemas.base import EngineName, GenerationId, InstanceName, RunId, first_id
from schemas.debt import DebtKind
from schemas.generation import EngineRun, Generation, Request, StatusChange
from schemas.run import RunStatus
from tests.builders import ID, JOB, NOON, a_debt, a_generation, an_order, later, some_metadata
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

ENGINE = EngineName("comfydeploy")
SUBMIT = frozenset({DebtKind.SUBMIT})


@pytest.fixture
def generations(ports: Ports) -> Generations:
    """The port under test."""
    return ports.generations


def the(number: int) -> GenerationId:
    """Return the id of that number; ids sort by number."""
    return GenerationId(f"{number:032x}")


def changed(before: Generation, **fields: object) -> Write[Generation]:
    """Return the write of some fields."""
    return Write(before, before.change(version=before.version + 1, **fields))


async def ids(found: AsyncIterator[Generation]) -> list[GenerationId]:
    """Return the ids of what is yielded."""
    return [each.id async for each in found]


async def test_what_was_stored_is_read_as_it_was(generations: Generations) -> None:
    """Every field comes back, and a record that is not there is None."""
    record = a_generation(cost_usd=Decimal("0.004044"), started_at=later(0.123))

    assert await generations.insert(record)
    assert await generations.get(record.id) == record
    assert await generations.get(the(404)) is None


async def test_an_id_is_taken_once(generations: Generations) -> None:
    """A second insert of an id is refused and changes nothing."""
    await generations.insert(an_order())

    assert not await generations.insert(an_order(status_reason="second"))
    assert await generations.get(ID) == an_order()


async def test_an_idempotency_key_is_taken_once(generations: Generations) -> None:
    """The insert is the claim; whoever came first is found under the key."""
    first = an_order(id=the(1), idempotency_key="k")

    assert await generations.insert(first)
    assert not await generations.insert(an_order(id=the(2), idempotency_key="k"))
    assert await generations.by_idempotency_key("k") == first
    assert await generations.by_idempotency_key("another") is None


async def test_a_run_serves_one_generation(generations: Generations) -> None:
    """Neither an insert nor a write can name a run that serves another; none at all is free."""
    await generations.insert(a_generation(id=the(1)))
    nameless = [an_order(id=the(number)) for number in (2, 3)]

    assert not await generations.insert(a_generation(id=the(4)))
    assert [await generations.insert(each) for each in nameless] == [True, True]
    named = changed(nameless[0], metadata=some_metadata(run_id=RunId("run-1")))
    assert await generations.write([named]) == {the(2)}
    other = changed(nameless[1], status_reason="fine")
    assert await generations.write([named, other]) == {the(2)}
    assert await generations.get(the(3)) == other.after


async def test_a_write_needs_the_version_it_replaces(generations: Generations) -> None:
    """Of two writes decided on the same state, the second changes nothing and says so."""
    before = an_order()
    await generations.insert(before)
    first, second = changed(before, progress=0.5), changed(before, progress=0.9)

    assert await generations.write([first]) == frozenset()
    assert await generations.write([second]) == {ID}
    assert await generations.get(ID) == first.after


async def test_nothing_to_write_is_no_fault(generations: Generations) -> None:
    """An empty bulk does nothing."""
    assert await generations.write([]) == frozenset()


async def test_of_a_bulk_the_lost_are_named(generations: Generations) -> None:
    """What could be written is written; exactly what was not is returned."""
    records = [an_order(id=the(number)) for number in range(4)]
    for each in records[:3]:
        await generations.insert(each)
    await generations.write([changed(records[1], progress=0.1)])
    writes = [changed(each, progress=0.5) for each in records]

    assert await generations.write(writes) == {the(1), the(3)}
    found = await generations.many([the(number) for number in range(4)])
    assert {each.id: each.progress for each in found.values()} == {
        the(0): 0.5,
        the(1): 0.1,
        the(2): 0.5,
    }


async def test_what_is_not_read_is_not_written(generations: Generations) -> None:
    """`many` leaves the inputs out, and a write decided on it leaves them alone."""
    record = an_order()
    await generations.insert(record)

    read = (await generations.many([ID]))[ID]
    assert read.request_payload.inputs == {}
    await generations.write([changed(read, progress=0.5)])
    stored = await generations.get(ID)
    assert stored is not None
    assert stored.request_payload == record.request_payload


async def test_a_field_can_be_emptied(generations: Generations) -> None:
    """What becomes None is gone, not left as it was."""
    before = an_order(status_reason="why", owed=())
    await generations.insert(before)

    await generations.write([changed(before, status_reason=None)])
    stored = await generations.get(ID)
    assert stored is not None
    assert stored.status_reason is None


@pytest.mark.parametrize(
    "value",
    ["$secret", "$$ROOT", {"$function": {"body": "f"}}, {"a.b": {"": [None, 1.5]}}, {"x": None}],
)
async def test_values_are_stored_to_the_letter(generations: Generations, value: object) -> None:
    """What looks like an operator is a value like any other, inserted or written."""
    request = Request.read({"deployment_id": "d", "inputs": {"value": value}})
    await generations.insert(an_order(request_payload=request))
    order = an_order(id=the(2))
    await generations.insert(order)
    await generations.write([changed(order, request_payload=request, status_reason="$version")])

    for each in (ID, the(2)):
        stored = await generations.get(each)
        assert stored is not None
        assert stored.request_payload == request


async def test_due_gives_live_debts_of_the_kinds_the_longest_due_first(
    generations: Generations,
) -> None:
    """Not the dead, not those of other kinds, not those whose time is to come."""
    debts = {
        1: a_debt("submit", next_at=later(-1)),
        2: a_debt("submit", next_at=later(-5)),
        3: a_debt("submit", next_at=later(5)),
        4: a_debt("ask", next_at=later(-9)),
        5: a_debt("submit", next_at=later(-9), dead_at=NOON),
    }
    for number, debt in debts.items():
        await generations.insert(an_order(id=the(number), owed=(debt,)))
    mixed = (a_debt("ask", next_at=later(-3)), a_debt("submit", next_at=later(9)))
    await generations.insert(an_order(id=the(6), owed=mixed))
    await generations.insert(an_order(id=the(7), owed=()))

    assert [each.id for each in await generations.due(NOON, SUBMIT, 9)] == [the(2), the(1)]
    assert [each.id for each in await generations.due(NOON, SUBMIT, 1)] == [the(2)]
    assert await generations.due(NOON, frozenset({DebtKind.END}), 9) == ()
    assert await generations.any_due(NOON, SUBMIT)
    assert not await generations.any_due(NOON, frozenset({DebtKind.END}))
    assert await generations.number_due(NOON, SUBMIT) == 2
    assert await generations.number_due(NOON, frozenset({DebtKind.END})) == 0


async def test_claimed_gives_what_a_process_holds(generations: Generations) -> None:
    """By whom, whatever the kind."""
    until = later(75)
    for number, by in enumerate(["here", "there", None, "here"]):
        debt = a_debt("ask", by=by, next_at=until - timedelta(seconds=number))
        await generations.insert(an_order(id=the(number), owed=(debt,)))

    found = await generations.claimed(InstanceName("here"), until)
    assert sorted(each.id for each in found) == [the(0), the(3)]


async def test_pages_go_from_the_newest_to_the_oldest(generations: Generations) -> None:
    """Each page begins where the one before ended; the last says that there is no other."""
    for number in range(5):
        await generations.insert(an_order(id=the(number)))

    first = await generations.page({}, None, 2)
    assert [each.id for each in first.items] == [the(4), the(3)]
    second = await generations.page({}, first.next, 2)
    assert [each.id for each in second.items] == [the(2), the(1)]
    last = await generations.page({}, second.next, 2)
    assert ([each.id for each in last.items], last.next) == ([the(0)], None)


async def test_a_full_last_page_has_no_next(generations: Generations) -> None:
    """Nobody is sent for a page that is empty."""
    for number in range(2):
        await generations.insert(an_order(id=the(number)))

    assert (await generations.page({}, None, 2)).next is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "running"),
        ("engine", "another"),
        ("metadata.run_id", "run-9"),
        ("metadata.preset", "portrait"),
        ("metadata.userId", "u1"),
        ("metadata.telegramChatId", 99),
    ],
)
async def test_pages_can_be_filtered(generations: Generations, name: str, value: str | int) -> None:
    """Each filter gives the records whose field equals the value, and no others."""
    wanted = a_generation(
        RunStatus.RUNNING,
        id=the(2),
        engine="another",
        metadata=some_metadata(
            run_id="run-9", preset="portrait", user_id="u1", telegram_chat_id=99
        ),
    )
    for each in (a_generation(id=the(1)), wanted, an_order(id=the(3))):
        await generations.insert(each)

    assert (await generations.page({name: value}, None, 9)).items == (wanted,)
    assert (await generations.page({name: value}, the(2), 9)).items == ()


async def test_open_ids_are_those_without_an_end(generations: Generations) -> None:
    """Oldest first."""
    ended = an_order(id=the(2), status=RunStatus.FAILED)
    for each in (an_order(id=the(3)), ended, an_order(id=the(1))):
        await generations.insert(each)

    assert [each async for each in generations.open_ids()] == [the(1), the(3)]


async def test_unheard_are_open_runs(generations: Generations) -> None:
    """The longest unchanged first; what has no run, or has ended, is none."""
    for number, minutes in ((1, 3), (2, 5), (3, 4)):
        run = some_metadata(run_id=RunId(f"run-{number}"))
        await generations.insert(
            an_order(
                id=the(number),
                status=RunStatus.RUNNING,
                metadata=run,
                updated_at=later(-60 * minutes),
            )
        )
    await generations.insert(an_order(id=the(4)))
    ended = some_metadata(run_id=RunId("run-5"))
    await generations.insert(an_order(id=the(5), status=RunStatus.FAILED, metadata=ended))

    assert await generations.unheard() == (the(2), the(3), the(1))


async def test_open_inputs_are_those_of_what_has_not_ended(generations: Generations) -> None:
    """Oldest first, as they were ordered."""
    for number, status in ((3, RunStatus.PENDING), (2, RunStatus.FAILED), (1, RunStatus.RUNNING)):
        request = Request(deployment_id="a", inputs={"number": number, "more": ["x", {"y": 1}]})
        await generations.insert(an_order(id=the(number), status=status, request_payload=request))

    assert [each async for each in generations.open_inputs()] == [
        {"number": number, "more": ["x", {"y": 1}]} for number in (1, 3)
    ]


async def test_ended_generations_of_jobs_are_yielded(generations: Generations) -> None:
    """Oldest first, with the time of their end; neither what goes on nor what is of no job."""
    ended = (
        StatusChange(status=RunStatus.PENDING, at=NOON, source="job"),
        StatusChange(status=RunStatus.FAILED, at=later(9), source="engine"),
    )
    for number, status, job in (
        (3, RunStatus.FAILED, "j3"),
        (2, RunStatus.RUNNING, "j2"),
        (1, RunStatus.FAILED, "j1"),
        (4, RunStatus.FAILED, None),
    ):
        fields = {"job_id": job, "step": 1, "item": 1} if job else {}
        await generations.insert(an_order(id=the(number), status=status, history=ended, **fields))

    assert [each async for each in generations.ended_of_jobs()] == [
        (the(1), "j1", later(9)),
        (the(3), "j3", later(9)),
    ]


async def test_debts_are_counted_by_kind_and_state(generations: Generations) -> None:
    """With the age of the oldest, of a dead one since its death."""
    owed = (
        a_debt("submit", next_at=later(-30)),
        a_debt("ask", next_at=later(75), by="here"),
        a_debt("notify", next_at=later(9), dead_at=later(-60)),
    )
    await generations.insert(an_order(id=the(1), owed=owed))
    await generations.insert(an_order(id=the(2), owed=(a_debt("submit", next_at=later(9)),)))

    counted = {(each.kind.value, each.state): each for each in await generations.owed(NOON)}
    assert {key: (each.number, each.age.total_seconds()) for key, each in counted.items()} == {
        ("submit", "live"): (2, 30.0),
        ("ask", "claimed"): (1, 0.0),
        ("notify", "dead"): (1, 60.0),
    }


async def test_the_dead_and_the_indebted_are_found(generations: Generations) -> None:
    """Oldest first; who owes nothing is not among them."""
    dead = a_debt("notify", dead_at=NOON)
    for number, owed in ((3, (dead,)), (2, (a_debt("ask"),)), (1, (dead, a_debt("ask"))), (0, ())):
        await generations.insert(an_order(id=the(number), owed=owed))

    assert await ids(generations.dead()) == [the(1), the(3)]
    assert await ids(generations.indebted()) == [the(1), the(2), the(3)]


async def test_what_has_not_moved_for_long_is_found(generations: Generations) -> None:
    """Nothing that has ended; the oldest first, and no more than asked for."""
    for number, status, age in (
        (3, RunStatus.RUNNING, -60),
        (1, RunStatus.QUEUED, -60),
        (2, RunStatus.RUNNING, 0),
        (4, RunStatus.COMPLETED, -60),
    ):
        await generations.insert(
            a_generation(status, id=the(number), updated_at=later(age), metadata=some_metadata())
        )

    assert [each.id for each in await generations.silent(NOON, 9)] == [the(1), the(3)]
    assert [each.id for each in await generations.silent(NOON, 1)] == [the(1)]


async def test_costs_are_added_up_by_engine_and_preset(generations: Generations) -> None:
    """Of what was ordered since a time; what is not known counts nothing."""
    costs = (
        (first_id(later(-1)), "a", "5"),
        (first_id(NOON), "a", "0.000001"),
        (first_id(later(1)), "a", "0.25"),
        (first_id(later(2)), None, "1"),
        (first_id(later(3)), "a", None),
        (first_id(later(4)), "b", "0"),
    )
    for each, preset, usd in costs:
        cost = None if usd is None else Decimal(usd)
        made = a_generation(
            id=GenerationId(each), metadata=some_metadata(preset=preset), cost_usd=cost
        )
        assert await generations.insert(made)

    engine = EngineName("comfydeploy")
    given_up = [
        EngineRun(attempt=n, run_id=RunId(f"{n}"), submitted_at=NOON, cost_usd=cost)
        for n, cost in enumerate((Decimal("0.5"), Decimal(0), Decimal("0.25"), None), 1)
    ]
    again = a_generation(
        id=GenerationId(first_id(later(5))), metadata=some_metadata(), runs=tuple(given_up)
    )
    assert await generations.insert(again)
    assert set(await generations.spent(NOON)) == {
        Spent(engine, "a", Decimal("0.250001")),
        Spent(engine, None, Decimal("1.75")),
        Spent(engine, "b", Decimal(0)),
    }
    assert await generations.spent(later(99)) == ()


async def test_runs_of_jobs_are_counted_by_preset_while_they_run(generations: Generations) -> None:
    """Those that have not ended; not those of programs."""
    for number, (preset, status, ordered) in enumerate(
        (
            ("a", RunStatus.PENDING, True),
            ("a", RunStatus.RUNNING, True),
            ("a", RunStatus.COMPLETED, True),
            ("a", RunStatus.RUNNING, False),
            ("b", RunStatus.QUEUED, True),
        )
    ):
        made = a_generation(
            status,
            id=the(number),
            job_id=the(number) if ordered else None,
            metadata=some_metadata(preset=preset),
        )
        assert await generations.insert(made)

    engine = EngineName("comfydeploy")
    assert set(await generations.running()) == {Running(engine, "a", 2), Running(engine, "b", 1)}


async def test_a_part_of_a_job_is_made_once(generations: Generations) -> None:
    """Job, step and item together are unique; what is of no job is no rival."""
    part = {"job_id": JOB, "step": 1, "item": 1}
    assert await generations.insert(an_order(id=the(1), **part))

    assert not await generations.insert(an_order(id=the(2), **part))
    assert await generations.insert(an_order(id=the(3), **(part | {"item": 2})))
    assert await generations.insert(an_order(id=the(4), **(part | {"step": 2})))
    assert await generations.insert(an_order(id=the(5), **(part | {"job_id": "other"})))
    assert await generations.insert(an_order(id=the(6)))
    assert await generations.insert(an_order(id=the(7)))


async def test_the_last_costs_of_a_preset_are_known(generations: Generations) -> None:
    """Those of the runs of jobs that completed, the newest first; not those of programs."""
    runs_of = (
        ("a", RunStatus.COMPLETED, "0.000001", True),
        ("a", RunStatus.COMPLETED, None, True),
        ("a", RunStatus.COMPLETED, "7", False),
        ("a", RunStatus.FAILED, "9", True),
        ("b", RunStatus.COMPLETED, "8", True),
        ("a", RunStatus.RUNNING, None, True),
        ("a", RunStatus.COMPLETED, "0.25", True),
        *[("a", RunStatus.QUEUED, None, True)] * 120,
    )
    for number, (preset, status, usd, ordered) in enumerate(runs_of):
        made = a_generation(
            status,
            id=the(number),
            job_id=the(number) if ordered else None,
            metadata=some_metadata(preset=preset),
            cost_usd=None if usd is None else Decimal(usd),
        )
        assert await generations.insert(made)

    assert await generations.last_costs("a", 9) == (Decimal("0.25"), Decimal("0.000001"))
    assert await generations.last_costs("a", 1) == (Decimal("0.25"),)
    assert await generations.last_costs("c", 9) == ()


async def test_what_is_open_is_counted(generations: Generations) -> None:
    """By status and engine; the oldest is named, and what lingers is found, the oldest first."""
    assert await generations.count_open() == OpenRuns((), None)
    other = EngineName("comfyui")
    for number, (status, engine) in enumerate(
        (
            (RunStatus.COMPLETED, ENGINE),
            (RunStatus.WAITING, ENGINE),
            (RunStatus.RUNNING, other),
            (RunStatus.RUNNING, ENGINE),
            (RunStatus.RUNNING, ENGINE),
        )
    ):
        fields = {"id": the(number), "engine": engine, "created_at": later(number)}
        await generations.insert(a_generation(status, **fields, metadata=some_metadata()))

    found = await generations.count_open()
    assert found.oldest == Oldest(the(1), later(1))
    assert set(found.counted) == {
        Counted(RunStatus.WAITING, ENGINE, 1),
        Counted(RunStatus.RUNNING, other, 1),
        Counted(RunStatus.RUNNING, ENGINE, 2),
    }
    running = await generations.lingering(frozenset({RunStatus.RUNNING}), NOON, 2)
    assert [each.id for each in running] == [the(2), the(3)]
    assert not running[0].request_payload.inputs
    # Those whose turn has not come are silent by right.
    assert [each.id for each in await generations.silent(later(1), 9)] == [the(2), the(3), the(4)]
