"""schemas.wire.jobs: what may be said in an order."""

import pytest
from pydantic import JsonValue, ValidationError

from schemas.job import JobStatus
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

    assert by_name.step() == by_step.step()
    assert asked(preset="l4_t2i").step().inputs == {}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"preset": "a", "steps": [{"preset": "a"}]},
        {"steps": [{"preset": "a"}], "inputs": GIVEN},
        {"steps": []},
        {"steps": [{"preset": "a"}, {"preset": "b"}]},
        {"preset": "a", "inputs": {"prompt": "x" * 12_300}},
        {"preset": "A b"},
        {"preset": "a", "user": "ada"},
    ],
)
def test_what_names_nothing_or_two_things_is_refused(fields: dict[str, JsonValue]) -> None:
    """A job has one step, of one preset."""
    with pytest.raises(ValidationError):
        asked(**fields)


def test_jobs_are_listed_by_a_status_that_there_is() -> None:
    """Words of newer versions are taken from the database, and from nobody else."""
    assert JobQuery.model_validate_strings({"status": "active"}).status is JobStatus.ACTIVE
    with pytest.raises(ValidationError, match="must be one of 'pending'"):
        JobQuery.model_validate_strings({"status": "archived"})
