"""How MongoDB keeps the ledger. See also tests/contracts."""

from decimal import Decimal
from typing import Any

import pytest
from bson.decimal128 import Decimal128

from app.errors import UnreadableError
from app.store import ledger as store
from app.store.connection import DURABLE, Connection
from app.store.ledger import MongoLedger
from schemas.base import UserId
from tests.builders import USER, an_entry, none_odd

pytestmark = pytest.mark.anyio


@pytest.fixture
def ledger(prepared: Connection) -> MongoLedger:
    """The ledger of a prepared database."""
    return MongoLedger(prepared)


@pytest.fixture
async def full(prepared: Connection) -> Connection:
    """A database with more entries than are read at once, of several people."""
    entries = [
        an_entry(1 + number // 7, user=UserId(f"user{number % 7}"))
        for number in range(store.AT_ONCE * 2 + 5)
    ]
    await prepared.collection("ledger").insert_many([each.document() for each in entries])
    return prepared


async def test_all_of_many_are_yielded_once(full: Connection) -> None:
    """In their order, over the ends of what is read at once."""
    ledger = MongoLedger(full)
    found = [(each.user, each.seq) async for each in ledger.entries(odd=none_odd)]
    one = [each.seq async for each in ledger.entries(UserId("user3"), odd=none_odd)]

    assert len(found) == store.AT_ONCE * 2 + 5
    assert found == sorted(set(found))
    assert one == [seq for user, seq in found if user == "user3"]


async def test_one_person_may_have_many(prepared: Connection) -> None:
    """More than are read at once, and the same person's on both sides of the end."""
    entries = [an_entry(1 + number) for number in range(store.AT_ONCE + 5)]
    await prepared.collection("ledger").insert_many([each.document() for each in entries])
    ledger = MongoLedger(prepared)

    assert [each.seq async for each in ledger.entries(odd=none_odd)] == [
        each.seq for each in entries
    ]
    assert [each.seq async for each in ledger.entries(USER, odd=none_odd)] == [
        each.seq for each in entries
    ]


@pytest.mark.parametrize(
    ("query", "sort", "read"),
    [
        ({"user": {"$eq": "user3"}}, [("seq", -1)], 1),
        ({"user": {"$eq": "user3"}, "seq": {"$lt": 50}}, [("seq", -1)], 20),
        ({"key": {"$eq": "grant:user3/9"}}, [("_id", 1)], 1),
        (
            {"$or": [{"user": {"$eq": "user3"}, "seq": {"$gt": 5}}, {"user": {"$gt": "user3"}}]},
            [("user", 1), ("seq", 1)],
            20,
        ),
    ],
    ids=["balance", "history", "key", "all"],
)
async def test_what_is_asked_goes_by_an_index(
    full: Connection, query: dict[str, Any], sort: list[tuple[str, int]], read: int
) -> None:
    """No more entries are read than are wanted, however many there are."""
    wanted = {"find": "ledger", "filter": query, "sort": dict(sort), "limit": read}
    plan = await full.collection("ledger").database.command(
        {"explain": wanted, "verbosity": "executionStats"}
    )

    assert plan["executionStats"]["totalDocsExamined"] <= read + 1
    assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])


async def test_money_is_a_decimal_over_there(prepared: Connection, ledger: MongoLedger) -> None:
    """Never a float; and a write is durable once it is acknowledged."""
    await ledger.insert(an_entry(amount=Decimal("0.100000")))
    database = prepared.collection("ledger").database
    plain = database.client.get_database(database.name).get_collection("ledger")
    found = await plain.find_one({})

    assert found is not None
    assert found["amount"] == Decimal128("0.100000")
    assert prepared.collection("ledger").write_concern == DURABLE


async def test_a_damaged_entry_is_no_balance(prepared: Connection, ledger: MongoLedger) -> None:
    """It is not passed over where money is decided by it, and is named where all are listed."""
    odd = list[UnreadableError]()
    for number in (1, 2, 3):
        await ledger.insert(an_entry(number))
    damage = {"$set": {"balance": "much"}}
    await prepared.collection("ledger").update_one({"seq": 2}, damage)

    with pytest.raises(UnreadableError, match=r"entry .*/2 of the ledger"):
        await ledger.history(USER, limit=2)
    with pytest.raises(UnreadableError) as caught:
        await ledger.by_key(an_entry(2).key)
    assert "much" not in str(caught.value)
    assert [each.seq async for each in ledger.entries(odd=odd.append)] == [1, 3]
    assert [str(each) for each in odd] == [str(caught.value)]
