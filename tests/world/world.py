"""A simulated world: two processes, one store, an engine, a messenger, and plenty of bad luck."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from app.errors import ConflictError
from app.usecases.quoting import Order
from processors.chains import Ordered
from processors.errors import ChainRefusedError, InsufficientCreditsError, NoLineError
from processors.protocols import comfydeploy
from schemas.base import GenerationId, InstanceName
from schemas.debt import Owing
from schemas.job import JobChat, JobId
from schemas.preset import Binding
from schemas.run import Batch, Delivery
from schemas.timing import Timing
from schemas.wire.api import NewGeneration
from tests.builders import A10G, NOON
from tests.fakes.clock import LoopClock
from tests.world.chats import Telegram
from tests.world.cloud import NAME, OTHER, Cloud
from tests.world.loop import VirtualLoop
from tests.world.plans import Forgery, Interruption, Life, Plan, Purchase, Shape, Word, scheduled
from tests.world.process import Process, vouched
from tests.world.shop import HELD, PEOPLE, Kept
from tests.world.watch import Watched, WatchedJobs

TIMING: Final = Timing(progress_every=timedelta())
"""The real limits; only progress is not spaced, since that goes by the real clock."""
PATIENCE: Final = timedelta(days=12).total_seconds()
"""Virtual seconds in which every world must have come to rest."""
PARTS: Final = 4
"""The most that a purchase consists of."""
MINDED: Final = 30.0
"""Seconds between two looks of a person at their job."""
ENGINE_TRIES: Final = (0.0, 0.6, 1.2)
"""Seconds before each try at a webhook: ComfyDeploy gives up within two."""


class SimulatedWorld:
    """Runs a plan to its end; see `tests.world.process.World` for what processes use.

    Attributes:
        accepted: Every delivery that was answered with 200.
        interruptions: For each process, from when to when it was out of its senses.
        ordered: The generations, in the order of the plan; None where nobody could order.
        kept: What the database holds of jobs and credits.
        bought: The job of each purchase by its number, as it was answered last; None where it
            was refused.
        answers: Every job that a purchase was ever answered with.
        retried: The same of the ordering again of a step, by the job that it was of.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.timing = TIMING
        self.clock = LoopClock()
        self.batches: dict[str, Batch] = {}
        self.files: dict[str, bytes] = {}
        self.records = Watched(self.clock.now, self._wake, self.files)
        self.cloud = Cloud(plan, self.clock, self._spawn, self._called_back)
        self.telegram = Telegram(plan, self.clock)
        self.accepted: list[Delivery] = []
        self.interruptions: dict[InstanceName, list[tuple[datetime, datetime]]] = {}
        self.ordered: list[GenerationId] = []
        self.jobs = WatchedJobs(self.clock.now, self._wake)
        self.kept = Kept(self.jobs, [])
        self.bought: dict[int, JobId | None] = {}
        self.answers: dict[int, set[JobId]] = {}
        self.retried: dict[JobId, set[JobId]] = {}
        self._points = 0
        self._schedule = scheduled(plan.interruptions)
        self._down_until = -1.0
        self._busy = 0
        self._due = asyncio.Event()
        self._processes: dict[InstanceName, Process] = {}
        self._group = asyncio.TaskGroup()
        self._turn = 0

    async def run(self) -> None:
        """Let everything happen, then wait until nothing more does."""
        async with self._group:
            lives = [self._group.create_task(self._lives(InstanceName(each))) for each in "ab"]
            plans: list[Coroutine[Any, Any, None]] = []
            plans += [self._ordering(index) for index in range(len(self.plan.orders))]
            plans += [self._cancelling(at, index) for at, index in self.plan.cancels]
            plans += [self._forging(each) for each in self.plan.forgeries]
            plans += self._trading()
            for each in plans:
                self._spawn(each)
            await self._rested()
            for each in lives:
                each.cancel()

    def befalls(self) -> Interruption | None:
        """See tests.world.process.World."""
        self._points += 1
        return self._schedule.get(self._points)

    def outage(self, seconds: float) -> None:
        """See tests.world.process.World."""
        now = asyncio.get_running_loop().time()
        self._down_until = now + seconds
        for name in self._processes:
            self.interrupted(name, self._down_until)

    def store_is_down(self) -> bool:
        """See tests.world.process.World."""
        return asyncio.get_running_loop().time() < self._down_until

    def interrupted(self, name: InstanceName, until: float) -> None:
        """See tests.world.process.World."""
        span = (self.clock.now(), NOON + timedelta(seconds=until))
        self.interruptions.setdefault(name, []).append(span)

    async def something_due(self) -> None:
        """See tests.world.process.World: at least a second later, or when a debt falls due."""
        await asyncio.sleep(TIMING.sweep_every.total_seconds())
        try:
            async with asyncio.timeout(self._until_due()):
                await self._due.wait()
        except TimeoutError:
            return

    def _until_due(self) -> float:
        if any(not each.applied for each in self.batches.values()):
            return 0.0
        due = min((each.due_at for each in self._owing() if each.due_at), default=None)
        seconds = (due - self.clock.now()).total_seconds() if due else 3600.0
        self._due.clear()
        return min(max(seconds, 0.0), 3600.0)

    def _wake(self) -> None:
        self._due.set()

    def _spawn(self, each: Coroutine[Any, Any, None]) -> None:
        self._busy += 1
        self._group.create_task(self._counted(each))

    async def _counted(self, each: Coroutine[Any, Any, None]) -> None:
        try:
            await each
        finally:
            self._busy -= 1

    async def _lives(self, name: InstanceName) -> None:
        """Start a process, and start it again after each crash."""
        while True:
            process = self._processes[name] = Process(self, name)
            async with asyncio.TaskGroup() as group:
                living = group.create_task(process.run())
                await process.crashed.wait()
                living.cancel()
            now = asyncio.get_running_loop().time()
            self.interrupted(name, now + process.downtime)
            await asyncio.sleep(process.downtime)

    async def _rested(self) -> None:
        """Return when everything that was to happen has happened and nothing is owed."""
        loop = asyncio.get_running_loop()
        while self._busy or not self._quiet():
            assert loop.time() < PATIENCE, f"no rest: {list(self._owing())}"
            await asyncio.sleep(60)

    def _quiet(self) -> bool:
        return all(each.applied for each in self.batches.values()) and all(
            each.due_at is None for each in self._owing()
        )

    def _owing(self) -> Iterator[Owing]:
        yield from self.records.values()
        yield from self.jobs.values()

    def _somebody(self) -> Process | None:
        """Return one process after the other."""
        self._turn += 1
        known = list(self._processes.values())
        return known[self._turn % len(known)] if known else None

    async def _ordering(self, index: int) -> None:
        """Order one generation, again and again under the same key until it is taken."""
        at, life = self.plan.orders[index]
        await asyncio.sleep(at)
        order = NewGeneration.model_validate(
            {
                "engine": NAME,
                "deployment_id": "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
                "inputs": {"prompt": f"lighthouse {index}"},
                "metadata": {
                    "telegramChatId": index + 1,
                    "costRate": A10G,
                },
            }
        )

        async def create(process: Process) -> None:
            made, _ = await process.desk.create(order, key=f"order {index}", digest="same")
            self.cloud.lives.setdefault(made.id, life)
            if made.id not in self.ordered:
                self.ordered.append(made.id)

        process = self._somebody()
        while process is None or not await process.served(create):
            await asyncio.sleep(3)
            process = self._somebody()

    async def _cancelling(self, at: float, index: int) -> None:
        await asyncio.sleep(at)
        process = self._somebody()
        if process is not None and index < len(self.ordered):
            wanted = self.ordered[index]

            async def cancel(process: Process) -> None:
                await process.desk.cancel(wanted)

            await process.served(cancel)

    async def _forging(self, forgery: Forgery) -> None:
        """Say something that is not so, with a generation's true token."""
        await asyncio.sleep(forgery.at)
        if forgery.order >= len(self.ordered):
            return
        generation = self.ordered[forgery.order]
        true = [run.run_id for run in self.cloud.runs.values() if run.generation == generation]
        run_id = true[0] if true and forgery.true_run else "run-of-a-stranger"
        raw = f'{{"run_id": "{run_id}", "status": "{forgery.status}"}}'.encode()
        await self._called_back(generation, raw)

    def _trading(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield everything that people and administrators do about credits."""
        plan = self.plan
        for number, purchase in enumerate(plan.purchases):
            for part in range(PARTS):
                self.cloud.promised[prompt(number, part)] = purchase.life_of(part)
            yield self._shopping(number, purchase)
            if purchase.again is not None:
                yield self._buying(number, purchase.at + purchase.again)
        if plan.purchases:
            firsts = enumerate((*((0.0, each) for each in range(len(PEOPLE))), *plan.grants))
            yield from (self._granting(number, *each) for number, each in firsts)
        yield from (self._withdrawing(*each) for each in plan.withdrawals)
        yield from (self._refunding(*each) for each in plan.refunds)

    async def _insisted(self, request: Callable[[Process], Coroutine[Any, Any, None]]) -> None:
        """Make a request again and again until it is answered."""
        process = self._somebody()
        while process is None or not await process.served(request):
            await asyncio.sleep(3)
            process = self._somebody()

    async def _buying(self, number: int, at: float) -> None:
        """Order for credits, again and again under the same key until there is an answer."""
        await asyncio.sleep(at)
        purchase = self.plan.purchases[number]
        order = Order(
            user=PEOPLE[purchase.person],
            preset=purchase.preset,
            inputs={"prompt": prompt(number)},
            steps=shaped(purchase.shape, number),
            manual=purchase.words is not None,
            chat=JobChat(telegram_chat_id=number + 1) if purchase.chat else None,
            by="api",
        )

        async def place(process: Process) -> None:
            try:
                job, _ = await process.shop.orders.place(order, key=prompt(number), digest="same")
            except InsufficientCreditsError:
                self.bought.setdefault(number, None)
            else:
                self.bought[number] = job.id
                self.answers.setdefault(number, set()).add(job.id)

        await self._insisted(place)

    async def _shopping(self, number: int, purchase: Purchase) -> None:
        """Buy something, and mind it where there is anything to mind."""
        await self._buying(number, purchase.at)
        if purchase.shape != "one":
            await self._minding(number)

    async def _minding(self, number: int) -> None:
        """Answer each time a job asks its person, and order a step again once it has ended."""
        purchase, job = self.plan.purchases[number], self.bought[number]
        words = list(purchase.words or ())
        retries = [] if purchase.retry is None else [purchase.retry]
        while job is not None:
            after = await self._minded(job, words)
            if after is None and retries:
                after = await self._retrying(job, retries.pop())
            job = after

    async def _minded(self, job: JobId, words: list[Word]) -> JobId | None:
        """Mind a job to its end; return the one that goes on from it, if it is ordered before."""
        asked = 0
        while not self.jobs[job].ended:
            await asyncio.sleep(MINDED)
            pause = self.jobs[job].pause
            if pause is None or pause.step == asked:
                continue
            asked, word = pause.step, words.pop(0) if words else "go_on"
            after = await self._retrying(job, asked) if word == "again" else None
            if after is not None:
                return after
            await self._saying(job, asked, word)
        return None

    async def _saying(self, job: JobId, step: int, word: Word) -> None:
        """Say whether a job goes on."""

        async def say(process: Process) -> None:
            with suppress(ConflictError):
                if word == "stop":
                    await process.shop.orders.cancel(job, reason="stopped")
                elif word != "silence":
                    await process.shop.orders.go_on(job, step)

        for _ in range(2 if word == "twice" else 1):
            await self._insisted(say)

    async def _retrying(self, job: JobId, step: int) -> JobId | None:
        """Order a step of a job again; from now on all goes well with it."""
        made = self.retried.setdefault(job, set())
        for each in self.jobs[job].steps:
            self.cloud.promised[each.inputs["prompt"]] = Life()

        async def retry(process: Process) -> None:
            orders = process.shop.orders
            with suppress(ConflictError, ChainRefusedError, InsufficientCreditsError):
                new, _ = await orders.retry(job, step, key=f"retry {job}", digest="same")
                made.add(new.id)

        await self._insisted(retry)
        return next(iter(made), None)

    async def _granting(self, number: int, at: float, who: int) -> None:
        """Give somebody the credits for one order and a half."""
        await asyncio.sleep(at)

        async def grant(process: Process) -> None:
            amount = HELD * Decimal(self.plan.given)
            await process.shop.money.grant(
                PEOPLE[who].id, amount, key=f"grant:{number}", by="cli:eve"
            )

        await self._insisted(grant)

    async def _withdrawing(self, at: float, number: int) -> None:
        await asyncio.sleep(at)
        job = self.bought.get(number)
        if job is None:
            return

        async def cancel(process: Process) -> None:
            await process.shop.orders.cancel(job)

        await self._insisted(cancel)

    async def _refunding(self, at: float, number: int) -> None:
        await asyncio.sleep(at)
        job = self.bought.get(number)
        if job is None:
            return

        async def refund(process: Process) -> None:
            with suppress(NoLineError):
                await process.shop.orders.refund(job, amount=None, by="cli:eve", reason="bad")

        await self._insisted(refund)

    async def _called_back(self, generation: GenerationId, raw: bytes, attempt: int = 1) -> None:
        """Bring a webhook to whichever process takes it; give up as soon as ComfyDeploy does."""
        for pause in ENGINE_TRIES:
            await asyncio.sleep(pause)
            process = self._somebody()
            at = self.clock.now()
            engine = self.records[generation].engine
            delivery = Delivery(
                generation=generation, attempt=attempt, engine=engine, at=at, raw=raw
            )
            if process is not None and await process.served(partial(_accept, delivery)):
                self.accepted.append(delivery)
                return


def prompt(number: int, part: int = 0) -> str:
    """Return what a part of a purchase asks for; of the first, the key that it is made under."""
    return f"purchase {number}.{part}" if part else f"purchase {number}"


def shaped(shape: Shape, number: int) -> tuple[Ordered, ...]:
    """Return the steps that a purchase consists of; none of one that is a single run."""
    first, second, third, last = (prompt(number, part) for part in range(PARTS))
    one, two = Binding(step=1), Binding(step=2)
    fan = Ordered("paint", {}, over={"prompt": (first, second)})
    begin = Ordered("paint", {"prompt": first})
    both = {"photo": Binding(step=1, item=1), "second": Binding(step=1, item=2)}
    shapes: Mapping[Shape, tuple[Ordered, ...]] = {
        "line": (
            begin,
            Ordered("dress", {"prompt": second}, {"photo": one}),
            Ordered("paint", {"prompt": third}, {"photo": two}),
        ),
        "fan": (
            fan,
            Ordered("join", {"prompt": third}, both),
            Ordered("dress", {"prompt": last}, {"photo": two}),
        ),
        "each": (fan, Ordered("dress", {}, {"photo": one}, {"prompt": (third, last)})),
        "apart": (
            begin,
            Ordered("dress", {"prompt": second}, {"photo": one}),
            Ordered("paint", {"prompt": third}, {"photo": one}),
        ),
    }
    return shapes.get(shape, ())


async def _accept(delivery: Delivery, process: Process) -> None:
    event = vouched(delivery) if delivery.engine == OTHER else comfydeploy.receive(delivery)
    await process.accept(delivery, event)


def lived(plan: Plan) -> SimulatedWorld:
    """Run a plan to its end in virtual time, and return what is left."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_lived(plan))


async def _lived(plan: Plan) -> SimulatedWorld:
    world = SimulatedWorld(plan)
    await world.run()
    return world
