"""What the driver raises, translated."""

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    CursorNotFound,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
    WTimeoutError,
)

from app.errors import StoreDownError, StoreFaultError, StoreShutOutError, UnavailableError
from app.store.answering import answered

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


async def test_a_mistake_of_ours_is_told_from_an_outage() -> None:
    """Asking again would not help."""
    with pytest.raises(StoreFaultError, match="code 2") as caught:
        async with answered():
            raise OperationFailure("no", 2)

    assert not isinstance(caught.value, StoreDownError)


async def test_a_key_that_is_taken_stays_as_it_is() -> None:
    """It is an answer, not a fault."""
    with pytest.raises(DuplicateKeyError):
        async with answered():
            raise DuplicateKeyError("taken", 11000)
