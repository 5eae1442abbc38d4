"""What every keeper of the totals of hours does."""

from decimal import Decimal
from typing import Any

import pytest

from processors import totals
from schemas.base import GenerationId
from schemas.generation import EngineRun, Generation
from schemas.run import RunStatus
from schemas.totals import Ended, Outcomes
from tests.builders import COMFYDEPLOY, NOON, RUN, a_generation, later, some_metadata
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

HOUR = 3600


def an_end(number: int, **fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """Return a run of a preset that completed a minute past noon."""
    known: dict[str, Any] = {
        "id": GenerationId(f"{int(NOON.timestamp() * 1000):012x}{number:020x}"),
        "metadata": some_metadata(preset="flux"),
        "runs": (),
        "started_at": later(10),
        "response_timestamp": later(60),
        "duration_seconds": 50.0,
        "cost_usd": Decimal("0.01"),
        "owed": (),
    }
    return a_generation(known.pop("status", RunStatus.COMPLETED), **(known | fields))


async def test_ends_of_a_time_are_added_up(ports: Ports) -> None:
    """What a former try cost is in it; what is not known is counted; nothing else is."""
    former = EngineRun(attempt=1, run_id=RUN, submitted_at=NOON, cost_usd=Decimal("0.5"))
    await ports.generations.insert_all(
        [
            an_end(1, runs=(former,)),
            an_end(2, duration_seconds=None, cost_usd=None, started_at=later(20)),
            an_end(3, metadata=some_metadata(), started_at=None, duration_seconds=None),
            an_end(4, response_timestamp=later(HOUR)),
            an_end(5, response_timestamp=later(-1)),
            a_generation(RunStatus.RUNNING, id=GenerationId("f" * 32), started_at=later(1)),
        ]
    )

    found = await ports.totals.ended(NOON, later(HOUR))

    done = RunStatus.COMPLETED
    by_preset = sorted(found, key=lambda each: each.preset or "")
    assert [(*each[:6], each.durations, sorted(each.waits)) for each in by_preset] == [
        (*Ended(done, COMFYDEPLOY, None, 1, Decimal("0.01"), 0, (), ())[:6], (), []),
        (done, COMFYDEPLOY, "flux", 2, Decimal("0.51"), 1, (50.0,), [10.0, 20.0]),
    ]
    assert await ports.totals.ended(later(9 * HOUR), later(10 * HOUR)) == ()


async def test_hours_are_kept(ports: Ports) -> None:
    """As they were, oldest first; what was added up earlier never takes the place of later."""
    ends = await _ends(ports)
    first = totals.of(NOON, later(HOUR), ends)
    second = totals.of(later(HOUR), later(2 * HOUR), ())
    newer = totals.of(NOON, later(3 * HOUR), ())
    await ports.totals.keep([second, first])
    await ports.totals.keep([])

    assert await ports.totals.kept(NOON, later(2 * HOUR)) == (first, second)
    assert await ports.totals.kept(later(HOUR), later(2 * HOUR)) == (second,)
    await ports.totals.keep([newer])
    await ports.totals.keep([first, second])
    assert (await ports.totals.kept(NOON, later(HOUR)))[0].runs == Outcomes()
    assert await ports.totals.kept(NOON, later(2 * HOUR)) == (newer, second)


async def _ends(ports: Ports) -> tuple[Ended, ...]:
    await ports.generations.insert(an_end(1, metadata=some_metadata(preset="$odd.na$me")))
    await ports.generations.insert(an_end(2, metadata=some_metadata()))
    return await ports.totals.ended(NOON, later(HOUR))
