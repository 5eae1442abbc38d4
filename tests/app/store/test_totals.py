"""The totals of hours in MongoDB. See also tests/contracts."""

from typing import Any

import pytest

from app.errors import StoreFaultError
from app.store.connection import Connection
from app.store.generations import MongoGenerations
from app.store.totals import MongoTotals
from processors import totals
from tests.app.store.profiling import profiled
from tests.builders import NOON, later
from tests.contracts.test_totals import HOUR, an_end

pytestmark = pytest.mark.anyio

AN_HOUR = totals.of(NOON, later(HOUR), ())


async def test_no_record_is_read_to_add_an_hour_up(prepared: Connection) -> None:
    """The index holds all of it, and those of other hours are not looked at."""
    ends = [an_end(each) for each in range(20)]
    ends += [an_end(each, response_timestamp=later(HOUR)) for each in range(20, 200)]
    await MongoGenerations(prepared).insert_all(ends)

    async with profiled(prepared, "generations") as profile:
        found = await MongoTotals(prepared).ended(NOON, later(HOUR))

    assert sum(each.number for each in found) == 20
    assert profile.documents == 0
    assert profile.keys < 30


async def test_an_hour_of_a_newer_version_is_left_out(prepared: Connection) -> None:
    """It is added up again, and what is not of that shape does not keep anybody from it."""
    store = MongoTotals(prepared)
    await store.keep([AN_HOUR])
    odd: dict[str, Any] = {"$set": {"runs": "many", "extra": 1}}
    await prepared.collection("hourly_totals").update_one({}, odd)

    assert await store.kept(NOON, later(HOUR)) == ()
    await store.keep([AN_HOUR])
    assert await store.kept(NOON, later(HOUR)) == (AN_HOUR,)


async def test_other_faults_are_told(prepared: Connection) -> None:
    """An hour that MongoDB refuses is not taken for one that is there."""
    database = prepared.collection("hourly_totals").database
    rule: dict[str, Any] = {"at": {"$lt": NOON}}
    await database.command("collMod", "hourly_totals", validator=rule)

    with pytest.raises(StoreFaultError):
        await MongoTotals(prepared).keep([AN_HOUR])
