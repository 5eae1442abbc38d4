"""What the driver raises, translated."""

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    CursorNotFound,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
    WTimeoutError,
)

from app.errors import StoreDownError, StoreFaultError, StoreShutOutError, UnavailableError
from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.store.answering import answered
from app.store.connection import Connection
from app.store.generations import MongoGenerations
from app.store.inbox import MongoInbox
from app.usecases.apply_events import Applier
from app.usecases.records import Records
from app.usecases.taking import Taking
from processors.protocols import comfydeploy
from schemas.base import GenerationId
from schemas.run import Batch, Delivery, RunStatus
from tests.builders import COMFYDEPLOY, HERE, NOON, TIMING, a_generation, some_metadata
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("code", [43, 91, 189, 14031])
async def test_case_40_what_passes_is_waited_for(code: int) -> None:
    """A cursor that is gone, a step-down, a shutdown and a full disk."""
    with pytest.raises(StoreDownError):
        async with answered():
            raise OperationFailure("no", code)


@pytest.mark.parametrize("code", [13, 18, 8000])
async def test_who_is_shut_out_waits_too(code: int) -> None:
    """The user may get the right back; the driver's words, which may name them, are left out."""
    with pytest.raises(StoreShutOutError) as caught:
        async with answered():
            raise OperationFailure("not authorized: somebody", code)

    assert isinstance(caught.value, StoreDownError)
    assert "somebody" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure("no", 2),
        OperationFailure("no", 9),
        AutoReconnect("gone"),
        WTimeoutError("slow", 64),
        CursorNotFound("gone", 43),
        InvalidOperation("closed"),
        InvalidDocument("too large"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
        OverflowError("MongoDB can only handle up to 8-byte ints"),
    ],
)
async def test_no_error_of_the_driver_comes_out(error: Exception) -> None:
    """Whoever survives a database that is away survives whatever the driver finds."""
    with pytest.raises(UnavailableError):
        async with answered():
            raise error


async def test_a_write_that_a_primary_stepping_down_did_not_confirm_is_waited_for() -> None:
    """The driver stumbles over such an answer; any other stumble is a mistake of ours."""
    with pytest.raises(StoreDownError):
        async with answered():
            raise AttributeError("'RawBSONDocument' object has no attribute 'update'")
    with pytest.raises(AttributeError, match="a_name"):
        async with answered():
            raise AttributeError("'Lease' object has no attribute 'a_name'")


async def test_a_mistake_of_ours_is_told_from_an_outage() -> None:
    """Asking again would not help."""
    with pytest.raises(StoreFaultError, match="code 2") as caught:
        async with answered():
            raise OperationFailure("no", 2)

    assert not isinstance(caught.value, StoreDownError)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], StoreDownError),
        ([91, 10107], StoreDownError),
        ([121], StoreFaultError),
        ([91, 121], StoreFaultError),
        ([11000, 121], StoreFaultError),
    ],
)
async def test_a_bulk_is_waited_for_only_if_all_of_it_passes(
    codes: list[int], expected: type[UnavailableError]
) -> None:
    """One write that can never be made would be tried again for ever, and the others with it."""
    unconfirmed = {"code": 64, "errmsg": "waiting for replication timed out"}
    details = {
        "writeErrors": [{"index": index, "code": code} for index, code in enumerate(codes)],
        "writeConcernErrors": [unconfirmed],
    }
    with pytest.raises(UnavailableError) as caught:
        async with answered():
            raise BulkWriteError(details)

    assert type(caught.value) is expected


async def test_a_key_that_is_taken_stays_as_it_is() -> None:
    """It is an answer, not a fault."""
    with pytest.raises(DuplicateKeyError):
        async with answered():
            raise DuplicateKeyError("taken", 11000)


async def test_one_write_that_the_database_refuses_holds_up_no_other(prepared: Connection) -> None:
    """Of a bulk, only the events of the odd record are left out, and its batch is kept."""
    odd, fine = GenerationId("0" * 31 + "1"), GenerationId("0" * 31 + "2")
    generations, inbox, alerts = MongoGenerations(prepared), MongoInbox(prepared), FakeAlerts()
    for each in (odd, fine):
        metadata = some_metadata(run_id=f"run-of-{each}")
        assert await generations.insert(a_generation(id=each, metadata=metadata))
    kept = prepared.collection("generations")
    await kept.database.command("collMod", kept.name, validator={"_id": {"$ne": odd}})
    clock, metrics = FakeClock(), Metrics()
    applier = Applier(
        inbox,
        Records(generations, clock, Journal()),
        Taking(HERE, TIMING, background=False, messenger=None),
        clock=clock,
        timing=TIMING,
        metrics=metrics,
        alerts=alerts,
    )
    for each in (odd, fine):
        raw = f'{{"run_id": "run-of-{each}", "status": "running"}}'.encode()
        delivery = Delivery(generation=each, attempt=1, engine=COMFYDEPLOY, at=NOON, raw=raw)
        batch = Batch(id=f"of-{each}", at=NOON, events=(delivery,))
        await inbox.insert(batch)
        applier.add(batch, [comfydeploy.receive(delivery)])
    applier.close()
    await applier.run()

    found = await generations.many([odd, fine])
    assert {each: found[each].status for each in found} == {
        odd: RunStatus.QUEUED,
        fine: RunStatus.RUNNING,
    }
    assert alerts.raised == ["quarantined"]
    left = await prepared.collection("inbox").find({"applied": False}).to_list(None)
    assert [each["_id"] for each in left] == [f"of-{odd}"]
