"""Explain a generation or a job: everything that is known of it, gathered and put in order."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from app.errors import NotFoundError
from app.ports import Deliveries, Generations, Inbox, Jobs, Ledger
from processors import costs, ledger
from processors.errors import RefusedBodyError
from schemas import hook
from schemas.base import EngineName, GenerationId, RunId, plain
from schemas.debt import CHAT, Debt, DebtKind
from schemas.generation import CostRate, Generation, Retry
from schemas.job import Job, Told
from schemas.ledger import Entry, EntryKind
from schemas.run import Batch, Delivery, RunEvent, RunStatus

BEFORE: Final = timedelta(minutes=1)
"""How long before a generation was asked for its first event is looked for."""
AHEAD: Final = timedelta(hours=1)
"""How far ahead of ours the clock of who took an event in may be."""

_ZERO: Final = Decimal(0)

Receivers = Mapping[EngineName, Callable[[Delivery], RunEvent]]
"""How each engine's raw bodies are translated."""


class Heard(NamedTuple):
    """One event as it came, in our words."""

    delivery: Delivery
    event: RunEvent | None
    """None where it makes no sense to this version."""
    applied: bool


TOLD_MOST: Final = 50
"""Outgoing webhooks that are shown of one record."""


class Moment(NamedTuple):
    """One thing that happened."""

    at: datetime
    who: str
    """Who did it, or said it: ``api``, ``engine``, ``webhook``, ``us``, ``telegram``."""
    what: str


class Explanation(NamedTuple):
    """Everything that is known of a generation; it holds no webhook's token."""

    generation: Generation
    moments: tuple[Moment, ...]
    """In the order in which it happened."""
    cost: str
    told: str


class Story(NamedTuple):
    """What a job came to, and what happened to its generations.

    Attributes:
        job: None where the generation is of none.
        entries: What it moved in the ledger, in that order.
        pages: Of its generations that are there, or of the one that was asked about.
        made: All its generations that are there; of a job of one step, or none, that one alone.
    """

    job: Job | None
    entries: tuple[Entry, ...]
    pages: tuple[Explanation, ...]
    made: Mapping[GenerationId, Generation]


class Explain:
    """Gathers what is known of generations and jobs."""

    def __init__(
        self,
        generations: Generations,
        jobs: Jobs,
        kept: Ledger,
        inbox: Inbox,
        receivers: Receivers,
        *,
        deliveries: Deliveries,
    ) -> None:
        self._generations = generations
        self._jobs = jobs
        self._ledger = kept
        self._inbox = inbox
        self._receivers = receivers
        self._deliveries = deliveries

    async def __call__(self, named: str, now: datetime) -> Story:
        """Explain a generation, with the job that it is of, or a job with its generations.

        Raises:
            NotFoundError: There is neither of this id.
            StoreDownError: The database does not answer.
        """
        generation = await self._generations.get(GenerationId(named))
        job = await self._jobs.get((generation.job_id or "") if generation else named)
        if generation is None and job is None:
            raise NotFoundError("generation or job")
        alone = generation is not None and (job is None or len(job.steps) == 1)
        made = [generation] if generation and alone else await self._made(job)
        entries = await self._entries(job)
        told = [generation] if generation else made
        pages = [await self._page(each, job, entries, now) for each in told]
        return Story(job, entries, tuple(pages), {each.id: each for each in made})

    async def _made(self, job: Job | None) -> list[Generation]:
        steps = job.steps if job else ()
        found = [await self._generations.get(each.generation) for each in steps]
        return [each for each in found if each is not None]

    async def _entries(self, job: Job | None) -> tuple[Entry, ...]:
        """Return what a job has moved."""
        if job is None:
            return ()
        keys = [ledger.hold_key(job.id)]
        for step in job.steps:
            keys += [ledger.close_key(step.generation), ledger.refund_key(step.generation)]
        found = [await self._ledger.by_key(each) for each in keys]
        return tuple(sorted((each for each in found if each), key=lambda each: each.seq))

    async def _page(
        self, generation: Generation, job: Job | None, entries: Sequence[Entry], now: datetime
    ) -> Explanation:
        generation_id = generation.id
        run = generation.metadata.run_id
        # To this day: what comes long after the end is what somebody looks for.
        since, until = generation.created_at - BEFORE, now + AHEAD
        heard = [each async for each in self.heard(since, until, generation_id)]
        moments = [Moment(each.delivery.at, "webhook", words_of(each, run)) for each in heard]
        moments += [*_changes(generation), *_submits(generation), *_debts(generation)]
        moments += map(_sent, await self._deliveries.of(generation_id, TOLD_MOST))
        if job is not None:
            moments += _of_job(job, entries, generation_id)
            moments += map(_sent, await self._deliveries.of(job.id, TOLD_MOST))
        return Explanation(
            generation,
            tuple(sorted(moments, key=lambda moment: moment.at)),
            cost_of(generation),
            told_of(generation, job),
        )

    async def heard(
        self, since: datetime, until: datetime, generation_id: GenerationId | None = None
    ) -> AsyncIterator[Heard]:
        """Yield what was heard between two times, oldest first, of one generation or of all."""
        async for batch in self._inbox.around(since, until, generation_id):
            for delivery in batch.events:
                if generation_id in {None, delivery.generation}:
                    yield self._translated(batch, delivery)

    def _translated(self, batch: Batch, delivery: Delivery) -> Heard:
        receive = self._receivers.get(delivery.engine)
        try:
            event = receive(delivery) if receive is not None else None
        except RefusedBodyError:
            event = None
        return Heard(delivery, event, batch.applied)


