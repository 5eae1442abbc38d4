"""What changes in the database, by its change streams.

A change is told by its record's name and its operation time alone: what the record is like by
then is read once for all who want it, so the stream carries neither records nor pictures.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from bson.timestamp import Timestamp
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.errors import OperationFailure, PyMongoError

from app.ports import Ear, MissedError
from app.store.answering import answered
from app.store.connection import Connection
from app.store.documents import Document
from schemas.live import Change, Kind, Position

Token = Mapping[str, Any]
"""Where a change stream goes on, as the server has it."""

_KINDS: Final = {"generations": Kind.GENERATION, "jobs": Kind.JOB, "previews": Kind.PREVIEW}
_AWAIT_MILLISECONDS: Final = 1_000
"""How long the server waits for a change before it says that there is none."""
_BRIEFLY_MILLISECONDS: Final = 10
"""The same where it is expected that there is none."""
_PAUSE_SECONDS: Final = 0.5
"""How long a database that does not answer is left alone."""
_OVER: Final = frozenset({"drop", "rename", "dropDatabase", "invalidate"})
"""What a stream does not outlive, or what takes records away that nobody names."""
_LOST: Final = frozenset({136, 260, 280, 286})
"""CappedPositionLost, InvalidResumeToken, ChangeStreamFatalError and
ChangeStreamHistoryLost."""
_TOKEN_TIME: Final = slice(2, 18)
"""Of a token's ``_data``, in hexadecimal digits: its operation time, after a byte that says so."""

_UPDATED: Final = "$updateDescription.updatedFields"
_PIPELINE: Final[list[Document]] = [
    {
        "$match": {
            "$or": [
                {"operationType": {"$in": sorted(_OVER)}},
                {
                    "operationType": {"$in": ["insert", "replace", "update"]},
                    "ns.coll": {"$in": sorted(_KINDS)},
                },
            ]
        }
    },
    {
        "$project": {
            "clusterTime": 1,
            "operationType": 1,
            "ns.coll": 1,
            "documentKey._id": 1,
            "status": {"$ifNull": [f"{_UPDATED}.status", "$fullDocument.status"]},
            "drawn": {"$ifNull": [f"{_UPDATED}.at", "$fullDocument.at"]},
        }
    },
]


class MongoChanges:
    """See app.ports.Changes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._log: Any = structlog.get_logger()

    async def follow(self, ear: Ear) -> None:
        """See app.ports.Changes."""
        token: Token | None = None
        while True:
            token = await self._followed(ear, token)

    async def now(self) -> Position:
        """See app.ports.Changes."""
        return _position(await self._connection.operation_time())

    async def since(self, position: Position, most: int) -> Sequence[Change]:
        """See app.ports.Changes."""
        now = await self.now()
        if position > now:
            # Of another database, or of this one before it was restored.
            raise MissedError("unknown")
        try:
            async with answered():
                return await self._between(position, now, most)
        except _TooOldError:
            raise MissedError("too_old") from None

    async def _followed(self, ear: Ear, token: Token | None) -> Token | None:
        """Tell of changes until a fault; return where to go on, None from now on."""
        reached = token
        try:
            async with (
                self._connection.watching() as database,
                await database.watch(
                    _PIPELINE, resume_after=token, max_await_time_ms=_AWAIT_MILLISECONDS
                ) as stream,
            ):
                try:
                    ear.opened()
                    while True:
                        told = await stream.try_next()
                        _heed_cancelling()
                        if told is None and stream.alive:
                            continue
                        if told is None or told["operationType"] in _OVER:
                            break
                        ear.heard(_change(told))
                    self._log.warning("records were taken away: what is shown is read anew")
                finally:
                    reached = stream.resume_token
        except PyMongoError as error:
            if not _lost(error) and reached is not None:
                self._log.warning("changes are not told for now", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_SECONDS)
                return reached
            self._log.warning("changes were missed", error=type(error).__name__)
            await asyncio.sleep(_PAUSE_SECONDS)
        ear.lost()
        return None

    async def _between(self, position: Position, now: Position, most: int) -> Sequence[Change]:
        try:
            async with (
                self._connection.watching() as database,
                await database.watch(
                    _PIPELINE,
                    start_at_operation_time=Timestamp(*position),
                    max_await_time_ms=_BRIEFLY_MILLISECONDS,
                ) as stream,
            ):
                return await _until(stream, now, most)
        except OperationFailure as error:
            if _lost(error):
                raise _TooOldError from None
            raise


async def _until(stream: AsyncChangeStream[Document], now: Position, most: int) -> Sequence[Change]:
    """Return what a stream tells up to a position that has been reached already."""
    found = dict[tuple[Kind, str], Change]()
    while True:
        told = await stream.try_next()
        _heed_cancelling()
        if told is None and stream.alive:
            if _reached(stream.resume_token) >= now:
                break
            continue
        if told is None or told["operationType"] in _OVER:
            raise _TooOldError
        change = _change(told)
        if change.at > now:
            break
        # Taken out first: what changed last stands last.
        older = found.pop((change.kind, change.id), None)
        found[change.kind, change.id] = change.after(older)
        if len(found) > most:
            raise MissedError("too_much")
    return tuple(found.values())


def _heed_cancelling() -> None:
    """End what has been cancelled: the driver may take it for a fault of its connection.

    It then asks again, and nobody would ever hear of it (pymongo 4.20, measured).
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class _TooOldError(Exception):
    """What has happened since then is not in the oplog any more, or took records away."""


def _lost(error: PyMongoError) -> bool:
    """Return whether a stream that ended so cannot go on from where it was."""
    return (isinstance(error, OperationFailure) and error.code in _LOST) or error.has_error_label(
        "NonResumableChangeStreamError"
    )


def _change(told: Document) -> Change:
    return Change(
        _KINDS[told["ns"]["coll"]],
        str(told["documentKey"]["_id"]),
        _position(told["clusterTime"]),
        moved=told.get("status") is not None,
        drawn=told.get("drawn"),
    )


def _position(at: Timestamp) -> Position:
    return Position(at.time, at.inc)


def _reached(token: Token | None) -> Position:
    """Return up to when a stream has come, which its token begins with (``KeyString``)."""
    said = str((token or {}).get("_data", ""))[_TOKEN_TIME]
    return Position(int(said[:8] or "0", 16), int(said[8:] or "0", 16))
