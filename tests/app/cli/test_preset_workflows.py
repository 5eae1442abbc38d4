"""app.cli.preset_workflows: what a preset's workflow may be, and what may lead into it."""

import json
import os
from pathlib import Path

import pytest

from app.cli import preset_file
from app.errors import SetupError
from processors.protocols import comfyui
from schemas.preset import WorkflowTarget
from tests.graphs import CANONICAL, DIGEST, GRAPH, RAW


def a_file(workflow: str, rest: str = "") -> str:
    """The text of a file with one preset, which runs a workflow."""
    return f"""
presets:
  - name: a
    titles: {{en: A}}
    help: {{en: Help}}
    price: {{kind: fixed, credits: 1}}
    target: {{engine: comfyui, workflow: {workflow}}}
{rest}"""


def refused(text: str, folder: Path) -> list[str]:
    """What is said of a text, without the file, the line and the preset."""
    with pytest.raises(SetupError) as caught:
        preset_file.parse(text, "file", folder)
    return [each.partition("presets.a.")[2] for each in caught.value.problems]


@pytest.mark.parametrize("named", ["sea.json", "./sea.json", "below/it/sea.json"])
def test_a_workflow_may_lie_beside_its_preset(tmp_path: Path, named: str) -> None:
    """Or below; it is kept as its canonical JSON, under the digest of that."""
    path = tmp_path / named
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(RAW)
    (tmp_path / "presets.yaml").write_text(a_file(named))

    written = preset_file.read(tmp_path / "presets.yaml")

    assert written.presets[0].target == WorkflowTarget(engine="comfyui", workflow=DIGEST)
    assert written.workflows.keys() == {DIGEST}
    drawn = written.workflows[DIGEST]
    assert (drawn.raw, drawn.workflow) == (CANONICAL, comfyui.parse(RAW))
    assert drawn.where == f"{tmp_path}/presets.yaml:7:31: presets.a.target.workflow: "


def test_a_workflow_may_stand_in_its_preset(tmp_path: Path) -> None:
    """The same one by its file and as it is, in two presets, is one workflow."""
    (tmp_path / "sea.json").write_bytes(RAW)
    again = a_file("sea.json").replace("name: a", "name: b").replace("\npresets:\n", "")
    third = again.replace("name: b", "name: c")

    written = preset_file.parse(a_file(json.dumps(GRAPH)) + again + third, "file", tmp_path)

    assert len(written.presets) == 3
    assert written.workflows.keys() == {DIGEST}
    assert written.workflows[DIGEST].where == "file:7:31: presets.a.target.workflow: "


@pytest.mark.parametrize(
    ("workflow", "said"),
    [
        ("sea.json", "sea.json: cannot be read: No such file or directory"),
        ('"a\\0.json"', "a .json: is no file in the folder of this one, or below it"),
        ("../sea.json", "../sea.json: is no file in the folder of this one, or below it"),
        ("below/../sea.json", "below/../sea.json: is no file in the folder of this one, or below"),
        ("/etc/passwd", "/etc/passwd: is no file in the folder of this one, or below it"),
        ('""', ": is no file in the folder of this one, or below it"),
        ("link.json", "link.json: a link leads there, and links are not followed"),
        ("link/sea.json", "link/sea.json: a link leads there, and links are not followed"),
        ("below", "below: is no file"),
        ("pipe", "pipe: is no file"),
        ("text.json", "text.json: it is not JSON"),
        ("large.json", "large.json: the file is larger than 1 MiB"),
        ("editor.json", "editor.json: this is a file of ComfyUI's editor"),
        ("{nodes: []}", "this is a file of ComfyUI's editor"),
        ("{'1': {class_type: A, inputs: {x: ['2', 0]}}}", "node 1/x: it links to node 2, which"),
        ("[1]", "is the name of a file, or the workflow itself"),
        ("", "is the name of a file, or the workflow itself"),
    ],
)
def test_what_is_no_workflow_is_refused(tmp_path: Path, workflow: str, said: str) -> None:
    """By its place; what lies elsewhere is not looked at."""
    folder = tmp_path / "presets"
    (folder / "below").mkdir(parents=True)
    (tmp_path / "sea.json").write_bytes(RAW)
    (folder / "link.json").symlink_to(tmp_path / "sea.json")
    (folder / "link").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    (folder / "text.json").write_text("a lighthouse")
    (folder / "large.json").write_bytes(b" " * (1 << 20) + RAW)
    (folder / "editor.json").write_text('{"nodes": [], "links": []}')

    (problem,) = refused(a_file(workflow), folder)

    assert problem.startswith(f"target.workflow: {said}")


def test_a_preset_without_a_workflow_is_refused(tmp_path: Path) -> None:
    """And what else is wrong with its target."""
    text = a_file("").replace(", workflow: ", "")
    other = a_file("x").replace("comfyui", "comfydeploy")

    assert refused(text, tmp_path) == ["target.workflow: Field required"]
    assert refused(other, tmp_path) == [
        "target.deployment_id: Field required",
        "target.workflow: Extra inputs are not permitted",
    ]


REST = """\
    inputs:
      - {name: width, type: integer, titles: {en: W}, to: 1/width}
      - {name: height, type: integer, titles: {en: H}, to: 1/height}
      - {name: node, type: integer, titles: {en: N}, to: 3/width}
      - {name: link, type: integer, titles: {en: L}, to: 2/images}
    constants:
      1/color: ["1", 0]
      2/prefix: sea
"""


def test_everything_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    """Inputs and constants, each by its place."""
    linked = "it is linked to another node, so nothing can be put there"

    assert refused(a_file(json.dumps(GRAPH), REST), tmp_path) == [
        "inputs.height.to: leads to 1/height: node EmptyImage has no such input",
        "inputs.node.to: leads to 3/width: the workflow has no such node",
        f"inputs.link.to: leads to 2/images: {linked}",
        "constants.1/color: leads to 1/color: what is given for it reads as a link",
        "constants.2/prefix: leads to 2/prefix: node SaveImage has no such input",
    ]


def test_what_is_no_field_is_told_once(tmp_path: Path) -> None:
    """An input without `to` goes nowhere: its own name is no field."""
    rest = """\
    inputs:
      - {name: color, type: integer, titles: {en: C}}
    constants: {color_2: 5}
"""
    assert refused(a_file(json.dumps(GRAPH), rest), tmp_path) == [
        "inputs.color.to: names a field of a node, as in 6/text",
        "constants.color_2: names a field of a node, as in 6/text",
    ]


def test_a_workflow_that_is_refused_does_not_hide_the_rest(tmp_path: Path) -> None:
    """What leads into it cannot be said."""
    (tmp_path / "empty.json").write_text("{}")
    rest = f"{REST}    priority: 11\n    maxAttempts: 0\n"

    assert refused(a_file("empty.json", rest), tmp_path) == [
        "target.workflow: empty.json: there are no nodes in it",
        "priority: Input should be less than or equal to 10",
        "maxAttempts: Input should be greater than or equal to 1",
    ]
