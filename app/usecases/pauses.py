"""Refuse orders for what an operator has paused, or what has cost as much today as it may.

Only new orders are refused: what runs goes on. A pause holds everywhere with the next order,
since controls are read for each. What was spent is added up at most once in `FRESH` and
process, and what still runs counts as what it is expected to cost. So a cap may be passed by
what is ordered within `FRESH`, by what runs cost beyond the usual, and by what has no usual cost:
the first runs of a preset, those that programs order, and those without a `costRate`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from app.clock import Clock
from app.errors import PausedError
from app.ports import Alerts, Controls, Generations, Spent
from processors import presets
from schemas.base import EngineName, plain
from schemas.control import Control, Subject
from schemas.preset import Preset
from schemas.user import User

FRESH: Final = timedelta(seconds=5)
"""How old what was spent may be."""
DAY: Final = timedelta(days=1)


class Spending:
    """What today's orders have cost us; the day begins at midnight, UTC."""

    def __init__(self, generations: Generations, clock: Clock) -> None:
        self._generations = generations
        self._clock = clock
        self._known: Mapping[str, Decimal] = {}
        self._day: datetime | None = None
        self._until: datetime | None = None
        self._expected: Mapping[str, Decimal] = {}
        self._expected_until: datetime | None = None

    async def today(self) -> Mapping[str, Decimal]:
        """Return what was spent, in USD, by the keys of subjects; nothing is left out.

        By the day on which it was ordered: a run over midnight counts for the day before.
        """
        now, day = self._clock.now(), midnight(self._clock.now())
        if day == self._day and self._until is not None and now < self._until:
            return self._known
        # Before the question: whoever comes meanwhile takes what is known, and does not ask too.
        self._until = now + FRESH
        try:
            found = await self._generations.spent(day)
        except BaseException:
            self._until = None
            raise
        self._known, self._day = _by_subject(found), day
        return self._known

    async def expected(self) -> Mapping[str, Decimal]:
        """Return what the runs of jobs that have not ended will cost, in USD, as `today`.

        Each counts what runs of its preset usually cost, or nothing while nobody knows that.
        """
        now = self._clock.now()
        if self._expected_until is not None and now < self._expected_until:
            return self._expected
        self._expected_until = now + FRESH
        try:
            running = await self._generations.running()
            usual = {each: await self._usual(each) for each in {each.preset for each in running}}
        except BaseException:
            self._expected_until = None
            raise
        self._expected = _by_subject(
            Spent(each.engine, each.preset, each.number * usual[each.preset]) for each in running
        )
        return self._expected

    async def _usual(self, preset: str) -> Decimal:
        costs = await self._generations.last_costs(preset, presets.RUNS_LOOKED_AT)
        return presets.estimate(costs) or Decimal(0)


class Pauses:
    """What is asked before an order is taken.

    Args:
        controls: What is paused, and what is capped.
        spending: What was spent.
        clock: The time.
        alerts: Told once a day and process of each cap that refuses an order.
    """

    def __init__(
        self, controls: Controls, spending: Spending, *, clock: Clock, alerts: Alerts
    ) -> None:
        self._controls = controls
        self._spending = spending
        self._clock = clock
        self._alerts = alerts
        self._told = set[tuple[str, datetime]]()

    async def __call__(self, user: User, preset: Preset) -> None:
        """Let an order of a preset pass, whoever orders.

        Raises:
            PausedError: The engine or the preset is paused, or has reached its cap.
        """
        del user
        await self._check(Subject("engine", preset.engine), Subject("preset", preset.name))

    async def engine(self, engine: EngineName) -> None:
        """Let an order that names an engine and no preset pass.

        Raises:
            PausedError: The engine is paused, or has reached its cap.
        """
        await self._check(Subject("engine", engine))

    async def _check(self, *subjects: Subject) -> None:
        found = {each.id: each for each in await self._controls.of(subjects)}
        standing = [(each, found[each.key]) for each in subjects if each.key in found]
        for subject, control in standing:
            if control.paused:
                raise PausedError(subject.kind, subject.name, control.reason)
        for subject, control in standing:
            if control.daily_cap_usd is not None:
                await self._check_cap(subject, control, control.daily_cap_usd)

    async def _check_cap(self, subject: Subject, control: Control, cap: Decimal) -> None:
        spent = (await self._spending.today()).get(control.id, Decimal(0))
        if spent < cap:
            expected = (await self._spending.expected()).get(control.id, Decimal(0))
            if spent + expected < cap:
                return
            # There may be room again once it is known what they have cost.
            raise PausedError("spend", subject.name)
        now = self._clock.now()
        day = midnight(now)
        if (control.id, day) not in self._told:
            self._told = {each for each in self._told if each[1] == day} | {(control.id, day)}
            self._alerts.alert(
                "spend_cap",
                f"{subject.kind} {subject.name} has cost {plain(spent)} USD today, and its cap is "
                f"{plain(cap)}: orders are refused until midnight (UTC)",
            )
        raise PausedError("spend", subject.name, retry_after=day + DAY - now)


def _by_subject(spent: Iterable[Spent]) -> Mapping[str, Decimal]:
    sums = dict[str, Decimal]()
    for each in spent:
        subjects = [Subject("engine", each.engine)]
        subjects += [Subject("preset", each.preset)] if each.preset is not None else []
        for subject in subjects:
            sums[subject.key] = sums.get(subject.key, Decimal(0)) + each.usd
    return sums


def midnight(now: datetime) -> datetime:
    """Return when the day began, in UTC."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
