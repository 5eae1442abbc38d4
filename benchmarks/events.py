"""The runs that the load is about: their records, their tokens, and the ten events of each."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern

from app.clock import Clock
from app.store.connection import Connection, Keep
from app.store.documents import CODEC, Document
from processors import debts, runs
from processors.protocols import comfydeploy, signing
from schemas.base import GenerationId, RunId
from schemas.debt import Debt, DebtKind
from schemas.generation import CostRate, EngineRun, Generation, Metadata, RateUnit, Request
from schemas.run import RunStatus

SECRET: Final = "a-secret-for-measuring-only"  # noqa: S105 - of a service that lives for minutes
INTERLEAVED: Final = 1_000
"""Runs whose events come in turn."""
KEEP: Final = Keep(events=timedelta(days=14))

_RUN: Final = "@RUN@"
_PICTURE: Final[dict[str, Any]] = {
    "id": "d2f0b7c4-8a11-4e3d-b6c5-19f2e3a4b5c6",
    "run_id": _RUN,
    "data": {
        "images": [
            {
                "filename": "hero_00001_.webp",
                "subfolder": "",
                "type": "output",
                "url": (
                    "https://comfy-deploy-output.s3.us-east-2.amazonaws.com/outputs/runs/"
                    f"{_RUN}/hero_00001_.webp"
                ),
                "is_public": True,
            }
        ]
    },
    "node_meta": {"node_id": "9", "node_class": "SaveImage"},
}


class Run(NamedTuple):
    """One run to be told of."""

    id: GenerationId
    run_id: RunId
    token: str

    @property
    def target(self) -> str:
        """Path and query of its webhook."""
        return signing.webhook_url("", comfydeploy.NAME, self.id, self.token)


def bodies() -> tuple[str, ...]:
    """Return the ten bodies of a run in their order, `@RUN@` standing for the run's id."""
    said: list[tuple[str, str | None, float, list[Any]]] = [
        ("queued", None, 0, []),
        ("started", None, 0, []),
        ("running", "Executing CheckpointLoaderSimple", 0.12, []),
        ("running", "Executing CLIPTextEncode", 0.25, []),
        ("running", "Executing KSampler", 0.38, []),
        ("running", "Executing KSampler", 0.5, []),
        ("running", "Executing VAEDecode", 0.75, []),
        ("running", "Executing SaveImage", 0.88, []),
        ("uploading", "Executing SaveImage", 0.88, []),
        ("success", "Executing SaveImage", 1, [_PICTURE]),
    ]
    return tuple(
        orjson.dumps(
            {
                "event_type": "run.updated",
                "status": status,
                "live_status": live_status,
                "progress": progress,
                "run_id": _RUN,
                "outputs": outputs,
            }
        ).decode()
        for status, live_status, progress, outputs in said
    )


EVENTS: Final = len(bodies())
"""Events of one run; the last is its end."""


def body(run_id: str, step: int) -> bytes:
    """Return the body of a run's event."""
    return bodies()[step].replace(_RUN, run_id).encode()


def answer(run_id: str) -> bytes:
    """Return what the engine says of a run when it is asked: that it has succeeded."""
    told: dict[str, Any] = {
        "id": _RUN,
        "status": "success",
        "progress": 1,
        "live_status": "Executing SaveImage",
        "created_at": "2025-11-14T09:30:41.207000Z",
        "queued_at": "2025-11-14T09:30:52.913000Z",
        "started_at": "2025-11-14T09:30:55.648000Z",
        "ended_at": "2025-11-14T09:31:19.640000Z",
        "outputs": [_PICTURE],
    }
    return orjson.dumps(told).replace(_RUN.encode(), run_id.encode())


def write_runs(told: list[Run], path: Path) -> None:
    """Write runs as the load generator reads them: id, token and run id, one run a line."""
    path.write_text("".join(f"{run.target} {run.run_id}\n" for run in told))


