"""The totals of hours, in memory."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from schemas.generation import Generation
from schemas.totals import Ended, HourTotals
from tests.fakes.gates import Gate, ajar
from tests.fakes.generations import FakeGenerations


class FakeTotals:
    """See app.ports.Totals.

    Attributes:
        hours: What was kept, by the beginning of its hour.
        added: The beginnings of the times that were added up, in order.
    """

    def __init__(self, generations: FakeGenerations, gate: Gate = ajar) -> None:
        self.hours: dict[datetime, HourTotals] = {}
        self.added: list[datetime] = []
        self._generations = generations
        self.gate = gate

    async def ended(self, since: datetime, until: datetime) -> tuple[Ended, ...]:
        """See app.ports.Totals."""
        await self.gate()
        self.added.append(since)
        over = [
            each
            for each in self._generations.records.values()
            if each.ended
            and each.response_timestamp is not None
            and since <= each.response_timestamp < until
        ]
        over.sort(key=lambda each: tuple(map(str, _by(each))))
        return tuple(_ended(list(alike)) for _, alike in groupby(over, key=_by))

    async def kept(self, since: datetime, until: datetime) -> tuple[HourTotals, ...]:
        """See app.ports.Totals."""
        await self.gate()
        return tuple(each for start, each in sorted(self.hours.items()) if since <= start < until)

    async def keep(self, many: Sequence[HourTotals]) -> None:
        """See app.ports.Totals."""
        await self.gate()
        for each in many:
            before = self.hours.get(each.start)
            if before is None or before.at <= each.at:
                self.hours[each.start] = each


def _by(each: Generation) -> tuple[str, str, str | None]:
    return each.status, each.engine, each.metadata.preset


def _ended(alike: Sequence[Generation]) -> Ended:
    one = alike[0]
    costs = [each.cost_usd for each in alike]
    costs += [run.cost_usd for each in alike for run in each.runs]
    return Ended(
        one.status,
        one.engine,
        one.metadata.preset,
        len(alike),
        sum((each for each in costs if each is not None), Decimal(0)),
        sum(each.cost_usd is None for each in alike),
        tuple(each.duration_seconds for each in alike if each.duration_seconds is not None),
        tuple(
            (each.started_at - each.request_timestamp).total_seconds()
            for each in alike
            if each.started_at is not None
        ),
    )
