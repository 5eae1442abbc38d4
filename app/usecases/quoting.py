"""Say what an order would come to, and what it takes to place it: nothing is stored or moved."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import JsonValue

from app.clock import Clock
from app.errors import (
    DiskFullError,
    EngineOffError,
    NotAllowedError,
    NotFoundError,
    UserBlockedError,
)
from app.ports import Generations, Presets
from app.usecases.money import Money
from app.usecases.own_hooks import HookWanted
from processors import chains, jobs, ledger, presets
from processors.chains import Again, Ordered, Terms, Wanted
from processors.errors import ChainRefusedError
from schemas.base import EngineName, GenerationId
from schemas.job import Job, JobChat, Step
from schemas.ledger import Entry
from schemas.preset import ChainTarget, FixedPrice, Preset
from schemas.user import User

Check = Callable[[User, Preset], Awaitable[None]]
"""Raises a RefusedError where this person may not order this preset now."""
Turns = Callable[[User], Awaitable[int | None]]
"""Returns the turn that an order of this person has to take, None where they have no limits.

Raises a RefusedError where they have ordered as much as they may."""
_ZERO: Final = Decimal(0)


class Order(NamedTuple):
    """What somebody orders.

    Attributes:
        user: Who pays.
        preset: What, by its name; of several steps, that of the first.
        inputs: Values by the names of the preset's inputs.
        chat: Where its end is told; None tells nobody.
        by: Who ordered: ``telegram``, ``api``.
        steps: What, step by step; empty where it is `preset` alone.
        manual: Whether its person is asked after each step whether to go on.
        webhook: Where a program hears of it alone; None for nowhere.
    """

    user: User
    preset: str
    inputs: Mapping[str, JsonValue]
    chat: JobChat | None
    by: str
    steps: tuple[Ordered, ...] = ()
    manual: bool = False
    webhook: HookWanted | None = None


class Quote(NamedTuple):
    """What an order would come to. Amounts in credits.

    Attributes:
        preset: What is ordered; of several steps, the first.
        price: What it is charged, or is expected to be.
        exact: Whether that is the price, not an estimate from the presets' last runs.
        held: What is set aside before the run: the most that it can come to.
        balance: What the person has.
        missing: What they lack; zero where they can order it.
    """

    preset: Preset
    price: Decimal
    exact: bool
    held: Decimal
    balance: Decimal
    missing: Decimal


class Quoted(NamedTuple):
    """A quote, and what it takes to place the order.

    Attributes:
        quote: What it would come to.
        steps: Its steps, as they are agreed on.
        manual: Whether its person is asked after each of them.
        last: The person's last entry as it was.
        turn: The turn that the order has to take.
    """

    quote: Quote
    steps: tuple[Step, ...]
    manual: bool
    last: Entry | None
    turn: int | None


class Quoting:
    """Says what orders would come to.

    Args:
        generations: What runs have cost.
        known: The presets.
        money: Everybody's credits.
        clock: New ids.
        engines: Names of the engines that are on.
        credits_per_usd: How many credits a dollar of cost is.
        limits: How much people may order.
        checks: What else may be in the way, such as pauses.
        disk_full: Whether there is too little disk left to take on anything new.
    """

    def __init__(
        self,
        generations: Generations,
        known: Presets,
        money: Money,
        clock: Clock,
        *,
        engines: Collection[EngineName],
        credits_per_usd: Decimal,
        limits: Turns,
        checks: Sequence[Check],
        disk_full: Callable[[], bool],
    ) -> None:
        self._generations = generations
        self._presets = known
        self._money = money
        self._clock = clock
        self._engines = frozenset(engines)
        self._credits_per_usd = credits_per_usd
        self._checks = tuple(checks)
        self._disk_full = disk_full
        self.limits: Final = limits

    async def of(self, order: Order) -> Quoted:
        """Return what an order would come to.

        Raises:
            NotFoundError: There is no such preset.
            NotAllowedError: It is not for this person, or not active.
            UserBlockedError: They are served no more.
            EngineOffError: An engine is not set up here.
            InputRefusedError: One of the inputs is not what its preset takes.
            ChainRefusedError: The steps do not fit together.
            RefusedError: One of the checks is in the way.
            DiskFullError: Nothing new is taken on.
        """
        ordered = order.steps or (Ordered(order.preset, order.inputs),)
        known = await self._allowed(order.user, [each.preset for each in ordered])
        _check_named(ordered, known)
        target, manual = known[ordered[0].preset].target, order.manual
        alone = len(ordered) == 1 and not ordered[0].bindings and not ordered[0].over
        if isinstance(target, ChainTarget) and alone:
            ordered = chains.expanded(known[ordered[0].preset], target, ordered[0].inputs)
            manual = manual or target.manual
            # Who may order the whole may order its parts.
            known |= await self._known([each.preset for each in ordered])
        self._check_engines([known[each.preset] for each in ordered])
        wanted = [
            Wanted(known[each.preset], each.inputs, each.bindings, each.over) for each in ordered
        ]
        used = {each.preset: known[each.preset] for each in ordered}
        terms = await self._terms(order.user, used)
        ids = [[self._new_id() for _ in range(size)] for size in chains.sizes(wanted)]
        steps = chains.planned(wanted, ids, terms)
        return await self._quoted(order.user, tuple(known.values()), steps, terms, manual=manual)

    async def again(
        self, user: User, job: Job, parts: Sequence[Again], *, limited: bool = True
    ) -> Quoted:
        """Return what it would come to where parts of a job are made again.

        Args:
            user: Who pays.
            job: Whose parts.
            parts: Which, and what they take.
            limited: Whether it counts as an order more.

        Raises:
            NotFoundError: One of the presets is there no more.
            RefusedError: As `of`; so are the others. Who was let order the whole may order its
                parts again.
        """
        if user.blocked:
            raise UserBlockedError
        known = await self._known([each.step.preset for each in parts])
        self._check_engines(tuple(known.values()))
        terms = await self._terms(user, known)
        ids = {each.step.generation: self._new_id() for each in parts}
        steps = tuple(self._again(each, known[each.step.preset], ids, terms) for each in parts)
        used = tuple(known.values())
        return await self._quoted(user, used, steps, terms, manual=job.manual, limited=limited)

    def _again(
        self,
        part: Again,
        preset: Preset,
        ids: Mapping[GenerationId, GenerationId],
        terms: Terms,
    ) -> Step:
        agreed = jobs.step_for(
            preset,
            part.step.inputs,
            ids[part.step.generation],
            user=terms.user,
            estimate_usd=terms.estimates.get(preset.name),
            credits_per_usd=terms.credits_per_usd,
            bound=[each.name for each in preset.inputs if each.key in {*part.fixed, *part.sources}],
        )
        return jobs.with_fixed(agreed, part.fixed).change(
            number=part.number,
            item=part.item,
            sources={
                key: each.change(generation=ids[each.generation])
                for key, each in part.sources.items()
            },
        )

    async def _allowed(self, user: User, names: Sequence[str]) -> dict[str, Preset]:
        """Return presets, if this person may order them."""
        known = await self._known(names)
        if user.blocked:
            raise UserBlockedError
        for number, name in enumerate(names, 1):
            if not presets.allowed(known[name], user.roles):
                raise NotAllowedError(name, _field(number, names))
        return known

    async def _known(self, names: Sequence[str]) -> dict[str, Preset]:
        found = dict[str, Preset]()
        for number, name in enumerate(names, 1):
            preset = found.get(name) or await self._presets.get(name)
            if preset is None:
                raise NotFoundError("preset", _field(number, names))
            found[name] = preset
        return found

    def _check_engines(self, used: Sequence[Preset]) -> None:
        for number, preset in enumerate(used, 1):
            if not isinstance(preset.target, ChainTarget) and preset.engine not in self._engines:
                said = f"its engine, {preset.engine}, is not set up here"
                raise EngineOffError(_field(number, used), said)
        if self._disk_full():
            raise DiskFullError("the disk is nearly full; nothing new is taken on")

    async def _terms(self, user: User, used: Mapping[str, Preset]) -> Terms:
        estimates = {name: await self._estimate(preset) for name, preset in used.items()}
        return Terms(user.id, estimates, self._credits_per_usd)

    async def _estimate(self, preset: Preset) -> Decimal | None:
        if isinstance(preset.target, ChainTarget) or isinstance(preset.price, FixedPrice):
            return None
        costs = await self._generations.last_costs(preset.name, presets.RUNS_LOOKED_AT)
        return presets.estimate(costs)

    async def _quoted(
        self,
        user: User,
        known: tuple[Preset, ...],
        steps: tuple[Step, ...],
        terms: Terms,
        *,
        manual: bool,
        limited: bool = True,
    ) -> Quoted:
        turn = await self.limits(user) if limited else None
        for preset in known:
            for check in self._checks:
                await check(user, preset)
        last = await self._money.last(user.id)
        balance, held = ledger.balance(last), sum((each.held for each in steps), _ZERO)
        quote = Quote(
            preset=known[0],
            price=sum((self._price(each, terms) for each in steps), _ZERO),
            exact=all(isinstance(each.terms.price, FixedPrice) for each in steps),
            held=held,
            balance=balance,
            missing=max(held - balance, _ZERO) if held else _ZERO,
        )
        return Quoted(quote, steps, manual, last, turn)

    def _price(self, step: Step, terms: Terms) -> Decimal:
        estimate = terms.estimates.get(step.preset)
        price = presets.price(step.terms, estimate, self._credits_per_usd)
        return step.held if price is None else price

    def _new_id(self) -> GenerationId:
        return GenerationId(self._clock.new_id())


def _field(number: int, among: Sequence[object]) -> str:
    """Name the preset of a step."""
    return f"steps.{number}.preset" if len(among) > 1 else "preset"


def _check_named(ordered: Sequence[Ordered], known: Mapping[str, Preset]) -> None:
    """Refuse a step that is run by another engine than somebody takes it to be."""
    for number, each in enumerate(ordered, 1):
        engine = known[each.preset].engine
        if each.engine not in {None, engine}:
            raise ChainRefusedError(f"steps.{number}.engine", f"{each.preset} is run by {engine}")
