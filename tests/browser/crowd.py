"""Many runs at once: put straight into the database, for no engine makes so many so soon."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from app.clock import Clock
from app.store.documents import CODEC, Document
from schemas.base import GenerationId, UserId
from schemas.generation import Generation
from schemas.job import JobId
from schemas.run import RunStatus
from tests.builders import a_generation, a_job, a_step, some_metadata

_NOBODY: Final = UserId("0198c0ffee0198c0ffee0198c0ffee99")


@dataclass(frozen=True)
class Crowd:
    """Runs of nobody's that are asked about by nobody, as their records owe nothing.

    Attributes:
        database: The service's.
        clock: Says when they were ordered.
        ids: Of all records that were put there.
    """

    database: AsyncDatabase[Document]
    clock: Clock = field(default_factory=Clock)
    ids: list[str] = field(default_factory=list[str])

    async def run(self, count: int) -> Sequence[Generation]:
        """Have jobs of one step each that run; return their generations, the oldest first."""
        made = [self._made(RunStatus.RUNNING, n, self.clock.new_id()) for n in range(count)]
        jobs = [
            a_job(
                id=JobId(str(each.job_id)),
                user_id=_NOBODY,
                by="api",
                chat=None,
                steps=(a_step(generation=each.id),),
                created_at=each.created_at,
                updated_at=each.updated_at,
            )
            for each in made
        ]
        await self._put("generations", [each.document() for each in made])
        await self._put("jobs", [each.document() for each in jobs])
        return sorted(made, key=lambda each: str(each.job_id))

    async def ended(self, count: int) -> None:
        """Have runs that have ended, ordered later than any other."""
        made = [self._made(RunStatus.COMPLETED, n, None) for n in range(count)]
        await self._put("generations", [each.document() for each in made])

    async def change(self, generation: GenerationId, **fields: object) -> None:
        """Change a record's fields, as they are stored."""
        by = {"$set": fields, "$inc": {"version": 1}}
        await self.database["generations"].update_one({"_id": generation}, by)

    async def leave(self) -> None:
        """Have all of them gone."""
        for each in ("generations", "jobs"):
            await self.database[each].delete_many({"_id": {"$in": self.ids}})

    async def _put(self, name: str, documents: Sequence[Document]) -> None:
        self.ids.extend(each["_id"] for each in documents)
        await self.database[name].insert_many(documents)

    def _made(self, status: RunStatus, number: int, job: str | None) -> Generation:
        now = self.clock.now()
        return a_generation(
            status,
            id=self.clock.new_id(),
            job_id=job,
            step=job and 1,
            item=job and 1,
            created_at=now,
            updated_at=now,
            request_timestamp=now,
            queued_at=now,
            started_at=now,
            response_timestamp=None if status is RunStatus.RUNNING else now,
            metadata=some_metadata(
                run_id=f"{status}-{number}", telegram_chat_id=None, user_id=_NOBODY
            ),
            runs=(),
            owed=(),
        )


@asynccontextmanager
async def a_crowd(uri: str, database: str) -> AsyncGenerator[Crowd]:
    """Have runs be there until it is left."""
    async with AsyncMongoClient[Document](uri) as client:
        crowd = Crowd(client.get_database(database, codec_options=CODEC))
        try:
            yield crowd
        finally:
            await crowd.leave()
