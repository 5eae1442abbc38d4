"""schemas.wire.jobs: what may be said in an order."""

import pytest
from pydantic import JsonValue, ValidationError

from schemas.job import JobStatus
from schemas.preset import Binding
from schemas.wire.jobs import JobQuery, NewJob
from tests.builders import USER

GIVEN: dict[str, JsonValue] = {"prompt": "a lighthouse"}


def asked(**fields: JsonValue) -> NewJob:
    """An order with these fields."""
    return NewJob.model_validate({"user": USER} | fields)


def test_a_preset_or_a_step_is_the_same_order() -> None:
    """A step has its inputs with it."""
    by_name = asked(preset="l4_t2i", inputs=GIVEN)
    by_step = asked(steps=[{"preset": "l4_t2i", "inputs": GIVEN}])

    assert by_name.wanted() == by_step.wanted()
    assert asked(preset="l4_t2i").wanted()[0].inputs == {}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"preset": "a", "steps": [{"preset": "a"}]},
        {"steps": [{"preset": "a"}], "inputs": GIVEN},
        {"steps": []},
        {"steps": [{"preset": "a"}] * 51},
        {"steps": [{"preset": "a", "over": {"seed": list(range(101))}}]},
        {"steps": [{"preset": "a", "inputs": {"x": "y" * 6200}, "over": {"z": ["y" * 6200]}}]},
        {"steps": [{"preset": "a", "bindings": {"image": {"step": 0}}}]},
        {"steps": [{"preset": "a", "bindings": {"image": {"step": 1, "of": "9"}}}]},
        {"preset": "a", "inputs": {"prompt": "x" * 12_300}},
        {"preset": "A b"},
        {"preset": "a", "user": "ada"},
    ],
)
def test_what_names_nothing_or_two_things_is_refused(fields: dict[str, JsonValue]) -> None:
    """A job has 1 to 50 steps, each of one preset and with inputs of at most 12 KiB."""
    with pytest.raises(ValidationError):
        asked(**fields)


def test_a_step_takes_what_others_make_and_is_made_several_times() -> None:
    """Bindings and values as they are written; what is not said is the first image."""
    step: JsonValue = {
        "preset": "wear",
        "bindings": {"photo": {"step": 1}},
        "over": {"seed": [1, 2, 3, 4]},
    }
    (_, second) = asked(steps=[{"preset": "a"}, step], manual=True).wanted()

    assert second.bindings == {"photo": Binding(step=1, output="image")}
    assert second.over == {"seed": (1, 2, 3, 4)}


def test_jobs_are_listed_by_a_status_that_there_is() -> None:
    """Words of newer versions are taken from the database, and from nobody else."""
    assert JobQuery.model_validate_strings({"status": "active"}).status is JobStatus.ACTIVE
    with pytest.raises(ValidationError, match="must be one of 'pending'"):
        JobQuery.model_validate_strings({"status": "archived"})
