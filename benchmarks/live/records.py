"""Generations and jobs that run on and on, and a hand that moves them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import monotonic
from typing import Final

from app.store.connection import DURABLE, Connection
from schemas.base import EngineName, GenerationId, RunId, UserId
from schemas.generation import CostRate, Generation, Metadata, RateUnit, Request
from schemas.job import Job, JobId, JobStatus, Step, Terms
from schemas.preset import FixedPrice
from schemas.run import RunStatus

ENGINE: Final = EngineName("comfydeploy")
PRESET: Final = "l4_t2i"
_BEGAN: Final = timedelta(seconds=20)
_RATE: Final = CostRate(amount=Decimal("0.000337"), unit=RateUnit.SECOND)
_TERMS: Final = Terms(
    price=FixedPrice(kind="fixed", credits=Decimal(5)), credits_per_usd=Decimal(100)
)


async def running(connection: Connection, count: int) -> list[GenerationId]:
    """Store jobs of one generation each, all of them running; return the generations."""
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - what a stored record would say
    made = [_generation(number, now) for number in range(count)]
    jobs = [_job(each) for each in made]
    await connection.collection("generations").insert_many([each.document() for each in made])
    await connection.collection("jobs").insert_many([each.document() for each in jobs])
    return [each.id for each in made]


async def move(
    connection: Connection, ids: Sequence[GenerationId], rate: float, seconds: float
) -> int:
    """Change each record so often a second, evenly spread; return how many changes were late.

    Each says in its text when its write was begun. A change that finds the one before it still
    under way is left out: late, and not more than one at a time.
    """
    generations = connection.collection("generations").with_options(write_concern=DURABLE)  # pyright: ignore[reportUnknownMemberType] - motor leaves an argument's type open
    began, late = monotonic() + 0.2, 0

    async def one(place: int, generation: GenerationId) -> None:
        nonlocal late
        shift = place / len(ids) / rate
        for turn in range(int(rate * seconds)):
            due = began + shift + turn / rate
            if (spare := due - monotonic()) > 0:
                await asyncio.sleep(spare)
            elif spare < -1 / rate:
                late += 1
                continue
            said = {"liveStatus": f"sent {monotonic():.6f}", "progress": turn / (rate * seconds)}
            await generations.update_one(
                {"_id": generation}, {"$set": said, "$inc": {"version": 1}}
            )

    async with asyncio.TaskGroup() as group:
        for place, generation in enumerate(ids):
            group.create_task(one(place, generation))
    return late


def _generation(number: int, now: datetime) -> Generation:
    return Generation(
        id=GenerationId(f"{_ID + number:032x}"),
        engine=ENGINE,
        job_id=f"{_JOB + number:032x}",
        step=1,
        item=1,
        created_at=now - _BEGAN,
        updated_at=now,
        request_timestamp=now - _BEGAN,
        queued_at=now - _BEGAN,
        started_at=now - _BEGAN / 2,
        status=RunStatus.RUNNING,
        progress=0.3,
        live_status="Executing KSampler",
        metadata=Metadata(
            run_id=RunId(f"run-{number}"), user_id=_USER, preset=PRESET, cost_rate=_RATE
        ),
        request_payload=Request(
            deployment_id="c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
            inputs={"prompt": f"a lighthouse at dusk, number {number}, in the manner of a woodcut"},
        ),
    )


def _job(generation: Generation) -> Job:
    return Job(
        id=JobId(str(generation.job_id)),
        user_id=_USER,
        by="api",
        status=JobStatus.ACTIVE,
        created_at=generation.created_at,
        updated_at=generation.updated_at,
        steps=(Step(preset=PRESET, generation=generation.id, held=Decimal(5), terms=_TERMS),),
    )


_USER: Final = UserId("0198c0ffee0198c0ffee0198c0ffee99")
_ID: Final = 0x0198C0FFEE0170008000000000000000
_JOB: Final = 0x0198C0FFEE0070008000000000000000
