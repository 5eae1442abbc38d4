"""schemas.preset: what an author may write, and what is stored of it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import JsonValue, ValidationError

from schemas.base import EngineName
from schemas.preset import (
    Binding,
    CostPrice,
    Definition,
    EstimatedHold,
    Helps,
    NumberInput,
    Preset,
    TextInput,
    Titles,
    WorkflowTarget,
)
from tests.builders import a_preset, a_prompt

WRITTEN: dict[str, Any] = {
    "name": "l4_t2i",
    "titles": {"en": "Picture"},
    "help": {"en": "Describe it."},
    "target": {"engine": "comfydeploy", "deployment_id": "c0a8f3d2"},
    "inputs": [
        {"name": "prompt", "type": "text", "titles": {"en": "Prompt"}, "maxLength": 100},
        {"name": "scale", "type": "number", "titles": {"en": "Scale"}, "min": 0, "to": "cfg"},
    ],
    "costRate": {"amount": 0.000337, "unit": "second"},
    "price": {
        "kind": "cost",
        "factor": 1.5,
        "hold": {"kind": "estimate", "factor": 2, "first": 10},
    },
}


def written(**fields: JsonValue) -> Definition:
    """A definition as it comes out of a file, but for `fields`."""
    return Definition.model_validate_json(json.dumps({**WRITTEN, **fields}))


def test_what_is_not_written_has_a_default() -> None:
    """Active, for everybody, half an hour, three tries, no priority, nothing for a cancel."""
    preset = written()

    assert preset.engine == EngineName("comfydeploy")
    assert (preset.active, preset.allowed, preset.time_limit) == (True, "all", 1800)
    assert (preset.max_attempts, preset.priority) == (3, 0)
    assert (preset.cancel_fee, preset.constants) == ("none", {})
    assert isinstance(preset.price, CostPrice)
    assert preset.price.floor == 0
    assert preset.price.hold == EstimatedHold(kind="estimate", factor=Decimal(2), first=Decimal(10))


def test_an_input_goes_where_it_is_told_to() -> None:
    """Under its own name where nothing is said."""
    prompt, scale = written().inputs

    assert isinstance(prompt, TextInput)
    assert isinstance(scale, NumberInput)
    assert (prompt.key, prompt.least, prompt.most) == ("prompt", 0, 100)
    assert (scale.key, scale.least, scale.most) == ("cfg", 0.0, None)


def test_a_workflow_is_run_by_comfyui_as_often_as_is_said() -> None:
    """ComfyDeploy tries once, whatever is said."""
    target: JsonValue = {"engine": "comfyui", "workflow": "0" * 64}
    preset = written(target=target, maxAttempts=5, priority=-10)

    assert preset.engine == EngineName("comfyui")
    assert preset.target == WorkflowTarget(engine="comfyui", workflow="0" * 64)
    assert (preset.tries, preset.priority) == (5, -10)
    assert written(maxAttempts=5).tries == 1


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": "L4"}, "name"),
        ({"name": "x" * 33}, "name"),
        ({"name": ""}, "name"),
        ({"titles": {"ru": "x"}}, "titles.en"),
        ({"titles": {"en": "x", "de": "x"}}, "titles.de"),
        ({"titles": {"en": "a\nb"}}, "titles.en"),
        ({"help": {"en": ""}}, "help.en"),
        ({"help": {"en": "a\x1bb"}}, "help.en"),
        ({"target": {"engine": "nobody", "deployment_id": "x"}}, "target"),
        ({"target": {"engine": "comfyui", "deployment_id": "x"}}, "target.comfyui"),
        ({"target": {"engine": "comfyui", "workflow": "F" * 64}}, "target.comfyui.workflow"),
        ({"target": {"engine": "comfyui", "workflow": "f" * 63}}, "target.comfyui.workflow"),
        ({"costRate": {"amount": 1, "currency": "EUR", "unit": "run"}}, "costRate.currency"),
        ({"costRate": {"amount": -1, "unit": "run"}}, "costRate.amount"),
        ({"price": {"kind": "fixed", "credits": -1}}, "price.fixed.credits"),
        ({"price": {"kind": "fixed", "credits": 1e-7}}, "price.fixed.credits"),
        ({"price": {"kind": "free"}}, "price"),
        ({"price": {"kind": "cost", "factor": 1}}, "price.cost.hold"),
        ({"inputs": [{"name": "x", "type": "video"}]}, "inputs.0"),
        ({"constants": {"a.b": 1}}, "constants.a.b.[key]"),
        ({"constants": {"a": None}}, "constants.a"),
        ({"constants": {"a": "x" * 8200}}, "constants"),
        ({"timeLimit": 0}, "timeLimit"),
        ({"maxAttempts": 11}, "maxAttempts"),
        ({"maxAttempts": 0}, "maxAttempts"),
        ({"priority": 11}, "priority"),
        ({"priority": -11}, "priority"),
        ({"priority": 0.5}, "priority"),
        ({"allowed": []}, "allowed.tuple[constrained-str, ...]"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(fields: dict[str, JsonValue], place: str) -> None:
    """Another currency than USD among it: what we cannot convert we do not charge for."""
    with pytest.raises(ValidationError) as caught:
        written(**fields)

    places = [".".join(map(str, each["loc"])) for each in caught.value.errors()]
    assert any(each.startswith(place) for each in places), places


def test_a_text_is_in_english_where_it_is_in_no_other_language() -> None:
    """English is always there."""
    titles = Titles(en="Picture", ru="Картинка")

    assert (titles.of("ru"), titles.of("pt"), titles.of("en")) == ("Картинка", "Picture", "Picture")
    assert Helps(en="x").of("ja") == "x"


def test_a_stored_preset_is_read_as_it_was() -> None:
    """Under its name, with what a newer version has added passed over."""
    preset = a_preset("a", a_prompt(to="text_2"), allowed=("member",), constants={"steps": 8})
    document = preset.document()

    assert document["_id"] == "a"
    assert Preset.read({**document, "colour": "red"}) == preset


def test_a_target_at_replicate_is_one_thing() -> None:
    """Of two nobody could say which is run."""
    assert written(target={"engine": "replicate", "model": "acme/dress"}).tries == 3
    two: dict[str, JsonValue] = {
        "engine": "replicate",
        "model": "acme/dress",
        "deployment": "acme/shop",
    }
    none: dict[str, JsonValue] = {"engine": "replicate"}
    for target in (none, two):
        with pytest.raises(ValidationError, match="give one of"):
            written(target=target)


def test_a_binding_counts_from_one() -> None:
    """It takes the first picture of a step where nothing else is said, of each item in turn."""
    usual = Binding.model_validate({"step": 2})
    assert (usual.output, usual.item, usual.place) == ("image", None, 1)
    for wrong in ({}, {"step": 0}, {"step": 51}, {"step": 1, "item": 0}, {"step": 1, "place": 0}):
        with pytest.raises(ValidationError):
            Binding.model_validate(wrong)
