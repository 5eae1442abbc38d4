"""processors.protocols.comfyui.workflows: what is read, what is refused, and what is kept."""

import hashlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.errors import RefusedWorkflowError
from processors.protocols import comfyui
from processors.protocols.comfyui import files
from tests.processors.protocols.comfyui.recorded import EXCHANGES, a_graph, a_node, raw

POSTED = [
    each["request_json"]
    for each in EXCHANGES
    if each.get("path") == "/prompt" and each.get("status") == 200 and "request_json" in each
]


def test_a_graph_is_read_with_its_titles() -> None:
    """A node that has no title goes by its class."""
    graph = comfyui.parse(raw(a_graph())).graph
    assert [node.title for node in graph.values()] == [
        "Load Checkpoint",
        "Positive",
        "KSampler",
        "Result",
    ]
    assert graph["6"].inputs == {"text": "a cat", "clip": ["4", 1]}


@pytest.mark.parametrize("posted", POSTED)
def test_every_recorded_prompt_is_a_workflow(posted: dict[str, Any]) -> None:
    """What was posted is read, and what is kept of it is read to the same."""
    workflow = comfyui.parse(raw(posted))
    named, canonical = comfyui.stored(raw(posted))
    assert comfyui.parse(canonical) == workflow
    assert named == hashlib.sha256(canonical).hexdigest()
    assert workflow.extra_pnginfo == posted.get("extra_data", {}).get("extra_pnginfo")


@pytest.mark.parametrize("extra", [None, "text", {"extra_pnginfo": None}, {"other": 1}])
def test_a_posted_prompt_without_extras_is_its_graph(extra: object) -> None:
    """It has the hash of the bare graph: layout and what is not kept make no difference."""
    posted = raw({"prompt": a_graph(), "extra_data": extra, "client_id": "somebody"})
    assert comfyui.stored(posted) == comfyui.stored(orjson.dumps(a_graph(), option=2))


def test_extras_are_part_of_what_is_stored() -> None:
    """Two files that write other words into their pictures are two workflows."""
    told = {"prompt": a_graph(), "extra_data": {"extra_pnginfo": {"workflow": {"id": "w"}}}}
    assert comfyui.stored(raw(told))[0] != comfyui.stored(raw(a_graph()))[0]


def test_a_node_may_be_called_prompt() -> None:
    """A graph is told from what is posted by its nodes' having classes."""
    graph = comfyui.parse(raw({"prompt": a_node("SaveImage")})).graph
    assert graph["prompt"].class_type == "SaveImage"


@pytest.mark.parametrize(
    ("node", "title"),
    [
        (a_node("KSampler", "  Two\nlines "), "Two"),
        (a_node("KSampler", " "), "KSampler"),
        ({"class_type": "KSampler", "inputs": {}, "_meta": {"title": 5}}, "KSampler"),
        ({"class_type": "KSampler", "inputs": {}, "_meta": None}, "KSampler"),
        (a_node("KSampler", "x" * 200), "x" * 99 + "…"),
        (a_node("Save/Load"), "Save/Load"),
        (a_node("\x1b"), "?"),
    ],
)
def test_a_title_is_one_line(node: object, title: str) -> None:
    """Titles are written by people, and shown to people."""
    assert comfyui.parse(raw({"1": node})).graph["1"].title == title


