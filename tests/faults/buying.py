"""People with credits who order runs at ComfyUI servers, and what becomes of their money."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any, Final, NamedTuple

from app.bootstrap import Store
from app.clock import Clock
from app.ports import PresetWrite
from processors import ledger
from processors.protocols import comfyui
from schemas.base import UserId
from schemas.job import Job, JobId
from schemas.preset import WorkflowTarget
from tests.app.cli.accounts import opened
from tests.builders import a_preset, a_prompt, a_user, an_entry, none_odd
from tests.faults.farm import GRAPH, MARK, Farm, Order
from tests.peers import Json
from tests.service import until

HAD: Final = Decimal(10)
PRICE: Final = Decimal(5)
_NAMES: Final = count(1)
_CHATS: Final = count(950_001)


class Bought(NamedTuple):
    """A job of one run that somebody has ordered."""

    user: UserId
    job: JobId
    order: Order


@dataclass(frozen=True)
class Shop:
    """What people order, and with what."""

    farm: Farm
    store: Store

    async def buy(self, graph: Json | None = None, **fields: Any) -> Bought:  # noqa: ANN401 - any field of the preset
        """Have somebody with credits for two orders order a run.

        Args:
            graph: What is run.
            fields: Of the preset, such as `max_attempts`.
        """
        preset, chat = f"farm_{next(_NAMES)}", next(_CHATS)
        digest, raw = comfyui.stored(_encoded(graph or GRAPH))
        await self.store.workflows.put(digest, raw)
        target = WorkflowTarget(engine="comfyui", workflow=digest)
        given = a_prompt(to=MARK)
        await self.store.presets.write(
            [PresetWrite(None, a_preset(preset, given, target=target, **fields))]
        )
        user = UserId(Clock().new_id())
        assert await self.store.users.insert(a_user(id=user, telegram_id=chat))
        assert await self.store.ledger.insert(an_entry(user=user, amount=HAD, balance=HAD))
        mark = f"m{chat}"
        answer = await self.farm.service.call(
            "POST",
            "/api/jobs/create",
            {
                "user": user,
                "preset": preset,
                "inputs": {"prompt": mark},
                "notify": {"telegramChatId": chat},
            },
        )
        job = JobId(answer.raise_for_status().json()["id"])
        made = await until(lambda: self._job(job), lambda it: it.steps[0].generation)
        await until(
            lambda: self.store.generations.get(made.steps[0].generation), lambda it: it is not None
        )
        return Bought(user, job, Order(made.steps[0].generation, chat, mark))

    async def cancel(self, bought: Bought) -> None:
        """Want a job cancelled."""
        answer = await self.farm.service.call("POST", f"/api/jobs/{bought.job}/cancel")
        answer.raise_for_status()

    async def settled(self, bought: Bought, *, paid: Decimal) -> Job:
        """See that a job has ended, was paid for with so much, and told once; return it."""
        job = await until(lambda: self._job(bought.job), lambda it: it.ended and not it.owed)
        lines = [each async for each in self.store.ledger.entries(bought.user, odd=none_odd)]
        audit = ledger.check(lines)
        assert (audit.flaws, audit.open, audit.balance) == ((), (), HAD - paid)
        assert len(await self.farm.witness.ends(bought.order.chat)) == 1
        return job

    async def _job(self, job_id: JobId) -> Job:
        job = await self.store.jobs.get(job_id)
        assert job is not None
        return job


@asynccontextmanager
async def a_shop(farm: Farm, mongodb_uri: str) -> AsyncGenerator[Shop]:
    """Open the farm's database for orders of people."""
    named = {"MONGODB_DATABASE": farm.service.environ["MONGODB_DATABASE"]}
    async with opened({**named, "MONGODB_URI": mongodb_uri}) as store:
        yield Shop(farm, store)


def _encoded(graph: Json) -> bytes:
    return json.dumps(graph).encode()
