"""Records as people look at them, in MongoDB."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog
from pymongo import DESCENDING

from app.errors import UnreadableError
from app.ports import Scene
from app.store.answering import answered
from app.store.connection import Collection as Kept
from app.store.connection import Connection
from app.store.documents import Document, RecordT, read
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.job import JOB_OPEN, Job, JobId
from schemas.live import Wanted
from schemas.run import OPEN, TERMINAL

_HIDDEN: Final = dict.fromkeys(("owed", "dueAt", "heard"), 0)
"""What nobody sees, and is not read."""


class MongoViews:
    """See app.ports.Views."""

    def __init__(self, connection: Connection) -> None:
        self._generations = connection.collection("generations")
        self._jobs = connection.collection("jobs")
        self._previews = connection.collection("previews")
        self._log = structlog.get_logger()

    async def generations(self, ids: Collection[GenerationId]) -> Mapping[GenerationId, Generation]:
        """See app.ports.Views."""
        found = await self._many(self._generations, ids)
        return {each.id: each for each in self._read(Generation, found)}

    async def jobs(self, ids: Collection[JobId]) -> Mapping[JobId, Job]:
        """See app.ports.Views."""
        found = await self._many(self._jobs, ids)
        return {each.id: each for each in self._read(Job, found)}

    async def drawn(self, ids: Collection[GenerationId]) -> Mapping[GenerationId, datetime]:
        """See app.ports.Views."""
        if not ids:
            return {}
        async with answered():
            known = self._previews.find({"_id": {"$in": list(ids)}}, {"at": 1})
            return {GenerationId(_id(each)): each["at"] for each in await known.to_list(None)}

    async def scene(self, wanted: Wanted, *, most_open: int, most_ended: int) -> Scene:
        """See app.ports.Views."""
        statuses = wanted.generation_statuses()
        generations = await self._newest(
            self._generations,
            _generations_of(wanted),
            (
                (sorted(OPEN & statuses), most_open),
                (sorted(TERMINAL & statuses), most_open if wanted.job else most_ended),
            ),
        )
        jobs: Sequence[Document] = ()
        if wanted.generation is None:
            told = wanted.job_statuses()
            jobs = await self._newest(
                self._jobs,
                _jobs_of(wanted),
                ((sorted(JOB_OPEN & told), most_open), (sorted(told - JOB_OPEN), most_ended)),
            )
        return Scene(
            tuple(self._read(Generation, reversed(generations))),
            tuple(self._read(Job, reversed(jobs))),
        )

    async def _newest(
        self, kept: Kept, chosen: Document, parts: Sequence[tuple[Sequence[str], int]]
    ) -> Sequence[Document]:
        """Return what stands at these statuses, of each part at most so many, newest first."""
        found = list[Document]()
        for statuses, limit in parts:
            if statuses:
                standing: Document = {**chosen, "status": {"$in": list(statuses)}}
                async with answered():
                    many = kept.find(standing, _HIDDEN).sort("_id", DESCENDING).limit(limit)
                    found += await many.to_list(None)
        return sorted(found, key=_id, reverse=True)

    async def _many(self, kept: Kept, ids: Collection[str]) -> Sequence[Document]:
        if not ids:
            return ()
        async with answered():
            return await kept.find({"_id": {"$in": list(ids)}}, _HIDDEN).to_list(None)

    def _read(self, kind: type[RecordT], documents: Iterable[Document]) -> Iterable[RecordT]:
        for document in documents:
            try:
                yield read(kind, document)
            except UnreadableError as error:
                self._log.warning("a record is not shown", error=str(error))


def _generations_of(wanted: Wanted) -> Document:
    given = {"_id": wanted.generation, "jobId": wanted.job, "metadata.userId": wanted.user}
    return {name: {"$eq": value} for name, value in given.items() if value is not None}


def _jobs_of(wanted: Wanted) -> Document:
    given = {"_id": wanted.job, "userId": wanted.user}
    return {name: {"$eq": value} for name, value in given.items() if value is not None}


def _id(document: Document) -> str:
    return str(document["_id"])