@pytest.mark.parametrize(
    ("told", "place", "fault"),
    [
        (b"{", "", "it is not JSON"),
        (b'{"1": NaN}', "", "it is not JSON"),
        (b'{"1": 1e999}', "", "it is not JSON"),
        (b"[" * 2_000 + b"]" * 2_000, "", "it is not JSON"),
        (b"[1]", "", "it is no graph"),
        (b"{}", "", "there are no nodes"),
        (b'{"prompt": {}}', "", "there are no nodes"),
        (b'{"prompt": "text"}', "prompt", "no object"),
        (b'{"last_node_id": 9}', "last_node_id", "no object"),
        (raw({"1": {"inputs": {}}}), "1", "class_type"),
        (raw({"1": {"class_type": "", "inputs": {}}}), "1", "class_type"),
        (raw({"1": {"class_type": "SaveImage"}}), "1", "no inputs"),
        (raw({"1": a_node(text="a\0b")}), "", "NUL"),
        (raw({"1\0": a_node()}), "", "NUL"),
        (raw({"1": a_node(images=["99", 0])}), "1/images", "node 99, which there is not"),
        (raw({"nodes": [], "links": []}), "", "Export (API)"),
        (raw({"nodes": [{"id": 1}], "version": 0.4}), "", "Save (API Format)"),
    ],
)
def test_what_is_no_graph_is_refused(told: bytes, place: str, fault: str) -> None:
    """It is said where and why; of a file of the editor, how to export it."""
    with pytest.raises(RefusedWorkflowError) as refused:
        comfyui.parse(told)
    assert refused.value.place == place
    assert fault in refused.value.fault
    assert str(refused.value).endswith(refused.value.fault)


def test_a_workflow_has_bounds() -> None:
    """One byte or one level more than there may be is refused."""
    fits = raw({"1": a_node(text="")})
    padded = fits + b" " * (files.SIZE_MOST - len(fits))
    assert comfyui.parse(padded)
    with pytest.raises(RefusedWorkflowError, match="larger than 1 MiB"):
        comfyui.parse(padded + b" ")
    levels = files.DEPTH_MOST - 3
    assert comfyui.parse(b'{"1":{"class_type":"A","inputs":{"x":' + _nested(levels) + b"}}}")
    with pytest.raises(RefusedWorkflowError, match="more than 64 levels"):
        comfyui.parse(b'{"1":{"class_type":"A","inputs":{"x":' + _nested(levels + 1) + b"}}}")


def _nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def test_an_escaped_backslash_makes_no_nul() -> None:
    """A backslash and what looks like a NUL after it are six characters like any others."""
    assert comfyui.parse(raw({"1": a_node(text="\\u0000")}))


@pytest.mark.parametrize("value", [["4"], ["4", 0, 1], [4, 0], ["4", "0"], "text", 4, None, {}])
def test_only_a_node_and_an_index_are_a_link(value: object) -> None:
    """Everything else is a literal, and leads nowhere that could be missing."""
    assert comfyui.parse(raw({"1": a_node(x=value)})).graph["1"].inputs["x"] == value


def test_the_models_of_nodes_are_named() -> None:
    """Each once, by how its name ends, whatever its case; links and texts are none."""
    told = {
        "1": a_node("A", "Mine", a="X.SafeTensors", b="x.gguf", c="x.gguf", d="a text", e=5),
        "2": a_node("B", a=["1", 0]),
    }
    assert comfyui.kinds(comfyui.parse(raw(told))) == {
        "1": comfyui.NodeKind("A", "Mine", ("X.SafeTensors", "x.gguf")),
        "2": comfyui.NodeKind("B", "B", ()),
    }


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=4) | json_values)
def test_any_json_is_a_workflow_or_refused(told: object) -> None:
    """Nothing but a refusal comes of it."""
    try:
        comfyui.parse(orjson.dumps(told))
    except RefusedWorkflowError:
        return


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
titles = st.text(st.sampled_from("aC:\\/ \x1b\u00a0\n'")) | st.just("x y " * 30)
some_nodes = st.fixed_dictionaries(
    {
        "class_type": st.sampled_from(["SaveImage", " A  B\x1b", "\x1b", "x" * 150]),
        "inputs": st.dictionaries(st.sampled_from(["text", "seed"]), st.integers(0, 2**64 - 1)),
    },
    optional={"_meta": st.fixed_dictionaries({"title": names | titles})},
)


@given(
    st.dictionaries(names, some_nodes, min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_a_workflow_is_its_content(graph: dict[str, Any], random: Any) -> None:  # noqa: ANN401 - hypothesis' Random
    """Order does not change its hash, and what is stored is read to the same and stored again."""
    shuffled = list(graph.items())
    random.shuffle(shuffled)
    named, canonical = comfyui.stored(orjson.dumps(dict(shuffled)))
    assert (named, canonical) == comfyui.stored(orjson.dumps(graph))
    assert comfyui.stored(canonical) == (named, canonical)