def _sent(delivery: hook.Delivery) -> Moment:
    """Return what an endpoint was told, or is to be told: when that was frozen, or taken."""
    what = f"webhook {delivery.event} to {delivery.endpoint}"
    if delivery.delivered_at is not None:
        return Moment(delivery.delivered_at, "us", f"{what}: taken")
    state = "given up" if delivery.state == "dead" else "waits"
    return Moment(delivery.created_at, "us", f"{what}: {state} after {delivery.attempts} tries")


def words_of(heard: Heard, known: RunId | None = None) -> str:
    """Say what an event said, and of which run unless that is the `known` one."""
    event = heard.event
    if event is None:
        text = "something that makes no sense to this version"
    elif event.run_id is None:
        text = "a sign of life without a body"
    else:
        parts = [event.status.value if event.status else "a status we do not know"]
        if event.progress:
            parts.append(f"{event.progress:.0%}")
        if event.live_status:
            parts.append(f'"{event.live_status}"')
        if event.outputs:
            parts.append(f"{len(event.outputs)} output" + "s" * (len(event.outputs) > 1))
        text = ", ".join(parts) + ("" if event.run_id == known else f" (run {event.run_id})")
    return text if heard.applied else f"{text}, not applied yet"


def cost_of(generation: Generation) -> str:
    """Say how the cost came about, or why it is not known."""
    if generation.cost_usd is None and not generation.ended:
        return "not known before the end"
    rate, seconds = generation.metadata.cost_rate, generation.duration_seconds
    if generation.cost_usd is None:
        return _WHY.get(generation.cost_reason or "", generation.cost_reason or "not known")
    amount = f"{plain(generation.cost_usd)} USD"
    if generation.cost_reason is not None:
        return f"{amount}: {_WHY.get(generation.cost_reason, generation.cost_reason)}"
    return f"{amount} = {_sum(rate, seconds, generation.duration_source)}" if rate else amount


def told_of(generation: Generation, job: Job | None = None) -> str:
    """Say who was told the end, as far as the record knows; that of a job is told by the job."""
    chat = generation.metadata.telegram_chat_id
    if chat is None:
        return "nobody: the order named no chat"
    owed = generation.owed if job is None else job.owed
    debt = next((each for each in owed if each.kind is DebtKind.NOTIFY), None)
    if debt is not None and debt.dead_at is not None:
        return f"chat {chat} could not be told: {debt.last_error or 'given up'}"
    if debt is not None:
        return f"chat {chat} is still to be told" + _tried(debt)
    if job is not None and job.told is not None:
        return f"chat {chat} was told {job.told.status.value}" + _with_files(job.told)
    if job is not None and generation.ended:
        return f"chat {chat}, once it is settled"
    return f"chat {chat} was told the end" if generation.ended else f"chat {chat}, once it ends"


