"""The presets we keep, in MongoDB."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import structlog
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError, OperationFailure

from app.errors import UnreadableError
from app.ports import PresetWrite
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document, read
from schemas.preset import Preset

_WRITE_CONFLICT: Final = 112
"""Another transaction was first (mongo/src/mongo/base/error_codes.yml)."""


class MongoPresets:
    """See app.ports.Presets."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._all = connection.collection("presets")
        self._log = structlog.get_logger()
        self._known = dict[str, _Known]()

    async def get(self, name: str) -> Preset | None:
        """See app.ports.Presets."""
        async with answered():
            found = await self._all.find_one({"_id": {"$eq": name}})
        if found is None:
            return None
        known = self._known.get(name)
        if known is None or known.document != found:
            # To validate one takes longer than to find it, and every order needs one.
            known = self._known[name] = _Known(found, read(Preset, found))
        return known.preset

    async def all(self) -> tuple[Preset, ...]:
        """See app.ports.Presets."""
        async with answered():
            found = await self._all.find().sort("_id", ASCENDING).to_list(None)
        presets = list[Preset]()
        for document in found:
            try:
                presets.append(read(Preset, document))
            except UnreadableError as error:
                self._log.warning("a preset is left alone", error=str(error))
        return tuple(presets)

    async def write(self, writes: Sequence[PresetWrite]) -> bool:
        """See app.ports.Presets."""
        try:
            async with answered(), self._connection.transaction() as session:
                # All in one order, or of two at once each might stand in the other's way.
                for each in sorted(writes, key=_name):
                    await self._put(each, session)
        except (DuplicateKeyError, _MovedOnError):
            return False
        return True

    async def _put(self, write: PresetWrite, session: AsyncIOMotorClientSession) -> None:
        """Write one.

        Raises:
            _MovedOnError: It is no longer as it was.
            pymongo.errors.DuplicateKeyError: It has come to be.
        """
        try:
            if write.before is None:
                await self._all.insert_one(write.after.document(), session=session)
                return
            still = {"_id": {"$eq": write.before.name}, "version": {"$eq": write.before.version}}
            done = await self._all.update_one(still, _update(write.after), session=session)
        except OperationFailure as error:
            if error.code == _WRITE_CONFLICT:
                raise _MovedOnError from None
            raise
        if not done.matched_count:
            raise _MovedOnError


class _Known(NamedTuple):
    """A preset as it was last found, and as it was read then."""

    document: Document
    preset: Preset


class _MovedOnError(Exception):
    """A preset is no longer as it was."""


def _name(write: PresetWrite) -> str:
    return write.after.name


def _update(after: Preset) -> Document:
    """Set what a preset has and unset what it has not; a newer version's fields are left alone."""
    fields = after.document()
    del fields["_id"]
    names = {field.serialization_alias for field in Preset.model_fields.values()}
    gone = {name: "" for name in names if name not in {*fields, "_id"}}
    return {"$set": fields, **({"$unset": gone} if gone else {})}
