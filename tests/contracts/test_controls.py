"""What every keeper of controls, and of deeds, does."""

from decimal import Decimal

import pytest

from app.ports import Controls, Deeds
from schemas.control import Control, Subject
from tests.builders import a_control, a_deed, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

ENGINE = Subject("engine", "comfydeploy")
PRESET = Subject("preset", "l4_t2i")


@pytest.fixture
def controls(ports: Ports) -> Controls:
    """The port under test."""
    return ports.controls


@pytest.fixture
def deeds(ports: Ports) -> Deeds:
    """The other one."""
    return ports.deeds


async def test_controls_are_found_by_what_they_are_about(controls: Controls) -> None:
    """Those that there are; all of them come by their ids."""
    engine = a_control(ENGINE.key, paused=True, reason="no money")
    preset = a_control(PRESET.key, daily_cap_usd=Decimal("12.500000"))
    assert await controls.write(None, preset)
    assert await controls.write(None, engine)

    assert await controls.of((ENGINE,)) == (engine,)
    assert await controls.of((PRESET, ENGINE, Subject("preset", "x"))) == (engine, preset)
    assert await controls.of(()) == ()
    assert await controls.all() == (engine, preset)


async def test_the_first_of_two_at_once_makes_a_control(controls: Controls) -> None:
    """And of two changes the second changes nothing."""
    before = a_control(ENGINE.key, reason="x")
    after = before.change(version=2, reason=None, paused=True, at=later(1))
    assert await controls.write(None, before)

    assert not await controls.write(None, before)
    assert await controls.write(before, after)
    assert not await controls.write(before, after)
    assert await controls.of((ENGINE,)) == (after,)
    gone: Control = a_control(PRESET.key)
    assert not await controls.write(gone, gone.change(version=2))


async def test_deeds_are_kept_by_what_they_are_about(deeds: Deeds) -> None:
    """The last first; nobody else's."""
    for number, subject in enumerate(("user:a", "user:b", "user:a"), 1):
        await deeds.insert(a_deed(number, subject=subject))

    assert await deeds.about("user:a", 9) == (a_deed(3), a_deed(1))
    assert await deeds.about("user:a", 1) == (a_deed(3),)
    assert await deeds.about("user:c", 9) == ()
