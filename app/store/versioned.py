"""Records that are kept under a version and owe nothing: one compare-and-set writes them."""

from typing import TypeVar

from pymongo.errors import DuplicateKeyError

from app.store.answering import answered
from app.store.connection import Collection
from app.store.documents import update
from schemas.control import Control
from schemas.hook import Endpoint

VersionedT = TypeVar("VersionedT", Control, Endpoint)
"""A record under a version, which every write raises."""


async def write(kept: Collection, before: VersionedT | None, after: VersionedT) -> bool:
    """Store `after` in place of `before`, if that still stands, or of none; say whether it was."""
    try:
        async with answered():
            if before is None:
                await kept.insert_one(after.document())
                return True
            chosen = {"_id": {"$eq": before.id}, "version": {"$eq": before.version}}
            result = await kept.update_one(chosen, update(before, after))
    except DuplicateKeyError:
        return False
    return result.matched_count == 1
