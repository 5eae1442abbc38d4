"""app.usecases.add_up: the figures of the last hours."""

from datetime import timedelta

import pytest

from app.usecases.add_up import EVERY, KEPT_AHEAD, AddUp
from schemas.totals import Outcomes, Usual
from tests.builders import NOON, a_preset, later
from tests.contracts.test_totals import HOUR, an_end
from tests.fakes.clock import FakeClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.presets import FakePresets
from tests.fakes.totals import FakeTotals
from tests.fakes.uses import FakeUses

pytestmark = pytest.mark.anyio


class Scene:
    """A run that completed a minute past noon, half an hour ago."""

    def __init__(self) -> None:
        self.generations = FakeGenerations({"1": an_end(1)})
        self.totals = FakeTotals(self.generations)
        self.clock = FakeClock(later(HOUR / 2))
        self.presets = FakePresets(a_preset("waiting"), a_preset("gone", active=False))
        self.add_up = self.another()

    def another(self) -> AddUp:
        """Return what adds up in another process."""
        return AddUp(self.totals, FakeUses(), self.generations, self.presets, self.clock)


async def test_hours_that_are_over_are_kept() -> None:
    """Who asks next adds up the one under way, and nothing before that."""
    scene = Scene()

    figures = await scene.add_up(3)

    assert [each.start for each in figures.hours] == [later(-2 * HOUR), later(-HOUR), NOON]
    assert figures.hours[-1].runs == Outcomes(completed=1)
    assert set(scene.totals.hours) == {later(-2 * HOUR), later(-HOUR)}
    scene.totals.added.clear()
    assert (await scene.another()(3)).hours == figures.hours
    assert scene.totals.added == [NOON]


async def test_figures_serve_for_a_moment() -> None:
    """However many look; then they are put together anew."""
    scene = Scene()

    first = await scene.add_up(1)
    assert await scene.add_up(1) is first
    assert scene.totals.added == [NOON]
    await scene.generations.insert(an_end(2))
    scene.clock.move(EVERY)
    assert (await scene.add_up(1)).hours[0].runs == Outcomes(completed=2)


async def test_late_ends_come_in_until_the_hour_stands() -> None:
    """After that, what was kept is shown for as long as it is there."""
    scene = Scene()
    scene.clock.move(timedelta(hours=1))
    assert (await scene.add_up(2)).hours[0].runs == Outcomes(completed=1)

    await scene.generations.insert(an_end(2))
    scene.clock.move(timedelta(hours=7))
    assert (await scene.add_up(9)).hours[0].runs == Outcomes(completed=2)
    await scene.generations.insert(an_end(3))
    scene.clock.move(timedelta(hours=1))
    assert (await scene.add_up(10)).hours[0].runs == Outcomes(completed=2)


async def test_an_hour_that_is_looked_at_late_does_not_stand_yet() -> None:
    """After an outage it is added up before the ends that happened in it are heard."""
    scene = Scene()
    scene.clock.move(timedelta(hours=9, minutes=30))
    assert (await scene.add_up(11)).hours[0].runs == Outcomes(completed=1)

    await scene.generations.insert(an_end(2))
    scene.clock.move(timedelta(hours=5))
    assert (await scene.add_up(16)).hours[0].runs == Outcomes(completed=2)
    await scene.generations.insert(an_end(3))
    scene.clock.move(timedelta(hours=30))
    assert (await scene.add_up(46)).hours[0].runs == Outcomes(completed=2)


async def test_the_last_hours_are_looked_after_unasked() -> None:
    """Not the one under way: it would be added up for nobody."""
    scene = Scene()
    scene.clock.move(timedelta(hours=1))

    await scene.add_up.ahead()

    assert len(scene.totals.hours) == KEPT_AHEAD - 1
    assert scene.totals.hours[NOON].runs == Outcomes(completed=1)


async def test_what_is_usual_is_told_by_preset() -> None:
    """Of those that can be ordered, and of those that ran in these hours."""
    assert (await Scene().add_up(1)).usual == (Usual("flux", 50.0, 1), Usual("waiting", None, 0))
