"""processors.protocols.comfyui.results: what nodes gave, from any key, judged by what it is."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from processors.protocols import comfyui, texts
from processors.protocols.comfyui import results
from schemas.generation import OUTPUTS_KEPT
from schemas.run import Output, OutputKind
from tests.builders import NOON
from tests.processors.protocols.comfyui.recorded import answers

BASE: Final = "http://10.0.0.5:8188/comfy/"


def given_by(key: str, *items: JsonValue, node: str = "9") -> tuple[Output, ...]:
    """What is made of items that a node gave under `key`."""
    return comfyui.outputs({node: {key: list(items)}}, BASE, NOON)


def a_file(name: str, **fields: JsonValue) -> dict[str, JsonValue]:
    """A file that a node made."""
    return {"filename": name, "subfolder": "", "type": "output"} | fields


def test_recorded_results_are_read_in_their_order() -> None:
    """A batch of pictures, a text, and a film that goes by its name."""
    entry = answers("/history/4c5583af")[0]["4c5583af-fde6-497d-afbe-bce684bfc50a"]
    made = comfyui.outputs(entry["outputs"], BASE, None)
    assert [(each.id, each.kind, each.filename or each.text) for each in made] == [
        ("4/gifs/0", OutputKind.TEXT, "clip é #1.txt"),
        ("3/text/0", OutputKind.TEXT, "hello 1795304499 äöü 😀"),
        ("5/images/0", OutputKind.IMAGE, "batch_00001_.png"),
        ("5/images/1", OutputKind.IMAGE, "batch_00002_.png"),
    ]


@pytest.mark.parametrize(
    ("key", "name", "media_format", "kind"),
    [
        ("images", "a.png", None, OutputKind.IMAGE),
        ("gifs", "a.mp4", "video/h264-mp4", OutputKind.VIDEO),
        ("gifs", "a.GIF", "image/gif", OutputKind.IMAGE),
        ("images", "a.webm", None, OutputKind.VIDEO),
        ("video", "a.bin", "video/ProRes", OutputKind.VIDEO),
        ("audio", "a.flac", None, OutputKind.AUDIO),
        ("3d", "a.glb", None, OutputKind.MODEL),
        ("files", "a.zip", None, OutputKind.FILE),
        ("anything", "a", None, OutputKind.FILE),
    ],
)
def test_a_file_is_judged_by_what_it_is(
    key: str, name: str, media_format: str | None, kind: OutputKind
) -> None:
    """Not by the key that it comes under."""
    (made,) = given_by(key, a_file(name, format=media_format))
    assert (made.kind, made.filename, made.content_type) == (kind, name, None)
    assert (made.id, made.node_id, made.received_at) == (f"9/{key}/0", "9", NOON)


def test_a_file_is_fetched_below_the_server_address() -> None:
    """Names may have anything in them; folders are their own part of the address."""
    (made,) = given_by("images", a_file("é #1&a.png", subfolder="ref/x"))
    assert made.url == (
        "http://10.0.0.5:8188/comfy/view?filename=%C3%A9+%231%26a.png&subfolder=ref%2Fx&type=output"
    )


def test_a_file_of_which_only_the_name_is_told_is_a_result() -> None:
    """The server itself takes it from the output folder."""
    (made,) = given_by("images", {"filename": "a.png", "frame_rate": 8, "metadata": {"a": 1}})
    assert made.url is not None
    assert made.url.endswith("filename=a.png&subfolder=&type=output")


def test_what_is_no_result_is_left_out() -> None:
    """Previews and what was handed over; the others keep their places in their ids."""
    made = given_by(
        "images",
        a_file("a.png", type="temp"),
        a_file("b.png", type="input"),
        a_file("c.png"),
    )
    assert [each.id for each in made] == ["9/images/2"]


@pytest.mark.parametrize(
    ("key", "text", "query"),
    [
        ("result", "mesh/a.glb", "filename=a.glb&subfolder=mesh&type=output"),
        ("result", r"mesh\b\a.obj", "filename=a.obj&subfolder=mesh%2Fb&type=output"),
        ("result", "a.glb [output]", "filename=a.glb&subfolder=&type=output"),
    ],
)
def test_a_shown_model_is_a_file(key: str, text: str, query: str) -> None:
    """The node that shows one names it, with its folder, and tells a camera besides."""
    made = given_by(key, text, {"position": {"x": 1}}, None)
    assert [(each.kind, each.url) for each in made] == [
        (OutputKind.MODEL, f"http://10.0.0.5:8188/comfy/view?{query}")
    ]


@pytest.mark.parametrize("text", ["a.glb [temp]", "a.glb [input]"])
def test_a_shown_model_may_be_no_result(text: str) -> None:
    """As any other file."""
    assert given_by("result", text) == ()


@pytest.mark.parametrize(("key", "text"), [("text", "a.glb"), ("result", "a line"), ("string", "")])
def test_a_text_is_a_text(key: str, text: str) -> None:
    """Whatever it ends in, if it is not from the node that shows models."""
    (made,) = given_by(key, text)
    assert (made.kind, made.text, made.url) == (OutputKind.TEXT, text, None)


def test_a_text_is_kept_up_to_a_length() -> None:
    """What a record holds has an end; where it was cut, it shows."""
    (made,) = given_by("text", "x" * (texts.TEXT_KEPT + 1))
    assert made.text == "x" * (texts.TEXT_KEPT - 1) + "…"


@pytest.mark.parametrize(
    "told",
    [
        {"9": None},
        {"9": "text"},
        {"9": {"images": None}},
        {"9": {"images": "text"}},
        {"9": {"animated": [True, None, 5]}},
        {"9": {"images": [{}, {"filename": ""}, {"filename": 5}, {"filename": "x" * 1025}]}},
        {"9": {"images": [{"filename": "a.png", "subfolder": None}]}},
        {"9": {"x" * 129: [{"filename": "a.png"}]}},
        {"x" * 129: {"images": [{"filename": "a.png"}]}},
    ],
)
def test_what_does_not_fit_is_passed_over(told: dict[str, JsonValue]) -> None:
    """It spoils none of the others."""
    good: dict[str, JsonValue] = {"1": {"images": [a_file("a.png")]}}
    assert [each.id for each in comfyui.outputs(told | good, BASE, NOON)] == ["1/images/0"]


def test_a_record_keeps_so_many() -> None:
    """The first ones; no more are looked at than there is reason to."""
    made = given_by("images", *[a_file("a.png")] * (OUTPUTS_KEPT + 1))
    assert len(made) == OUTPUTS_KEPT
    assert made[-1].id == f"9/images/{OUTPUTS_KEPT - 1}"
    late = [*[None] * results.LOOKED_AT, a_file("a.png")]
    assert given_by("images", *late) == ()


words = st.text(max_size=5)
items = (
    st.none()
    | st.integers()
    | words
    | st.fixed_dictionaries({"filename": words}, optional={"type": words, "format": words})
)
keys = st.sampled_from(["images", "result", "text"]) | words
nodes = st.dictionaries(keys, st.none() | st.lists(items, max_size=3), max_size=3)


@given(st.dictionaries(words, nodes, max_size=3))
def test_anything_can_be_given(told: dict[str, JsonValue]) -> None:
    """Each id names one output."""
    made = comfyui.outputs(told, BASE, None)
    assert all(each.id.startswith(f"{each.node_id}/") for each in made)
