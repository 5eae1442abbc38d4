"""Discharge ``webhook``: freeze what happened into a delivery for each endpoint that listens.

A delivery's id is made of the record, its version and the endpoint, so that one which a crash cut
short is handed out again without harm: what is there already stays as it was frozen.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.ports import Endpoints
from app.usecases.records import DecideOf, Records, RecordsOf, acknowledged
from app.usecases.taking import Taking
from processors import hooks
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.hook import Delivery
from schemas.job import Job

Shown = dict[str, Any]
"""A record as the API shows it to its operator; Any, as in JSON."""


class HandOut:
    """Writes deliveries.

    Args:
        endpoints: Who listens.
        deliveries: What is on its way to them.
        taking: Who this process is.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        deliveries: RecordsOf[Delivery],
        taking: Taking,
    ) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._taking = taking

    async def __call__(
        self,
        record: Generation | Job,
        debt: Debt,
        order: str,
        data: Callable[[], Awaitable[Shown]],
    ) -> None:
        """Write a delivery for each endpoint that hears of an event.

        Args:
            record: What it happened to.
            debt: Says what happened.
            order: The order whose own endpoint may hear of it.
            data: What is told of the record.

        Raises:
            StoreDownError: The database does not answer.
        """
        told = hooks.about(debt)
        if hooks.passed(record, told.event):
            # The end that came in its place is owed as well.
            return
        found = await self._endpoints.listening(told.event, order)
        if not found:
            return
        frozen = hooks.body(told.event, told.at, await data())
        now = self._deliveries.clock.now()
        taker = self._taking.taker(now)
        await self._deliveries.add_all(
            [hooks.made(record, told, frozen, each, now=now, taker=taker) for each in found]
        )


class HandOutGeneration:
    """Discharges ``webhook`` of a generation."""

    def __init__(
        self, hand_out: HandOut, records: Records, show: Callable[[Generation], Shown]
    ) -> None:
        self._hand_out = hand_out
        self._records = records
        self._show = show

    async def __call__(self, generation: Generation, debt: Debt) -> DecideOf[Generation] | None:
        """Tell of it what the API shows of it."""
        order = generation.job_id or generation.id

        async def data() -> Shown:
            return self._show(await self._records.whole(generation))

        await self._hand_out(generation, debt, order, data)
        return acknowledged(debt)


class HandOutJob:
    """Discharges ``webhook`` of a job."""

    def __init__(
        self,
        hand_out: HandOut,
        records: Records,
        show: Callable[[Job, Sequence[Generation]], Shown],
    ) -> None:
        self._hand_out = hand_out
        self._records = records
        self._show = show

    async def __call__(self, job: Job, debt: Debt) -> DecideOf[Job] | None:
        """Tell of it what the API shows of it, its generations among it."""

        async def data() -> Shown:
            made = await self._records.readable([each.generation for each in job.steps])
            return self._show(
                job, [made[each.generation] for each in job.steps if each.generation in made]
            )

        await self._hand_out(job, debt, job.id, data)
        return acknowledged(debt)