def movement_of(entry: Entry) -> str:
    """Say what an entry moved, and why."""
    match entry.kind:
        case EntryKind.HOLD:
            text = f"{plain(-entry.amount)} credits held"
        case EntryKind.CLOSE:
            captured, returned = entry.captured or _ZERO, entry.returned or _ZERO
            text = f"{plain(captured)} credits captured, {plain(returned)} returned"
        case kind:
            text = f"{kind.value} of {plain(entry.amount)} credits"
    return text + (f": {entry.reason}" if entry.reason else "")


def _with_files(told: Told) -> str:
    return " with files" if told.delivered else ""


_WHY: Final = {
    "not_run": "it never ran, so it cost nothing",
    "no_rate": "not known: the order named no costRate",
    "no_duration": "not known: nobody knows how long it ran",
    "by_hand": "set by hand",
}
_SOURCES: Final = {
    "api": "the order came in",
    "submit": "as the engine took it",
    "webhook": "as a webhook said",
    "engine": "as the engine said when asked",
    "us": "as we decided",
    "job": "its job made it",
    "advance": "what it waited for was there",
    Retry.LOST: "its server has it no more, so it is tried again",
    Retry.GONE: "its server is not reached any more, so it is tried elsewhere",
    Retry.UNTAKEN: "its server did not take it, so it is tried again",
    Retry.FAILED: "it failed as another try may not, so it is tried again",
    Retry.OUTPUTS_GONE: "what it made was gone before it was copied, so it is tried again",
    "server": "as its server said",
}


def _of_job(job: Job, entries: Sequence[Entry], generation: GenerationId) -> Iterator[Moment]:
    """Yield what happened to a job around one of its generations."""
    yield Moment(job.created_at, job.by, f"ordered job {job.id}")
    for entry in entries:
        if entry.kind is EntryKind.HOLD or entry.generation == generation:
            said = f"{movement_of(entry)} (balance {plain(entry.balance)})"
            yield Moment(entry.at, "ledger", said)
    if job.ended_at is not None:
        yield Moment(job.ended_at, "us", f"job -> {job.status.value}")
    for debt in job.owed:
        if debt.dead_at is not None:
            yield Moment(debt.dead_at, "telegram", f"job's {debt.key} given up" + _tried(debt))


def _changes(generation: Generation) -> Iterator[Moment]:
    for index, change in enumerate(generation.history):
        reason = generation.status_reason if index == len(generation.history) - 1 else None
        source = _SOURCES.get(change.source, change.source)
        if change.status is RunStatus.SUBMITTING:
            source = "before it is sent to the engine"
        said = f"-> {change.status.value}: {source}"
        yield Moment(change.at, "us", said + (f" ({reason})" if reason else ""))
    if generation.cancel_wanted_at is not None:
        yield Moment(generation.cancel_wanted_at, "api", "asked to cancel it")
    if generation.claimed_end is not None:
        claimed = generation.claimed_end
        yield Moment(claimed.at, "webhook", f"claims {claimed.status.value}; not confirmed yet")


def _submits(generation: Generation) -> Iterator[Moment]:
    for run in generation.runs:
        at = f" at {run.server}" if run.server else ""
        text = f"attempt {run.attempt} became run {run.run_id}{at}"
        yield Moment(run.submitted_at, generation.engine, text)
    if generation.started_at is not None and generation.duration_source == "engine":
        yield Moment(generation.started_at, generation.engine, "began to execute it")


def _debts(generation: Generation) -> Iterator[Moment]:
    for debt in generation.owed:
        if debt.dead_at is not None:
            who = "telegram" if debt.kind in CHAT else generation.engine
            yield Moment(debt.dead_at, who, f"{debt.key} given up" + _tried(debt))


def _tried(debt: Debt) -> str:
    tries = f" after {debt.attempts} tries" if debt.attempts else ""
    return tries + (f": {debt.last_error}" if debt.last_error else "")


def _sum(rate: CostRate, seconds: float | None, source: str | None) -> str:
    price = f"{plain(rate.amount)} USD/{rate.unit.value}"
    if rate.unit not in costs.SECONDS or seconds is None:
        return price
    by = "the engine's clock" if source == "engine" else "when webhooks arrived"
    return f"{seconds:.3f} s (by {by}) x {price}"
