"""Jobs of several steps on Replicate's stand-in, and what is to be seen of them afterwards."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.bootstrap import Store
from app.clock import Clock
from app.ports import PresetWrite
from processors import ledger
from schemas.base import UserId
from schemas.job import Job, JobId
from schemas.preset import FixedPrice, ImageInput, NumberInput, Preset, ReplicateTarget, TextInput
from tests.app.cli.accounts import opened
from tests.builders import a_preset, a_user, an_entry, none_odd, titled
from tests.peers import Json, Peers
from tests.service import Service, until

HAD: Final = Decimal(200)
"""Credits that somebody has."""
PRICE: Final = Decimal(1)
"""What each run costs."""
ALTER: Final = "alter"
"""A preset that makes a picture, of another one where it is given one."""
_TEXTS: Final = ("prompt", "sandbox_end", "sandbox_create")
_NUMBERS: Final = ("sandbox_seconds", "sandbox_kept")


def alter() -> Preset:
    """Return the preset: a model of Replicate's that does what its inputs tell the stand-in."""
    return a_preset(
        ALTER,
        *(TextInput(name=each, titles=titled(each), type="text") for each in _TEXTS),
        *(NumberInput(name=each, titles=titled(each), type="number") for each in _NUMBERS),
        ImageInput(name="photo", titles=titled("Photo"), type="image", to="image"),
        target=ReplicateTarget(engine="replicate", model="acme/alter"),
        price=FixedPrice(kind="fixed", credits=PRICE),
    )


def a_step(of: int | None = None, **inputs: object) -> Json:
    """Return a step as it is ordered: of a prompt, or of the picture of an earlier one."""
    usual: Json = {"sandbox_seconds": 0}
    if of is None:
        return {"preset": ALTER, "inputs": usual | {"prompt": "a lighthouse"} | inputs}
    return {"preset": ALTER, "inputs": usual | inputs, "bindings": {"photo": {"step": of}}}


def a_line(count: int) -> list[Json]:
    """Return steps of which each takes what the one before it has made."""
    return [a_step(), *(a_step(of) for of in range(1, count))]


@dataclass(frozen=True)
class Tailor:
    """Takes orders of several steps.

    Attributes:
        service: Who carries them out.
        store: What it keeps.
        peers: The stand-ins.
    """

    service: Service
    store: Store
    peers: Peers

    async def order(self, chat: int, steps: Sequence[Json], *, manual: bool = False) -> Job:
        """Order for somebody new, who has credits."""
        user = UserId(Clock().new_id())
        assert await self.store.users.insert(a_user(id=user, telegram_id=chat))
        assert await self.store.ledger.insert(an_entry(user=user, amount=HAD, balance=HAD))
        body: Json = {
            "user": user,
            "steps": list(steps),
            "manual": manual,
            "notify": {"telegramChatId": chat},
        }
        answer = await self.service.call("POST", "/api/jobs/create", body)
        return await self.job(answer.raise_for_status().json()["id"])

    async def job(self, job_id: str) -> Job:
        """Return a job as it is stored."""
        job = await self.store.jobs.get(JobId(job_id))
        assert job is not None
        return job

    async def settled(self, job: Job) -> Job:
        """Wait until a job has ended, and everybody is told and paid; return it."""
        return await until(lambda: self.job(job.id), lambda it: it.ended and not it.owed)

    async def sent(self, job: Job) -> list[list[Json]]:
        """Return the predictions that were made for each generation of a job."""
        told: list[Json] = await self.peers.look("replicate/predictions")
        return [
            [each for each in told if step.generation in (each["webhook"] or "")]
            for step in job.steps
        ]

    async def predictions(self, job: Job, step: int, count: int = 1) -> list[Json]:
        """Wait until so many predictions were made for a step of one item; return them."""

        async def look() -> list[Json]:
            return (await self.sent(job))[step - 1]

        return await until(look, lambda found: len(found) == count)

    async def statuses(self, job: Job) -> list[str]:
        """Return the statuses of a job's generations."""
        return [each["status"] for each in await self.records(job)]

    async def records(self, job: Job) -> list[Json]:
        """Return a job's generations, as the API tells of them."""
        return [await self.service.get(each.generation) for each in job.steps]

    async def paid(self, job: Job, runs: int) -> Job:
        """See that a job comes to the price of so many runs, each taken once, and nothing held."""
        job = await self.settled(job)
        entries = [each async for each in self.store.ledger.entries(job.user_id, odd=none_odd)]
        audit = ledger.check(entries)
        assert (audit.flaws, audit.open, audit.balance) == ((), (), HAD - PRICE * runs)
        return job


@asynccontextmanager
async def a_tailor(
    service: Service, peers: Peers, uri: str, database: str
) -> AsyncGenerator[Tailor]:
    """Have a service take orders of several steps."""
    named = {"MONGODB_DATABASE": database, "MONGODB_URI": uri}
    async with opened(named) as store:
        await store.presets.write([PresetWrite(None, alter())])
        yield Tailor(service, store, peers)
