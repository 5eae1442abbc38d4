"""Explain one generation: everything that is known of it, gathered and put in order."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from app.errors import NotFoundError
from app.ports import Generations, Inbox
from processors import costs
from processors.errors import RefusedBodyError
from schemas.base import EngineName, GenerationId, RunId, plain
from schemas.debt import CHAT, Debt, DebtKind
from schemas.generation import CostRate, Generation
from schemas.run import Batch, Delivery, RunEvent, RunStatus

BEFORE: Final = timedelta(minutes=1)
"""How long before a generation was asked for its first event is looked for."""
AHEAD: Final = timedelta(hours=1)
"""How far ahead of ours the clock of who took an event in may be."""

Receivers = Mapping[EngineName, Callable[[Delivery], RunEvent]]
"""How each engine's raw bodies are translated."""


class Heard(NamedTuple):
    """One event as it came, in our words."""

    delivery: Delivery
    event: RunEvent | None
    """None where it makes no sense to this version."""
    applied: bool


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


class Explain:
    """Gathers what is known of a generation."""

    def __init__(self, generations: Generations, inbox: Inbox, receivers: Receivers) -> None:
        self._generations = generations
        self._inbox = inbox
        self._receivers = receivers

    async def __call__(self, generation_id: GenerationId, now: datetime) -> Explanation:
        """Explain a generation.

        Raises:
            NotFoundError: There is none of this id.
            StoreDownError: The database does not answer.
        """
        generation = await self._generations.get(generation_id)
        if generation is None:
            raise NotFoundError("generation")
        run = generation.metadata.run_id
        # To this day: what comes long after the end is what somebody looks for.
        since, until = generation.created_at - BEFORE, now + AHEAD
        heard = [each async for each in self.heard(since, until, generation_id)]
        moments = [Moment(each.delivery.at, "webhook", words_of(each, run)) for each in heard]
        moments += [*_changes(generation), *_submits(generation), *_debts(generation)]
        return Explanation(
            generation,
            tuple(sorted(moments, key=lambda moment: moment.at)),
            cost_of(generation),
            told_of(generation),
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


def told_of(generation: Generation) -> str:
    """Say who was told the end, as far as the record knows."""
    chat = generation.metadata.telegram_chat_id
    if chat is None:
        return "nobody: the order named no chat"
    debt = next((each for each in generation.owed if each.kind is DebtKind.NOTIFY), None)
    if debt is not None and debt.dead_at is not None:
        return f"chat {chat} could not be told: {debt.last_error or 'given up'}"
    if debt is not None:
        return f"chat {chat} is still to be told" + _tried(debt)
    return f"chat {chat} was told the end" if generation.ended else f"chat {chat}, once it ends"


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
}


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
        text = f"attempt {run.attempt} became run {run.run_id}"
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
