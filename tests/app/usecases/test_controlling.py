"""app.usecases.controlling: an operator's switches, each use written down."""

from decimal import Decimal

import pytest

from app.errors import ContendedError, NotFoundError
from app.usecases.controlling import Controlling
from app.usecases.pauses import Spending
from schemas.control import Control, Subject
from tests.builders import COMFYDEPLOY, NOON, a_control, a_generation, a_preset, some_metadata
from tests.fakes.clock import FakeClock
from tests.fakes.controls import FakeControls, FakeDeeds
from tests.fakes.generations import FakeGenerations
from tests.fakes.presets import FakePresets

pytestmark = pytest.mark.anyio

ENGINE = Subject("engine", "comfydeploy")
PRESET = Subject("preset", "l4_t2i")


class Scene:
    """One engine, one preset, and what was done to them."""

    def __init__(self, controls: FakeControls | None = None) -> None:
        self.generations, self.clock, self.deeds = FakeGenerations(), FakeClock(), FakeDeeds()
        self.controlling = Controlling(
            controls or FakeControls(),
            FakePresets(a_preset()),
            [COMFYDEPLOY],
            spending=Spending(self.generations, self.clock),
            deeds=self.deeds,
            clock=self.clock,
        )

    def done(self) -> list[tuple[str, str, str, str | None]]:
        """Return who did what to what, and why."""
        return [(each.by, each.verb, each.subject, each.said) for each in self.deeds.done]


async def test_a_pause_is_made_and_taken_back() -> None:
    """A cap stays what it is meanwhile; what is so already is not done again."""
    scene = Scene()
    do = scene.controlling
    await do.cap(PRESET, Decimal("2.5"), by="cli:ada")
    paused = await do.pause(PRESET, by="api:1", reason="it is ill")
    assert await do.pause(PRESET, by="api:2", reason="it is ill") == paused
    resumed = await do.resume(PRESET, by="cli:eve")
    after = await do.cap(PRESET, None, by="cli:eve")

    assert (paused.paused, paused.reason, paused.by, paused.at) == (
        True,
        "it is ill",
        "api:1",
        NOON,
    )
    assert (resumed.paused, resumed.reason, resumed.daily_cap_usd) == (False, None, Decimal("2.5"))
    assert (after.daily_cap_usd, after.version) == (None, 4)
    assert scene.done() == [
        ("cli:ada", "cap", "preset:l4_t2i", "2.5 USD"),
        ("api:1", "pause", "preset:l4_t2i", "it is ill"),
        ("cli:eve", "resume", "preset:l4_t2i", None),
        ("cli:eve", "cap", "preset:l4_t2i", "none"),
    ]


async def test_what_was_spent_is_shown_with_and_without_a_control() -> None:
    """By engine and preset; what has neither is asked for by name."""
    scene = Scene(FakeControls(a_control("engine:gone", paused=True)))
    made = a_generation(metadata=some_metadata(preset="l4_t2i"), cost_usd=Decimal("0.5"))
    scene.generations.records[made.id] = made.change(id="f" * 32)
    rows = {each.control.id: str(each.spent_usd) for each in await scene.controlling.all()}
    engine = await scene.controlling.get(ENGINE)

    assert rows == {"engine:comfydeploy": "0.5", "engine:gone": "0.000000", "preset:l4_t2i": "0.5"}
    assert (str(engine.spent_usd), engine.control.paused) == ("0.5", False)
    assert engine.control.internal()["name"] == "comfydeploy"


@pytest.mark.parametrize("subject", [Subject("engine", "x"), Subject("preset", "x")])
async def test_nothing_unknown_is_switched(subject: Subject) -> None:
    """Neither an engine nor a preset."""
    scene = Scene()
    with pytest.raises(NotFoundError, match=f"no such {subject.kind}"):
        await scene.controlling.pause(subject, by="x")
    with pytest.raises(NotFoundError):
        await scene.controlling.get(subject)
    assert scene.done() == []


async def test_a_control_of_what_is_gone_can_be_changed() -> None:
    """A preset that was paused, and is there no more."""
    scene = Scene(FakeControls(a_control("preset:gone", paused=True)))

    assert not (await scene.controlling.resume(Subject("preset", "gone"), by="x")).paused


async def test_a_write_that_is_lost_again_and_again_is_given_up() -> None:
    """Somebody else is at it."""

    class Contended(FakeControls):
        async def write(self, before: Control | None, after: Control) -> bool:
            del before, after
            return False

    with pytest.raises(ContendedError):
        await Scene(Contended()).controlling.pause(ENGINE, by="x")
