"""app.cli.preset_file: presets out of a file, or everything that is wrong with them."""

import re
from pathlib import Path

import pytest

from app.cli import preset_file
from app.errors import SetupError
from app.usecases.load_presets import Misfit
from processors import chains, presets
from processors.presets.checking import Problem

ROOT = Path(__file__).parents[3]
GOOD = """
presets:
  - name: a
    titles: {en: A}
    help: {en: Help}
    target: {engine: comfydeploy, deployment_id: x}
    price: {kind: fixed, credits: 1}
"""


def problems(text: str, folder: Path = ROOT) -> list[str]:
    """What is said of a text; it must be refused."""
    with pytest.raises(SetupError) as caught:
        preset_file.parse(text, "file", folder)
    return list(caught.value.problems)


def test_the_example_of_the_documentation_is_loaded() -> None:
    """It is complete, and means what it says."""
    page = (ROOT / "docs/presets.md").read_text("utf-8")
    (example,) = re.findall(r"```yaml\n(presets:.*?)```", page, re.DOTALL)

    (preset,) = preset_file.parse(example, "docs/presets.md", ROOT / "docs").presets

    assert {each.type for each in preset.inputs} == {
        "text",
        "image",
        "integer",
        "number",
        "choice",
        "boolean",
    }
    filled = presets.fill(preset, {"prompt": "a lighthouse", "photo": "https://example.com/a.png"})
    assert filled["positive_prompt"] == "a lighthouse"
    assert filled.keys() > preset.constants.keys()


@pytest.mark.parametrize("name", ["presets.yaml", "comfyui.yaml", "replicate.yaml", "chains.yaml"])
def test_the_examples_to_try_are_loaded(name: str) -> None:
    """Each has all its texts in every language, and can be ordered with its required inputs."""
    named = ("image", "person", "garment", "first", "second")
    pictures = dict.fromkeys(named, "https://example.com/a.png")
    given = {"prompt": "a lighthouse at dusk", **pictures}

    for preset in preset_file.read(ROOT / "examples" / name).presets:
        texts = [preset.titles, *(each.titles for each in preset.inputs)]
        required = {each.name: given[each.name] for each in preset.inputs if each.required}
        assert all(each.ru and each.pt for each in texts)
        assert all((preset.help.ru, preset.help.pt))
        assert presets.fill(preset, required)


def test_a_file_may_begin_with_a_mark(tmp_path: Path) -> None:
    """As some editors write it."""
    file = tmp_path / "presets.yaml"
    file.write_text(GOOD, encoding="utf-8-sig")

    assert [each.name for each in preset_file.read(file).presets] == ["a"]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """By the line and the preset's name: fields, what they say together, and names taken twice."""
    text = GOOD.replace("credits: 1", "credits: -1") + (
        "    costRate: {amount: 1, currency: EUR, unit: run}\n"
        "    inputs:\n"
        "      - {name: p, type: text, titles: {ru: x}, minlength: 5}\n"
        "  - name: b\n"
        "    titles: {en: B}\n"
        "    help: {en: Help}\n"
        "    target: {engine: comfydeploy, deployment_id: x}\n"
        "    price: {kind: fixed, credits: 1}\n"
        "    allowed: nobody\n"
        "  - name: c\n"
        "    titles: {en: C}\n"
        "    help: {en: Help}\n"
        "    target: {engine: comfydeploy, deployment_id: x}\n"
        "    price: {kind: fixed, credits: 1}\n"
        "    inputs:\n"
        "      - {name: n, type: integer, titles: {en: N}, min: 5, max: 3}\n"
        "  - name: c\n"
        "    titles: {en: C}\n"
        "    help: {en: Help}\n"
        "    target: {engine: comfydeploy, deployment_id: x}\n"
        "    price: {kind: fixed, credits: 1}\n"
        "  - titles: {en: C}\n"
        "    help: {en: Help}\n"
        "    target: {engine: comfydeploy, deployment_id: x}\n"
        "    price: {kind: fixed, credits: 1}\n"
    )

    assert problems(text) == [
        "file:7:26: presets.a.price.credits: Input should be greater than or equal to 0",
        "file:8:27: presets.a.costRate.currency: Input should be 'USD'",
        "file:10:31: presets.a.inputs.p.titles.en: Field required",
        "file:10:48: presets.a.inputs.p.minlength: Extra inputs are not permitted",
        "file:16:5: presets.b.allowed: Input should be 'all'",
        "file:16:5: presets.b.allowed: Input should be a valid array",
        "file:23:51: presets.c.inputs.n.min: is more than max",
        "file:24:5: presets.c.name: another preset has this name",
        "file:29:5: presets[4].name: Field required",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "file:1:1: holds one name and no other: presets, a list"),
        ("- a", "file:1:1: holds one name and no other: presets, a list"),
        (f"{GOOD}others: []", "file:2:1: holds one name and no other: presets, a list"),
        ("presets: []", "file:1:1: presets: is a list of 1 to 500 presets"),
        ("presets: {a: 1}", "file:1:1: presets: is a list of 1 to 500 presets"),
        (f"presets: [{'a,' * 501}]", "file:1:1: presets: is a list of 1 to 500 presets"),
        ("presets: [1]", "file:1:11: presets[0]: Input should be an object"),
        ("presets: [", "file:1:11: expected the node content, but found '<stream end>'"),
    ],
)
def test_what_is_no_list_of_presets_is_refused(text: str, said: str) -> None:
    """In one sentence."""
    assert problems(text) == [said]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff", "is not UTF-8"),
        (b"#" * 1_048_577, "is larger than 1048576 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, raw: bytes | None, said: str) -> None:
    """By the name of the file."""
    file = tmp_path / "presets.yaml"
    if raw is not None:
        file.write_bytes(raw)

    with pytest.raises(SetupError) as caught:
        preset_file.read(file)

    assert caught.value.problems == (f"{file}: {said}",)


def test_what_is_wrong_with_presets_of_others_stands_at_their_lines() -> None:
    """Of one that is stored and would break, its name is said: nothing of it is in the file."""
    written = preset_file.parse(GOOD, "file", ROOT)
    written.refuse([])
    place = Problem(("target", "engine"), "is not it")

    with pytest.raises(SetupError) as caught:
        written.refuse([Misfit("a", place), Misfit("b", place)])

    assert caught.value.problems == (
        "file:6:14: presets.a.target.engine: is not it",
        "b, which is stored, would not do: target.engine: is not it",
    )


def test_the_examples_made_of_others_fit_those() -> None:
    """Loaded after them, each can be ordered."""
    folder = ROOT / "examples"
    found = [*preset_file.read(folder / "replicate.yaml").presets]
    found += preset_file.read(folder / "chains.yaml").presets
    known = {each.name: each for each in found}

    assert [chains.misfits(each, known) for each in found] == [()] * len(found)
