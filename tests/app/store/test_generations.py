"""What MongoDB keeps of generations, and how it finds them. See also tests/contracts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bson.decimal128 import Decimal128

from app.errors import UnreadableError
from app.ports import Write
from app.store.connection import DURABLE, Connection
from app.store.generations import AT_ONCE, FILTERS, MongoGenerations
from app.store.indexes import SPENT
from processors import debts
from schemas.base import GenerationId, RunId, first_id
from schemas.debt import DebtKind
from schemas.generation import EngineRun
from schemas.run import OPEN, RunStatus
from tests.app.store.profiling import profiled
from tests.builders import ID, NOON, a_debt, a_generation, an_order, later, some_metadata

pytestmark = pytest.mark.anyio


@pytest.fixture
def generations(prepared: Connection) -> MongoGenerations:
    """The generations of a prepared database."""
    return MongoGenerations(prepared)


@pytest.fixture
async def full(prepared: Connection) -> Connection:
    """A database with many generations, so that the planner has something to choose by."""
    documents = [
        an_order(
            id=GenerationId(f"{number:032x}"),
            status=sorted(RunStatus)[number % 11],
            engine=f"engine{number % 7}",
            idempotency_key=f"key{number}",
            metadata=some_metadata(
                run_id=f"run{number}",
                preset=f"preset{number % 9}",
                user_id=f"user{number % 50}",
                telegram_chat_id=number % 50,
            ),
            owed=(a_debt("notify", dead_at=NOON),) if number % 10 else (a_debt("ask"),),
        ).document()
        for number in range(1000)
    ]
    await prepared.collection("generations").insert_many(documents)
    return prepared


async def stages(connection: Connection, query: dict[str, Any], sort: str) -> list[dict[str, Any]]:
    """Return the stages of the plan that wins for a query, the outermost first."""
    found = connection.collection("generations").find(query).sort(sort, -1).limit(50)
    plan = (await found.explain())["queryPlanner"]["winningPlan"]
    line = list[dict[str, Any]]()
    waiting = [plan]
    while waiting:
        stage = waiting.pop()
        line.append(stage)
        waiting += [stage["inputStage"]] if "inputStage" in stage else stage.get("inputStages", [])
    return line


VALUES: dict[str, str | int] = {
    "status": "running",
    "engine": "engine3",
    "metadata.run_id": "run17",
    "metadata.preset": "preset3",
    "metadata.userId": "user7",
    "metadata.telegramChatId": 7,
}


@pytest.mark.parametrize("name", sorted(FILTERS))
async def test_each_filter_goes_by_its_index(full: Connection, name: str) -> None:
    """No list reads every record, or sorts in memory what an index has in order."""
    line = await stages(full, {name: {"$eq": VALUES[name]}}, "_id")

    scans = [each for each in line if each["stage"] in {"IXSCAN", "COLLSCAN"}]
    assert [each["stage"] for each in scans] == ["IXSCAN"]
    assert name in scans[0]["keyPattern"]


@pytest.mark.parametrize(
    ("query", "sort", "key"),
    [
        ({"idempotencyKey": {"$eq": "key7"}}, "_id", "idempotencyKey"),
        ({"dueAt": {"$lte": NOON}}, "dueAt", "dueAt"),
        ({"owed.deadAt": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}, "owed.deadAt", "owed.deadAt"),
    ],
)
async def test_what_the_service_looks_for_goes_by_an_index(
    full: Connection, query: dict[str, Any], sort: str, key: str
) -> None:
    """Due debts, dead ones, and the answer to an order that comes again."""
    scans = [
        each for each in await stages(full, query, sort) if each["stage"] in {"IXSCAN", "COLLSCAN"}
    ]

    assert [(each["stage"], key in each.get("keyPattern", {})) for each in scans] == [
        ("IXSCAN", True)
    ]


async def test_only_known_fields_can_be_filtered_by(generations: MongoGenerations) -> None:
    """A name out of a query is never a name in a filter."""
    with pytest.raises(ValueError, match=r"\$where"):
        await generations.page({"$where": "1"}, None, 9)


async def test_a_filter_equals_its_value_and_nothing_else(generations: MongoGenerations) -> None:
    """An operator in a value is a value that no record has."""
    await generations.insert(a_generation())
    hostile: Any = {"metadata.run_id": {"$ne": None}}

    assert (await generations.page(hostile, None, 9)).items == ()


async def test_only_what_changed_is_set(
    prepared: Connection, generations: MongoGenerations
) -> None:
    """Fields of a newer version survive a write by this one, at the top and inside."""
    record = a_generation()
    await generations.insert(record)
    newer = {"later": {"x": 1}, "metadata.later": "y", "statusReason": "by hand"}
    await prepared.collection("generations").update_one({"_id": ID}, {"$set": newer})

    after = record.change(
        version=2, progress=0.5, metadata=record.metadata.change(status_message_id=7)
    )
    assert await generations.write([Write(record, after)]) == frozenset()
    stored = await prepared.collection("generations").find_one({"_id": ID})
    assert stored is not None
    assert (stored["later"], stored["metadata"]["later"]) == ({"x": 1}, "y")
    assert (stored["statusReason"], stored["progress"]) == ("by hand", 0.5)
    assert await generations.get(ID) == after.change(status_reason="by hand")


async def test_money_is_decimal128_and_times_are_utc(
    prepared: Connection, generations: MongoGenerations
) -> None:
    """Never a float; whole milliseconds come back as they were."""
    at = later(0.123)
    await generations.insert(a_generation(cost_usd=Decimal("0.004044"), started_at=at))

    database = prepared.collection("generations").database
    plain = database.client.get_database(database.name).get_collection("generations")
    stored = await plain.find_one({"_id": ID})
    assert stored is not None
    assert stored["costUsd"] == Decimal128("0.004044")
    assert stored["metadata"]["costRate"]["amount"] == Decimal128("0.000337")
    read = await generations.get(ID)
    assert read is not None
    assert (read.started_at, read.started_at.tzinfo if read.started_at else None) == (at, UTC)


async def test_a_write_on_top_of_ours_counts_as_lost(generations: MongoGenerations) -> None:
    """Of a bulk in which one was lost, what another has changed since is decided again."""
    one, other = an_order(id=GenerationId("1" * 32)), an_order(id=GenerationId("2" * 32))
    await generations.insert(one)
    gone = Write(other, other.change(version=2, progress=0.5))
    ours = Write(one, one.change(version=2, progress=0.5))

    assert await generations.write([ours, gone]) == {other.id}


async def test_a_debt_that_dies_leaves_the_index_of_the_due(generations: MongoGenerations) -> None:
    """What is dead is not due, and what is due is not dead."""
    record = an_order()
    await generations.insert(record)
    dead = record.change(version=2, owed=(a_debt("submit", dead_at=NOON),), due_at=None)
    await generations.write([Write(record, dead)])

    kinds = frozenset({DebtKind.SUBMIT})
    assert await generations.due(NOON + timedelta(days=1), kinds, 9) == ()
    assert [each.id async for each in generations.dead()] == [ID]


def test_what_is_acknowledged_is_on_a_majority_of_disks() -> None:
    """Anything less has been seen to lose writes."""
    assert DURABLE.document == {"w": "majority", "j": True}


async def test_a_debt_of_a_newer_version_is_kept_and_not_taken_up(
    prepared: Connection, generations: MongoGenerations
) -> None:
    """It survives, with all its fields, whatever this version writes to the list."""
    record = an_order(owed=(a_debt("submit"),))
    await generations.insert(record)
    newer = {"key": "brew:1", "kind": "brew", "n": 1, "attempts": 0, "nextAt": NOON, "place": "s3"}
    stored = prepared.collection("generations")
    await stored.update_one({"_id": ID}, {"$push": {"owed": newer}})

    before = await generations.get(ID)
    assert before is not None
    assert debts.due(before.owed, later(9), frozenset(DebtKind)) == before.owed[:1]
    after = debts.put(before, debts.acknowledge(before.owed, "submit", 1)).change(version=2)
    assert await generations.write([Write(before, after)]) == frozenset()
    written = await stored.find_one({"_id": ID})
    assert written is not None
    assert written["owed"] == [newer]
    assert await generations.due(later(9), frozenset(DebtKind), 9) == ()
    assert [each.kind.value for each in await generations.owed(NOON)] == ["brew"]


async def test_a_record_of_a_newer_version_is_left_alone(
    prepared: Connection, generations: MongoGenerations
) -> None:
    """It holds up nobody: lists leave it out, and whoever wants it is told that it is there."""
    known, odd = an_order(id=GenerationId("1" * 32)), an_order(id=GenerationId("2" * 32))
    for each in (known, odd):
        await generations.insert(each)
    await prepared.collection("generations").update_one(
        {"_id": odd.id}, {"$set": {"status": "stalled"}}
    )

    with pytest.raises(UnreadableError, match=odd.id):
        await generations.get(odd.id)
    with pytest.raises(UnreadableError):
        await generations.many([known.id, odd.id])
    page = await generations.page({}, None, 1)
    assert (page.items, page.next) == ((), odd.id)
    assert (await generations.page({}, page.next, 1)).items == (known,)
    assert await generations.due(later(9), frozenset(DebtKind), 1) == (known,)
    assert [each.id async for each in generations.indebted()] == [known.id]
    gone = known.change(version=7)
    writes = [Write(each, each.change(version=8, progress=0.5)) for each in (gone, odd)]
    assert await generations.write(writes) == {known.id, odd.id}


async def test_open_ids_come_in_pages(prepared: Connection, generations: MongoGenerations) -> None:
    """No cursor waits for whoever takes them; what ends meanwhile is not among them."""
    await prepared.collection("generations").insert_many(
        {"_id": f"{number:05}", "status": "running"} for number in range(2 * AT_ONCE)
    )
    found = list[str]()
    async for each in generations.open_ids():
        if not found:
            await prepared.collection("generations").delete_one({"_id": f"{AT_ONCE:05}"})
        found.append(each)

    assert found == [f"{number:05}" for number in range(2 * AT_ONCE) if number != AT_ONCE]


async def test_last_costs_are_found_among_many_runs(prepared: Connection) -> None:
    """However many wait, failed or cost nobody knows what: so many are read as are asked for."""
    documents = [
        a_generation(
            RunStatus.COMPLETED if number < 500 else sorted(RunStatus)[number % 11],
            id=GenerationId(f"{number:032x}"),
            job_id=f"{number:032x}",
            metadata=some_metadata(run_id=f"run{number}", preset="a"),
            cost_usd=Decimal(number) if number < 400 else None,
        ).document()
        for number in range(2_000)
    ]
    await prepared.collection("generations").insert_many(documents)
    async with profiled(prepared, "generations") as profile:
        costs = await MongoGenerations(prepared).last_costs("a", 10)

    assert costs == tuple(map(Decimal, range(399, 389, -1)))
    assert profile.documents == 10
    assert profile.keys <= 11


async def test_what_is_stuck_is_found_among_many_that_run(prepared: Connection) -> None:
    """What was ordered since is not read: it has changed since."""
    documents = [
        a_generation(
            id=GenerationId(first_id(later(number))),
            updated_at=later(number),
            metadata=some_metadata(run_id=f"run{number}"),
        ).document()
        for number in range(200)
    ]
    await prepared.collection("generations").insert_many(documents)
    async with profiled(prepared, "generations") as profile:
        found = await MongoGenerations(prepared).silent(later(5), 20)

    assert len(found) == profile.documents == 5


async def test_what_runs_is_counted_by_an_index_alone(full: Connection) -> None:
    """However many runs there were, and whatever is stored of those that have not ended."""
    await full.collection("generations").update_many({}, [{"$set": {"jobId": "$_id"}}])
    async with profiled(full, "generations") as profile:
        found = await MongoGenerations(full).running()

    assert sum(each.number for each in found) == sum(
        sorted(RunStatus)[number % 11] in OPEN for number in range(1000)
    )
    assert profile.documents == 0
    assert profile.keys < 1000


async def test_of_what_was_tried_again_few_records_are_read(prepared: Connection) -> None:
    """Those that cost something, however many were ordered besides."""
    generations = MongoGenerations(prepared)
    for number in range(20):
        cost = Decimal(1) if number < 2 else None
        run = EngineRun(attempt=1, run_id=RunId(f"{number}"), submitted_at=NOON, cost_usd=cost)
        named = GenerationId(first_id(later(number)))
        record = a_generation(id=named, metadata=some_metadata(), runs=(run,))
        assert await generations.insert(record)

    async with profiled(prepared, "generations") as profile:
        assert [each.usd for each in await generations.spent(NOON)] == [Decimal(2)]
    assert profile.documents == 2


async def test_what_was_spent_is_added_up_without_reading_records(full: Connection) -> None:
    """The index holds all of it; only those of the time asked for, with a cost, are looked at."""
    await full.collection("generations").update_many({}, {"$set": {"costUsd": Decimal(1)}})
    command: dict[str, Any] = {
        "aggregate": "generations",
        "pipeline": [
            {"$match": {"_id": {"$gte": ""}, "costUsd": {"$gte": Decimal128("0")}}},
            {"$group": {"_id": "$engine", "usd": {"$sum": "$costUsd"}}},
        ],
        "cursor": {},
        "hint": SPENT,
    }
    database = full.collection("generations").database
    plan = str(await database.command({"explain": command, "verbosity": "queryPlanner"}))

    assert "'stage': 'IXSCAN'" in plan
    assert "'stage': 'FETCH'" not in plan
    assert await MongoGenerations(full).spent(NOON) == ()


async def test_what_is_open_is_counted_by_an_index_alone(full: Connection) -> None:
    """And what lingers in a status is found without reading what came later."""
    generations = MongoGenerations(full)
    async with profiled(full, "generations") as profile:
        found = await generations.count_open()
    assert found.counted
    assert profile.documents == 1
    async with profiled(full, "generations") as profile:
        lingering = await generations.lingering(frozenset({RunStatus.SUBMITTING}), NOON, 1)
    assert len(lingering) == profile.documents == 1
