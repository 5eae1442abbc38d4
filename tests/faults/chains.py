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
from schemas.preset import (
    FixedPrice,
    ImageInput,
    NamedOutput,
    NumberInput,
    Preset,
    ReplicateTarget,
    TextInput,
)
from schemas.run import OutputKind
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
RETELL: Final = "retell"
"""A preset that says its prompt again."""
ORDINARY: Final[Json] = {
    "auth": None,
    "create": None,
    "files": None,
    "hang": False,
    "kept": 3600.0,
    "rate_creations": 600,
    "resets_in": 30,
    "signed": "right",
    "webhooks_late": 0.0,
    "webhooks_lost": [],
    "webhooks_times": 1,
}
"""How the stand-in behaves when nobody told it otherwise."""
ALL_LOST: Final = ("start", "output", "logs", "completed")
"""With these lost, no webhook comes."""
_TEXTS: Final = ("prompt", "sandbox_end", "sandbox_create")
_NUMBERS: Final = ("sandbox_seconds", "sandbox_kept")


def presets() -> list[Preset]:
    """Return them: models of Replicate's that do what their inputs tell the stand-in."""
    told = (
        *(TextInput(name=each, titles=titled(each), type="text") for each in _TEXTS),
        *(NumberInput(name=each, titles=titled(each), type="number") for each in _NUMBERS),
    )
    photo = ImageInput(name="photo", titles=titled("Photo"), type="image", to="image")
    price = FixedPrice(kind="fixed", credits=PRICE)
    return [
        a_preset(ALTER, *told, photo, target=_model(ALTER), price=price),
        a_preset(
            RETELL,
            *told,
            target=_model(RETELL),
            price=price,
            outputs=(NamedOutput(name="text", type=OutputKind.TEXT),),
            constants={"sandbox_output": "words"},
        ),
    ]


def a_step(of: int | None = None, preset: str = ALTER, **inputs: object) -> Json:
    """Return a step as it is ordered: of a prompt, or of what an earlier one has made."""
    given: Json = {"sandbox_seconds": 0, **inputs}
    if of is None:
        return {"preset": preset, "inputs": {"prompt": "a lighthouse", **given}}
    name, output = ("photo", "image") if preset == ALTER else ("prompt", "text")
    bindings = {name: {"step": of, "output": output}}
    return {"preset": preset, "inputs": given, "bindings": bindings}


def a_line(count: int, preset: str = ALTER) -> list[Json]:
    """Return steps of which each takes what the one before it has made."""
    return [a_step(of or None, preset) for of in range(count)]


def _model(name: str) -> ReplicateTarget:
    return ReplicateTarget(engine="replicate", model=f"acme/{name}")


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

    async def order(self, chat: int, steps: Sequence[Json], **more: object) -> Job:
        """Order for somebody new, who has credits."""
        user = UserId(Clock().new_id())
        assert await self.store.users.insert(a_user(id=user, telegram_id=chat))
        assert await self.store.ledger.insert(an_entry(user=user, amount=HAD, balance=HAD))
        body: Json = {
            "user": user,
            "steps": list(steps),
            "notify": {"telegramChatId": chat},
            **more,
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

        async def left() -> tuple[bool, list[str]]:
            now = await self.job(job.id)
            return now.ended, [f"{each.key}: {each.last_error}" for each in now.owed]

        await until(left, lambda it: it == (True, []))
        return await self.job(job.id)

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

    async def end(self, job: Job, step: int, status: str = "succeeded", **how: object) -> Json:
        """End the only prediction of a step once it runs; return it."""
        (prediction,) = await self.predictions(job, step)
        await self.peers.control(f"replicate/predictions/{prediction['id']}", status=status, **how)
        return prediction

    async def told(self, chat: int) -> list[str]:
        """Return the first lines of all that a chat was told, but for its status messages."""
        texts = [
            (each.get("caption") or each.get("text") or "", each)
            for each in await self.peers.chat(chat)
        ]
        return [
            text.partition("\n")[0]
            for text, each in texts
            if each["kind"] != "text" or not (each["edits"] or text.startswith("⏳"))
        ]

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
        await store.presets.write([PresetWrite(None, each) for each in presets()])
        yield Tailor(service, store, peers)
