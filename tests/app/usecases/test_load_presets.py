"""app.usecases.load_presets: what is looked at is what is written, or nothing is."""

import pytest

from app.errors import ConflictError, StoreDownError
from app.usecases.load_presets import LoadPresets
from schemas.preset import ChainStep
from tests.builders import a_chain_preset, a_preset, later, some_steps
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Turnstile
from tests.fakes.presets import FakePresets
from tests.fakes.workflows import FakeWorkflows

pytestmark = pytest.mark.anyio

CLOCK = FakeClock(later(60))


async def test_what_was_planned_is_written() -> None:
    """New ones, changed ones and pruned ones together."""
    presets = FakePresets(a_preset("gone"), a_preset("same"), a_preset("other"))
    loader = LoadPresets(presets, FakeWorkflows(), CLOCK)
    wanted = [a_preset("same"), a_preset("other", time_limit=60), a_preset("new")]

    changes = await loader.plan(wanted, prune=True)
    await loader.commit(changes, {})

    gone, new, other, same = await presets.all()
    assert [each.after.name for each in changes] == ["other", "new", "gone"]
    assert (gone.active, gone.version) == (False, 2)
    assert (new.version, new.updated_at) == (1, later(60))
    assert (other.time_limit, other.version) == (60, 2)
    assert same == a_preset("same")


async def test_nothing_is_written_where_somebody_was_first() -> None:
    """What was looked at is no longer so; whoever loads looks again."""
    presets = FakePresets(a_preset("a"))
    loader = LoadPresets(presets, FakeWorkflows(), CLOCK)
    mine = await loader.plan([a_preset("a", time_limit=60), a_preset("new")], prune=False)
    theirs = await loader.plan([a_preset("a", time_limit=90)], prune=False)
    await loader.commit(theirs, {})

    with pytest.raises(ConflictError, match="nothing was loaded"):
        await loader.commit(mine, {})

    assert await presets.all() == (theirs[0].after,)
    assert (await loader.plan([a_preset("a", time_limit=60)], prune=False))[0].after.version == 3


async def test_workflows_are_kept_before_their_presets_are_written() -> None:
    """Whatever interrupts it, no preset names a workflow that is not there."""
    gate = Turnstile()
    presets, workflows = FakePresets(gate=gate), FakeWorkflows()
    loader = LoadPresets(presets, workflows, CLOCK)
    changes = await loader.plan([a_preset("a")], prune=False)
    gate.down = StoreDownError("the database does not answer")

    with pytest.raises(StoreDownError):
        await loader.commit(changes, {"0" * 64: b"{}"})

    assert workflows.kept == {"0" * 64: b"{}"}
    assert workflows.lasting == {"0" * 64}


async def test_presets_of_others_are_held_against_what_would_be_stored() -> None:
    """Those of the file, and those that are stored and name one of its presets."""
    both = a_chain_preset("both", ChainStep(preset="a", asked={"prompt": "words"}))
    loader = LoadPresets(FakePresets(a_preset("a"), both), FakeWorkflows(), CLOCK)
    new = a_chain_preset("new", ChainStep(preset="gone"))

    found = await loader.misfits([a_preset("a", some_steps()), new])

    assert [(each.preset, each.problem.path[-1]) for each in found] == [
        ("both", "prompt"),
        ("new", "preset"),
    ]
    assert await loader.misfits([a_preset("a")]) == ()
