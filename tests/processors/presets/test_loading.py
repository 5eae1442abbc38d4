"""What loading presets comes to."""

from processors.presets import loading
from processors.presets.loading import Difference
from schemas.preset import Definition, Preset
from tests.builders import a_preset, a_prompt, later, some_steps


def wanted(preset: Preset) -> Definition:
    """What an author writes to get this preset."""
    return Definition(**{name: getattr(preset, name) for name in Definition.model_fields})


def test_what_is_stored_already_is_not_written() -> None:
    """Whatever its version, and whenever that was written."""
    stored = a_preset(version=7)

    assert loading.plan([stored], [wanted(stored)], prune=True, now=later(1)) == ()


def test_a_new_preset_is_all_new() -> None:
    """It begins at version 1."""
    new = a_preset("new")

    (change,) = loading.plan([], [wanted(new)], prune=False, now=later(1))

    assert change.before is None
    assert change.after == new.change(updated_at=later(1))
    assert Difference("price.credits", None, "5") in change.differences()
    assert Difference("inputs.prompt.maxLength", None, 500) in change.differences()


def test_a_change_names_what_changes() -> None:
    """Inputs by their names, and their order by itself."""
    stored = a_preset("a", a_prompt(), some_steps(), constants={"x": 1, "gone": "y"})
    other = stored.change(
        inputs=(some_steps(most=60), a_prompt()), constants={"x": True}, time_limit=60
    )

    (change,) = loading.plan([stored], [wanted(other)], prune=False, now=later(1))

    assert (change.before, change.after.version) == (stored, 2)
    assert change.differences() == (
        Difference("inputs", "prompt, steps", "steps, prompt"),
        Difference("inputs.steps.max", 50, 60),
        Difference("constants.x", 1, True),  # noqa: FBT003 - a value of an input
        Difference("timeLimit", 1800, 60),
        Difference("constants.gone", "y", None),
    )


def test_what_is_not_in_the_file_is_left_alone() -> None:
    """Unless it is to be pruned: then it is made inactive, once."""
    kept, gone, idle = a_preset("kept"), a_preset("gone"), a_preset("idle", active=False)
    stored = [gone, idle, kept]

    assert loading.plan(stored, [wanted(kept)], prune=False, now=later(1)) == ()
    (change,) = loading.plan(stored, [wanted(kept)], prune=True, now=later(1))
    assert change.after == gone.change(active=False, version=2, updated_at=later(1))
    assert change.differences() == (Difference("active", True, False),)  # noqa: FBT003 - as above
