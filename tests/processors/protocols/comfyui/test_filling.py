"""processors.protocols.comfyui.filling: inputs find their fields, and seeds are drawn."""

import json
import math
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from processors.errors import UnboundInputError
from processors.protocols import comfyui
from processors.protocols.comfyui import filling
from schemas.base import GenerationId
from tests.builders import ID, RUN
from tests.processors.protocols.comfyui.recorded import a_graph, a_node, raw

WORKFLOW: Final = comfyui.parse(raw(a_graph()))
OTHER: Final = GenerationId("0" * 32)


@pytest.mark.parametrize("value", ["a dog", 5, 1.5, True, None, ["a", "b"], {"a": 1}])
def test_an_input_takes_its_fields_place(value: JsonValue) -> None:
    """Its type passes through; the workflow that was given stays as it is."""
    bound = comfyui.bind(WORKFLOW, {"6/text": value}, ID)
    assert bound.graph["6"].inputs == {"text": value, "clip": ["4", 1]}
    assert WORKFLOW.graph["6"].inputs["text"] == "a cat"


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("7/text", "no such node"),
        ("text", "no such node"),
        ("6/texts", "node Positive has no such input"),
        ("6/", "no such input"),
        ("6/clip", "linked to another node"),
    ],
)
def test_a_key_that_leads_nowhere_is_named(key: str, fault: str) -> None:
    """So is one whose field another node fills."""
    with pytest.raises(UnboundInputError, match=fault) as unbound:
        comfyui.bind(WORKFLOW, {key: "a dog"}, ID)
    assert unbound.value.key == key


@pytest.mark.parametrize(
    "value", ["\ud800", 2**64, math.nan, -math.inf, [math.nan], {"a": "\udfff"}], ids=repr
)
def test_what_cannot_be_written_is_refused_before_it_is_sent(value: JsonValue) -> None:
    """A preset's file may hold it, and no server reads it."""
    with pytest.raises(UnboundInputError, match="cannot be written as JSON") as unbound:
        comfyui.bind(WORKFLOW, {"6/text": value}, ID)
    assert unbound.value.key == "6/text"


@pytest.mark.parametrize("value", [0.1, -0.0, 1e300, 2**63, "é\n", None, True, ["a"], {"a": [1]}])
def test_whatever_can_be_written_is(value: JsonValue) -> None:
    """To the same value."""
    bound = comfyui.bind(WORKFLOW, {"6/text": value}, ID)
    body = json.loads(comfyui.submission(bound, RUN, "client"))
    assert body["prompt"]["6"]["inputs"]["text"] == value


def test_an_input_makes_no_link() -> None:
    """What a person gives does not reach into the graph."""
    with pytest.raises(UnboundInputError, match="reads as a link"):
        comfyui.bind(WORKFLOW, {"6/text": ["4", 0]}, ID)


def test_keys_are_split_at_the_last_slash() -> None:
    """Ids of nodes may have slashes in them."""
    workflow = comfyui.parse(raw({"a/b": a_node(text="")}))
    assert comfyui.bind(workflow, {"a/b/text": "x"}, ID).graph["a/b"].inputs == {"text": "x"}


def test_open_seeds_are_drawn() -> None:
    """They differ for each generation, and are the same for each attempt of one."""
    drawn = comfyui.bind(WORKFLOW, {}, ID)
    assert drawn.graph["12:7"].inputs["seed"] != 42
    assert drawn == comfyui.bind(WORKFLOW, {}, ID)
    assert drawn != comfyui.bind(WORKFLOW, {}, OTHER)


def test_given_seeds_stay() -> None:
    """Whoever gives a seed gets what it makes."""
    given_seed = comfyui.bind(WORKFLOW, {"12:7/seed": 42}, ID)
    assert given_seed.graph["12:7"].inputs["seed"] == 42


@pytest.mark.parametrize("value", [["4", 0], "42", 42.0, True, None])
def test_only_whole_numbers_are_seeds(value: JsonValue) -> None:
    """A link's seed is its source's matter."""
    workflow = comfyui.parse(raw({"4": a_node(), "1": a_node("KSampler", seed=value)}))
    assert comfyui.bind(workflow, {}, ID) == workflow


def test_two_seeds_of_one_node_differ() -> None:
    """Each field of each node is drawn for."""
    told = {"1": a_node("A", seed=1, noise_seed=1), "2": a_node("A", seed=1)}
    graph = comfyui.bind(comfyui.parse(raw(told)), {}, ID).graph
    first, second = graph["1"].inputs, graph["2"].inputs
    drawn = [first["seed"], first["noise_seed"], second["seed"]]
    assert len(set(map(str, drawn))) == len(drawn)


@pytest.mark.parametrize(
    ("known", "bits"),
    [
        (-1, 32),
        (0, 32),
        (2**32 - 1, 32),
        (2**32, 50),
        (2**50 - 1, 50),
        (2**50, 52),
        (2**64 - 1, 52),
    ],
)
def test_a_seed_is_no_wider_than_its_node_takes(known: int, bits: int) -> None:
    """It has the first bits of the drawn number, so many as the graph shows to be taken."""
    workflow = comfyui.parse(raw({"1": a_node("A", seed=known)}))
    drawn = comfyui.bind(workflow, {}, ID).graph["1"].inputs["seed"]
    assert drawn == filling.seed(ID, "1", "seed") >> (52 - bits)


@given(st.text(), st.sampled_from(sorted(filling.SEEDS)))
def test_a_drawn_seed_is_exact_everywhere(node_id: str, field: str) -> None:
    """It has 52 bits, for which a double has room."""
    assert 0 <= filling.seed(ID, node_id, field) < 2**52
