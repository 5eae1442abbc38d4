"""What became of many writes at once."""

from typing import Any

from pymongo.errors import BulkWriteError

from app.store.debtors import DUPLICATE


def repeated(error: BulkWriteError) -> bool:
    """Return whether nothing went wrong but that some of it was there."""
    details: Any = error.details
    return not details["writeConcernErrors"] and {
        each["code"] for each in details["writeErrors"]
    } == {DUPLICATE}
