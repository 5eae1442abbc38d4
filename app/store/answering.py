"""What the driver raises, as the rest of the service knows it: no error of its own leaves here."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, Final

import pymongo
from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)

from app.errors import StoreDownError, StoreFaultError, StoreShutOutError, UnavailableError

UNHURRIED: Final = timedelta(days=1)
"""What is as good as no time limit to the driver, which takes none as its client's."""


@asynccontextmanager
async def answered() -> AsyncGenerator[None]:
    """Translate what the driver raises; a unique key that is taken stays as it is.

    Raises:
        StoreDownError: No answer, no primary, no majority in time, or something else that passes.
        StoreShutOutError: Our user may not.
        StoreFaultError: The database refuses what was asked, or the driver could not ask it.
        pymongo.errors.DuplicateKeyError: A unique key is taken.
    """
    try:
        yield
    except DuplicateKeyError:
        raise
    except OperationFailure as error:
        if error.code in SHUT_OUT:
            # The driver's words may hold the user's name.
            raise StoreShutOutError(
                f"MongoDB refuses the user, the password, or what they may do (code {error.code})"
            ) from None
        raise _translated(error) from error
    except _DRIVERS as error:
        raise _translated(error) from error
    except AttributeError as error:
        if _STUMBLE not in str(error):
            raise
        raise StoreDownError("a write could not be confirmed") from error


@contextmanager
def unhurried() -> Generator[None]:
    """Let everything asked of the database in this block take as long as it takes."""
    with pymongo.timeout(UNHURRIED.total_seconds()):
        yield


_STUMBLE: Final = "'RawBSONDocument' object has no attribute"
"""What the driver (4.20) makes of a findAndModify that a primary wrote, and could not confirm as it
stepped down: it would write into the answer, which is read-only."""
_DRIVERS: Final = (PyMongoError, BSONError, UnicodeError, OverflowError)
"""What the driver raises: the last two for half a character, and for a number over 8 bytes."""

SHUT_OUT: Final = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and Atlas's own word for both."""

_PASSING: Final = frozenset(
    {43, 50, 64, 91, 100, 189, 262, 10107, 11600, 11602, 13435, 13436, 14031}
)
"""Codes that pass: cursors that are gone, time limits, step-downs, shutdowns, and a full disk
(14031). See mongo/src/mongo/base/error_codes.yml."""


def _translated(error: Exception) -> UnavailableError:
    name = type(error).__name__
    if isinstance(error, BulkWriteError):
        return _of_bulk(error)
    if isinstance(error, ConnectionFailure | ExecutionTimeout | WTimeoutError):
        return StoreDownError(f"MongoDB does not answer ({name})")
    if isinstance(error, PyMongoError) and (
        error.timeout or error.has_error_label("RetryableWriteError")
    ):
        return StoreDownError(f"MongoDB does not answer ({name})")
    if isinstance(error, OperationFailure) and error.code in _PASSING:
        return StoreDownError(f"MongoDB cannot do it now (code {error.code})")
    code = f", code {error.code}" if isinstance(error, OperationFailure) else ""
    return StoreFaultError(f"MongoDB refuses what was asked of it ({name}{code})")


def _of_bulk(error: BulkWriteError) -> UnavailableError:
    """Say what becomes of a bulk: one write that can never be made is a fault of ours.

    A majority that did not confirm it in time is no write's error, and passes.
    """
    details: Any = error.details
    codes = sorted({int(each.get("code", 0)) for each in details.get("writeErrors", ())})
    said = f"MongoDB refused a bulk write (codes {', '.join(map(str, codes)) or 'none'})"
    return StoreDownError(said) if _PASSING.issuperset(codes) else StoreFaultError(said)
