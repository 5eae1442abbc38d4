"""app.usecases.pauses: what is paused or has reached its cap takes no orders."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.errors import PausedError, StoreDownError
from app.usecases.pauses import FRESH, Pauses, Spending
from schemas.base import GenerationId, first_id
from schemas.control import Control
from schemas.run import RunStatus
from tests.builders import (
    COMFYDEPLOY,
    NOON,
    a_control,
    a_generation,
    a_preset,
    a_user,
    some_metadata,
)
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.fakes.controls import FakeControls
from tests.fakes.gates import Turnstile
from tests.fakes.generations import FakeGenerations

pytestmark = pytest.mark.anyio

PRESET = "preset:l4_t2i"
ENGINE = "engine:comfydeploy"
ADA = a_user()


class Scene:
    """Controls, and what was spent."""

    def __init__(self, *controls: Control) -> None:
        self.gate = Turnstile()
        self.generations = FakeGenerations(gate=self.gate)
        self.clock = FakeClock()
        self.alerts = FakeAlerts()
        self.pauses = Pauses(
            FakeControls(*controls),
            Spending(self.generations, self.clock),
            clock=self.clock,
            alerts=self.alerts,
        )

    def spend(self, usd: str, preset: str | None = "l4_t2i", hours: float = 0) -> None:
        """Have a generation cost so much that was ordered so many hours after noon."""
        made = GenerationId(first_id(NOON + timedelta(hours=hours)))
        number = len(self.generations.records)
        made = GenerationId(f"{int(made, 16) + number:032x}")
        self.generations.records[made] = a_generation(
            id=made, metadata=some_metadata(preset=preset), cost_usd=Decimal(usd)
        )

    def run(self, number: int, status: RunStatus, usd: str | None, preset: str = "l4_t2i") -> None:
        """Have a job's generation stand so, ordered today."""
        made = GenerationId(f"{int(first_id(NOON), 16) + 1000 + number:032x}")
        self.generations.records[made] = a_generation(
            status,
            id=made,
            job_id=made,
            metadata=some_metadata(preset=preset),
            cost_usd=None if usd is None else Decimal(usd),
        )

    async def refused(self) -> PausedError:
        """Return why an order is refused."""
        with pytest.raises(PausedError) as caught:
            await self.pauses(ADA, a_preset())
        return caught.value


async def test_orders_pass_where_nothing_is_said() -> None:
    """Nothing is added up for them."""
    scene = Scene(a_control(PRESET), a_control("preset:other", paused=True))
    await scene.pauses(ADA, a_preset())
    await scene.pauses.engine(COMFYDEPLOY)

    assert scene.gate.passed == 0


@pytest.mark.parametrize(
    ("key", "what", "name"), [(ENGINE, "engine", "comfydeploy"), (PRESET, "preset", "l4_t2i")]
)
async def test_what_is_paused_takes_no_orders(key: str, what: str, name: str) -> None:
    """Whoever paused it is quoted; nobody knows until when."""
    error = await Scene(a_control(key, paused=True, reason="it is ill")).refused()

    assert (error.what, error.name, error.why) == (what, name, "it is ill")
    assert error.retry_after is None
    assert str(error) == f"{name} takes no orders for now: it is ill"


async def test_an_engine_is_paused_for_programs_too() -> None:
    """A preset's pause is nothing to them."""
    with pytest.raises(PausedError):
        await Scene(a_control(ENGINE, paused=True)).pauses.engine(COMFYDEPLOY)
    await Scene(a_control(PRESET, paused=True)).pauses.engine(COMFYDEPLOY)


async def test_a_day_costs_no_more_than_its_cap() -> None:
    """Until midnight; who wakes up is told once."""
    scene = Scene(a_control(PRESET, daily_cap_usd=Decimal(2)))
    scene.spend("1.5")
    scene.spend("9", hours=-13)
    scene.spend("9", preset="other")
    await scene.pauses(ADA, a_preset())
    scene.spend("0.5")
    await scene.pauses(ADA, a_preset())
    scene.clock.move(FRESH)
    error = await scene.refused()
    await scene.refused()

    assert (error.what, error.name) == ("spend", "l4_t2i")
    assert error.retry_after == timedelta(hours=12) - FRESH
    assert scene.alerts.raised == ["spend_cap"]
    assert "has cost 2.0 USD today, and its cap is 2:" in scene.alerts.messages[0]
    scene.clock.move(timedelta(hours=12))
    await scene.pauses(ADA, a_preset())
    scene.spend("2", hours=13)
    scene.clock.move(timedelta(hours=1))
    await scene.refused()
    assert scene.alerts.raised == ["spend_cap"] * 2


async def test_what_runs_counts_as_what_it_is_expected_to_cost() -> None:
    """A burst does not pass a cap before its ends; there is room again where they cost less."""
    scene = Scene(a_control(PRESET, daily_cap_usd=Decimal(2)))
    for number, (status, usd) in enumerate(
        ((RunStatus.COMPLETED, "0.5"), (RunStatus.QUEUED, None), (RunStatus.RUNNING, None))
    ):
        scene.run(number, status, usd)
    await scene.pauses(ADA, a_preset())
    scene.run(3, RunStatus.PENDING, None)
    await scene.pauses(ADA, a_preset())
    scene.clock.move(FRESH)
    error = await scene.refused()

    assert (error.what, error.name, error.retry_after) == ("spend", "l4_t2i", None)
    assert scene.alerts.raised == []
    scene.run(3, RunStatus.FAILED, None)
    scene.clock.move(FRESH)
    await scene.pauses(ADA, a_preset())


async def test_what_runs_counts_for_its_engine_too() -> None:
    """All presets together; one of which no cost is known counts nothing."""
    scene = Scene(a_control(ENGINE, daily_cap_usd=Decimal(2)))
    scene.run(0, RunStatus.COMPLETED, "1")
    scene.run(1, RunStatus.QUEUED, None, "other")
    await scene.pauses(ADA, a_preset())
    scene.run(2, RunStatus.QUEUED, None)
    scene.clock.move(FRESH)

    assert (await scene.refused()).name == "comfydeploy"


async def test_a_cap_of_an_engine_counts_all_of_its_runs() -> None:
    """Also those without a preset."""
    scene = Scene(a_control(ENGINE, daily_cap_usd=Decimal(2)))
    scene.spend("1", preset=None)
    scene.spend("1")

    assert (await scene.refused()).name == "comfydeploy"
    with pytest.raises(PausedError):
        await scene.pauses.engine(COMFYDEPLOY)


async def test_a_cap_of_nothing_lets_nothing_pass() -> None:
    """Also before anything was spent."""
    assert (await Scene(a_control(PRESET, daily_cap_usd=Decimal(0))).refused()).what == "spend"


async def test_what_could_not_be_added_up_is_asked_again() -> None:
    """A database that was away for a moment opens no door."""
    scene = Scene(a_control(PRESET, daily_cap_usd=Decimal(1)))
    scene.spend("1")
    scene.gate.script(StoreDownError("away"))
    with pytest.raises(StoreDownError):
        await scene.pauses(ADA, a_preset())

    await scene.refused()
    assert scene.gate.passed == 2