def write_bodies(path: Path) -> None:
    """Write the bodies as the load generator reads them, one a line."""
    path.write_text("".join(f"{each}\n" for each in bodies()))


async def prepare(uri: str, database: str) -> None:
    """Make the database and its indexes."""
    connection = Connection(uri, database, timedelta(seconds=60))
    try:
        await connection.prepare("live", KEEP)
    finally:
        connection.close()


async def fill(
    uri: str,
    database: str,
    count: int,
    *,
    first_chat: int | None = None,
) -> list[Run]:
    """Insert generations whose runs wait in the engine's queue; return the runs.

    Each is about to be asked about in an hour.

    Args:
        uri: The database.
        database: Its name.
        count: How many.
        first_chat: The chat of the first, the next has the next; None: nobody is told.
    """
    connection = Connection(uri, database, timedelta(seconds=60))
    generations = connection.collection("generations")
    made = list[Run]()
    try:
        while len(made) < count:
            batch = list(_runs(min(2_000, count - len(made))))
            chats = None if first_chat is None else first_chat + len(made)
            await generations.insert_many(
                list(_documents(batch, chats, ended=False)), ordered=False
            )
            made += batch
    finally:
        connection.close()
    return made


def runs_only(count: int) -> list[Run]:
    """Make runs to be told of, without any record."""
    return list(_runs(count))


async def bulk(uri: str, database: str, count: int) -> None:
    """Insert generations that have ended, as fast as they go in: not durable until all are."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(uri)
    generations = client.get_database(database, codec_options=CODEC).get_collection(
        "generations", write_concern=WriteConcern(1, j=False)
    )
    try:
        for start in range(0, count, 5_000):
            made = list(_runs(min(5_000, count - start)))
            await generations.insert_many(list(_documents(made, None, ended=True)), ordered=False)
        await client.admin.command("fsync")
    finally:
        client.close()


def _runs(count: int) -> Iterator[Run]:
    clock, key = Clock(), signing.derive(SECRET.encode(), f"webhook:{comfydeploy.NAME}")
    for generation_id in sorted(clock.new_id() for _ in range(count)):
        digits = generation_id[::-1]
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        token = signing.webhook_token(key, comfydeploy.NAME, generation_id, 1)
        yield Run(generation_id, RunId("-".join(parts)), token)


def _documents(made: list[Run], first_chat: int | None, *, ended: bool) -> Iterator[dict[str, Any]]:
    now = Clock().now()
    record = _record(now, ended=ended).document()
    for index, run in enumerate(made):
        chat = {} if first_chat is None else {"telegramChatId": first_chat + index}
        yield record | {
            "_id": run.id,
            "metadata": record["metadata"] | {"run_id": run.run_id} | chat,
            "runs": [record["runs"][0] | {"runId": run.run_id}],
        }


def _record(now: datetime, *, ended: bool) -> Generation:
    """Return a generation that was submitted and is queued, or has ended since."""
    unknown = RunId("to-be-replaced")
    record = Generation(
        id=GenerationId("0" * 32),
        engine=comfydeploy.NAME,
        created_at=now,
        updated_at=now,
        request_timestamp=now,
        queued_at=now,
        status=RunStatus.QUEUED,
        metadata=Metadata(
            run_id=unknown,
            cost_rate=CostRate(amount=Decimal("0.000337"), unit=RateUnit.SECOND),
            labels={"campaign": "measured"},
        ),
        runs=(EngineRun(attempt=1, run_id=unknown, submitted_at=now),),
        request_payload=Request(
            deployment_id="c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
            inputs={"prompt": "a lighthouse at dusk, oil painting", "seed": 42},
        ),
    )
    if ended:
        report = comfydeploy.report(answer(unknown))
        return runs.ended(record, runs.verdict_of(report), now=now.astimezone(UTC))
    ask = Debt(key=runs.ASK, kind=DebtKind.ASK, next_at=now + timedelta(hours=1))
    return debts.put(record, (ask,))
