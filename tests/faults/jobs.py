"""People who order jobs, and what is to be seen of those."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Final, NamedTuple

from app.bootstrap import Store
from app.clock import Clock
from app.ports import PresetWrite
from processors import ledger
from schemas.base import UserId
from schemas.job import Job, JobId, JobStatus
from tests.app.cli.accounts import opened
from tests.builders import a_preset, a_user, an_entry, none_odd
from tests.peers import Json
from tests.service import API_KEY, Service, until

HAD: Final = Decimal(10)
"""Credits that somebody has."""
PRICE: Final = Decimal(5)
"""What an order costs."""


class Order(NamedTuple):
    """Somebody with credits for two orders, and what they order."""

    user: UserId
    chat: int
    preset: str


@asynccontextmanager
async def a_shop(uri: str, database: str) -> AsyncGenerator[Store]:
    """Open what a service keeps; its presets make runs that end by themselves, and that do not."""
    async with opened({"MONGODB_DATABASE": database, "MONGODB_URI": uri}) as kept:
        quick = a_preset("quick")
        held = a_preset("held", constants={"sandbox_end": "none"})
        await kept.presets.write([PresetWrite(None, quick), PresetWrite(None, held)])
        yield kept


async def somebody(store: Store, chat: int, preset: str) -> Order:
    """Store somebody with credits."""
    user = UserId(Clock().new_id())
    assert await store.users.insert(a_user(id=user, telegram_id=chat))
    assert await store.ledger.insert(an_entry(user=user, amount=HAD, balance=HAD))
    return Order(user, chat, preset)


async def ordered(service: Service, order: Order) -> JobId:
    """Order under a key of the person's; return the job."""
    body: Json = {
        "user": order.user,
        "preset": order.preset,
        "inputs": {"prompt": "a lighthouse at dusk"},
        "notify": {"telegramChatId": order.chat},
    }
    answer = await service.client.post(
        f"{service.url}/api/jobs/create",
        json=body,
        headers={"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key_of(order)},
    )
    return JobId(answer.raise_for_status().json()["id"])


def key_of(order: Order) -> str:
    """Return the key that they order under."""
    return f"order-{order.user}"


async def paid_once(store: Store, job_id: JobId, order: Order) -> None:
    """See that a job has ended, was paid for once, told, and that nothing is held."""

    async def look() -> Job:
        job = await store.jobs.get(job_id)
        assert job is not None
        return job

    job = await until(look, lambda it: it.ended and not it.owed)
    assert (job.status, job.price) == (JobStatus.COMPLETED, PRICE)
    made = await store.generations.get(job.steps[0].generation)
    assert made is not None
    assert (made.job_id, made.price) == (job.id, PRICE)
    audit = ledger.check([each async for each in store.ledger.entries(order.user, odd=none_odd)])
    assert (audit.flaws, audit.open, audit.balance) == ((), (), HAD - PRICE)
