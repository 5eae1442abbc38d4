"""processors.protocols.comfyui.checking: what a workflow needs and a server does not have."""

from typing import Any, Final

import pytest
from pydantic import JsonValue

from processors.protocols import comfyui
from tests.processors.protocols.comfyui.recorded import a_graph, a_node, answers, raw

RECORDED: Final[dict[str, JsonValue]] = {
    name: info for each in answers("/object_info/") for name, info in each.items()
}


def found(node: object, declared: object) -> tuple[str, ...]:
    """What is said of node 7 of class A when the server declares its input ``x`` so."""
    info: dict[str, Any] = {"A": {"input": {"required": {"x": declared}}}}
    return comfyui.unknown(comfyui.parse(raw({"7": node})), info)


def test_a_server_that_has_everything_is_not_complained_of() -> None:
    """The recorded classes fit a workflow of theirs."""
    told = {
        "1": a_node("EmptyImage", width=64, height=48, batch_size=1, color=0),
        "2": a_node(
            "ImageScale", image=["1", 0], upscale_method="lanczos", width=8, height=8, crop="center"
        ),
        "3": a_node("SaveImage", images=["2", 0], filename_prefix="x"),
    }
    assert comfyui.unknown(comfyui.parse(raw(told)), RECORDED) == ()


def test_classes_that_a_server_lacks_are_named() -> None:
    """With the title and the id of each node that is of them."""
    assert comfyui.unknown(comfyui.parse(raw(a_graph())), RECORDED) == (
        "Load Checkpoint (node 4): the server has no node CheckpointLoaderSimple",
        "Positive (node 6): the server has no node CLIPTextEncode",
        "KSampler (node 12:7): the server has no node KSampler",
    )


def test_a_choice_that_there_is_not_is_named() -> None:
    """As the recorded server itself refuses it."""
    told = {"2": a_node("ImageScale", upscale_method="magic", crop="center")}
    assert comfyui.unknown(comfyui.parse(raw(told)), RECORDED) == (
        "ImageScale (node 2): upscale_method: magic is not among its choices",
    )


@pytest.mark.parametrize(
    "declared", [[["a.ckpt"]], [["a.ckpt"], {}], ["COMBO", {"options": ["a.ckpt"]}]]
)
def test_a_missing_model_is_named(declared: object) -> None:
    """Whichever way the server lists its files."""
    assert found(a_node("A", "Load", x="a.ckpt"), declared) == ()
    assert found(a_node("A", "Load", x="b.ckpt"), declared) == (
        "Load (node 7): model b.ckpt is not on the server",
    )


@pytest.mark.parametrize(
    "declared",
    [
        ["STRING", {"default": ""}],
        ["COMBO", {"remote": {"route": "/files"}}],
        ["COMBO"],
        [["a.png"], {"image_upload": True}],
        ["COMBO", {"options": ["a.wav"], "audio_upload": True}],
        [],
        "STRING",
        None,
    ],
)
def test_what_has_no_fixed_choice_is_not_compared(declared: object) -> None:
    """Files that are uploaded are chosen from a list that is of before the upload."""
    assert found(a_node("A", x="b.png"), declared) == ()


def test_inputs_that_are_linked_or_not_declared_are_not_compared() -> None:
    """The server passes over an input that a class does not declare."""
    told = {"7": a_node("A", x=["8", 0], y="z"), "8": a_node("A", x=1)}
    info: dict[str, JsonValue] = {"A": {"input": {"optional": {"x": [[1, 2]]}}}}
    assert comfyui.unknown(comfyui.parse(raw(told)), info) == ()


def test_each_of_several_choices_is_compared() -> None:
    """Some inputs take a list."""
    assert found(a_node("A", x=["a", "b"]), [["a", "c"]]) == (
        "A (node 7): x: b is not among its choices",
    )


@pytest.mark.parametrize("told", [None, {}, {"input": []}, {"input": {"required": 5}}])
def test_an_odd_declaration_says_nothing(told: JsonValue) -> None:
    """A class that the server has is not missing because we cannot read what it takes."""
    assert comfyui.unknown(comfyui.parse(raw({"7": a_node("A", x=1)})), {"A": told}) == ()
