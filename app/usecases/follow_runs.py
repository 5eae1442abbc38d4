"""Follow runs: what is done about what a server says of them.

What was heard goes the way of a webhook's events, but through no inbox: it can be asked for
again. Nothing here says that a run is lost; it is asked about, in the one place that decides.
"""

from collections.abc import Collection, Mapping, Sequence

import structlog

from app.ports import Previews, Uses
from app.usecases.apply_events import Applier
from app.usecases.records import Records
from app.usecases.taking import Taking
from processors import runs, scheduling
from schemas.base import GenerationId, RunId
from schemas.generation import Generation, Retry
from schemas.run import RunEvent
from schemas.usage import NodeUse, Use


class FollowRuns:
    """Takes what is heard of runs at servers of ours.

    Args:
        records: The generations.
        applier: Applies events.
        uses: What nodes took.
        previews: The newest picture of each run.
        taking: Who this process is.
    """

    def __init__(
        self,
        records: Records,
        applier: Applier,
        uses: Uses,
        previews: Previews,
        taking: Taking,
    ) -> None:
        self._records = records
        self._clock = records.clock
        self._applier = applier
        self._uses = uses
        self._previews = previews
        self._taking = taking
        # Generations whose picture is being kept now, with the one that is to be kept after it.
        self._showing = dict[GenerationId, tuple[bytes, str] | None]()
        self._log = structlog.get_logger()

    def told(self, event: RunEvent) -> None:
        """Apply what a server told of a run."""
        self._applier.hear(event)

    async def missing(self, generation_id: GenerationId, run_id: RunId) -> None:
        """Have a run asked about that its server seems to have no more.

        Raises:
            StoreDownError: The database does not answer.
        """
        await self._records.change(
            generation_id,
            lambda record, now: (
                runs.looked_into(record, now)
                if record.metadata.run_id == run_id and not record.ended
                else record
            ),
        )

    async def gone(self, generation_id: GenerationId, run_id: RunId) -> None:
        """Try a run at another server: its own is not reached any more.

        One that may not be tried again waits for its server.

        Raises:
            StoreDownError: The database does not answer.
        """
        after = await self._records.change(
            generation_id,
            lambda record, now: (
                runs.retried(record, now, self._taking.taker(now), Retry.GONE)
                if record.metadata.run_id == run_id and runs.may_retry(record)
                else record
            ),
        )
        if after is not None and after.metadata.run_id != run_id:
            self._log.warning("a server is gone; its run is tried again", generation=generation_id)

    async def orphaned(self, servers: Collection[str]) -> None:
        """Have the runs asked about whose server is none of these: nobody else looks for them.

        Raises:
            StoreDownError: The database does not answer.
        """
        for slot, generation_id in (await self._records.generations.slots()).items():
            if scheduling.server_of(slot) not in servers:
                await self._records.change(
                    generation_id,
                    lambda record, now: (
                        runs.looked_into(record, now)
                        if record.slot is not None and not record.ended
                        else record
                    ),
                )

    async def previewed(self, generation_id: GenerationId, image: bytes, content_type: str) -> None:
        """Keep the newest picture of how far a run is.

        Of those that come while one is being kept only the newest waits: they would pile up in
        memory for as long as the database is slow.

        Raises:
            StoreDownError: The database does not answer.
        """
        being_kept = generation_id in self._showing
        self._showing[generation_id] = image, content_type
        if being_kept:
            return
        try:
            while (newest := self._showing[generation_id]) is not None:
                self._showing[generation_id] = None
                await self._previews.put(generation_id, *newest, self._clock.now())
        finally:
            del self._showing[generation_id]

    async def used(
        self, generation_id: GenerationId, run_id: RunId, server: str, rows: Sequence[NodeUse]
    ) -> None:
        """Log what the nodes of a run took.

        Raises:
            StoreDownError: The database does not answer.
        """
        now = self._clock.now()
        await self._uses.add([Use(generation_id, run_id, server, now, *row) for row in rows])

    async def at(self, server: str) -> tuple[Generation, ...]:
        """Return the generations that have a run at a server.

        Raises:
            StoreDownError: The database does not answer.
        """
        return await self._records.generations.at_server(server)

    async def formerly_at(self, server: str) -> tuple[Generation, ...]:
        """Return the open generations of which a former attempt ran at a server.

        Raises:
            StoreDownError: The database does not answer.
        """
        return await self._records.generations.formerly_at(server)

    async def of_runs(self, run_ids: Collection[RunId]) -> Mapping[RunId, Generation]:
        """Return whose these runs are or were, of those that are ours.

        Raises:
            StoreDownError: The database does not answer.
        """
        return await self._records.generations.of_runs(run_ids) if run_ids else {}
