"""Records as people look at them, in memory."""

from collections.abc import Collection, Mapping
from datetime import datetime

from app.errors import StoreDownError
from app.ports import Scene
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.job import Job, JobId
from schemas.live import Wanted
from schemas.preview import Preview
from tests.fakes.gates import Gate, ajar


class FakeViews:
    """See app.ports.Views.

    Attributes:
        down: Whether the database does not answer.
        read: How many records have been read, and how many scenes.
    """

    def __init__(
        self,
        generations: Mapping[str, Generation],
        jobs: Mapping[str, Job],
        previews: Mapping[str, Preview],
        gate: Gate = ajar,
    ) -> None:
        self._generations = generations
        self._jobs = jobs
        self._previews = previews
        self.gate = gate
        self.down = False
        self.read = 0

    async def generations(self, ids: Collection[GenerationId]) -> Mapping[GenerationId, Generation]:
        """See app.ports.Views."""
        await self._pass()
        self.read += len(ids)
        found = {each: self._generations[each] for each in ids if each in self._generations}
        await self.gate()
        return found

    async def jobs(self, ids: Collection[JobId]) -> Mapping[JobId, Job]:
        """See app.ports.Views."""
        await self._pass()
        found = {each: self._jobs[each] for each in ids if each in self._jobs}
        await self.gate()
        return found

    async def drawn(self, ids: Collection[GenerationId]) -> Mapping[GenerationId, datetime]:
        """See app.ports.Views."""
        await self._pass()
        return {each: self._previews[each].at for each in ids if each in self._previews}

    async def scene(self, wanted: Wanted, *, most_open: int, most_ended: int) -> Scene:
        """See app.ports.Views."""
        await self._pass()
        self.read += 1
        generations = [
            each
            for _, each in sorted(self._generations.items())
            if wanted.of_generation(each) and each.status in wanted.generation_statuses()
        ]
        jobs = [
            each
            for _, each in sorted(self._jobs.items())
            if wanted.of_job(each) and each.status in wanted.job_statuses()
        ]
        ended = most_open if wanted.job else most_ended
        shown = {
            *(each.id for each in [each for each in generations if not each.ended][-most_open:]),
            *(each.id for each in [each for each in generations if each.ended][-ended:]),
            *(each.id for each in [each for each in jobs if not each.ended][-most_open:]),
            *(each.id for each in [each for each in jobs if each.ended][-most_ended:]),
        }
        await self.gate()
        return Scene(
            tuple(each for each in generations if each.id in shown),
            tuple(each for each in jobs if each.id in shown),
        )

    async def _pass(self) -> None:
        await self.gate()
        if self.down:
            raise StoreDownError("it is down")
