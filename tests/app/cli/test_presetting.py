"""`runrelay presets`: what people can order is loaded whole, and listed."""

import re
from pathlib import Path

import pytest

from tests.app.cli.running import Service, answering, run
from tests.graphs import DIGEST, RAW

EXAMPLES = Path(__file__).parents[3] / "examples/presets.yaml"
ONE = """
presets:
  - name: one
    titles: {en: "One [red]"}
    help: {en: Help}
    target: {engine: comfydeploy, deployment_id: x}
    costRate: {amount: 0.01, unit: run}
    price: {kind: cost, factor: 2, floor: 1, hold: {kind: fixed, credits: 3}}
    allowed: [member]
"""
_DEPLOYMENT = "{engine: comfydeploy, deployment_id: x}"


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database of the test's own, empty."""
    return {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": f"cli_{abs(hash(request.node.name))}"}


def test_presets_are_loaded_listed_and_loaded_again(
    tmp_path: Path, database: dict[str, str]
) -> None:
    """The second time nothing changes; then a change is shown, and what is pruned."""
    file = tmp_path / "one.yaml"
    file.write_text(ONE)

    empty = run("presets", "list", data_dir=tmp_path, **database)
    first = run("presets", "load", str(EXAMPLES), "--yes", data_dir=tmp_path, **database)
    again = run("presets", "load", str(EXAMPLES), data_dir=tmp_path, **database)
    other = run("presets", "load", str(file), "--yes", "--prune", data_dir=tmp_path, **database)
    file.write_text(ONE.replace("factor: 2", "factor: 2.5").replace("allowed: [member]", ""))
    changed = run("presets", "load", str(file), "-y", data_dir=tmp_path, **database)
    listed = run("presets", "list", data_dir=tmp_path, **database)

    assert empty.out.startswith("no presets")
    assert "+ t2i  is new" in first.out
    assert "    takes image, prompt, keep_faces?" in first.out
    assert "    8 credits, for member, admin" in first.out
    assert "Loaded: 3 new, 0 changed." in first.out
    assert again.out.startswith("Nothing changes")
    assert "- t2i  is made inactive, version 1 becomes 2" in other.out
    assert "Loaded: 1 new, 3 changed." in other.out
    assert "~ one  version 1 becomes 2" in changed.out
    assert '    price.factor: "2" -> "2.5"' in changed.out
    assert '    allowed: ["member"] -> "all"' in changed.out
    assert [each.code for each in (first, again, other, changed, listed)] == [0] * 5
    assert "t2i (inactive)" in listed.out
    assert "One [red]" in listed.out
    assert "2.5 x cost, at least 1" in listed.out
    assert "5 credits" in listed.out


def test_a_workflow_is_loaded_with_its_preset(tmp_path: Path, database: dict[str, str]) -> None:
    """It is named by the beginning of its digest, and kept by the time its preset is there."""
    file, graph = tmp_path / "one.yaml", tmp_path / "sea.json"
    file.write_text(ONE.replace(_DEPLOYMENT, "{engine: comfyui, workflow: sea.json}"))
    graph.write_bytes(RAW)
    command = ("presets", "load", str(file), "--yes")
    first = run(*command, data_dir=tmp_path, **database)
    again = run(*command, data_dir=tmp_path, **database)
    graph.write_bytes(RAW.replace(b"64", b"128"))
    changed = run(*command, data_dir=tmp_path, **database)
    file.write_text(ONE)
    gone = run(*command, data_dir=tmp_path, **database)
    saved = run("backup", str(tmp_path / "one.backup"), data_dir=tmp_path, **database)

    assert f"    comfyui, workflow {DIGEST[:12]} (2 nodes)\n" in first.out
    assert again.out.startswith("Nothing changes")
    assert f'    target.workflow: "{DIGEST[:12]}" -> "' in changed.out
    assert ' (2 nodes)"\n' in changed.out
    assert "    target.workflow: " in gone.out
    assert '" is taken away' in gone.out
    assert "workflows 2" in saved.out


def test_what_comes_and_goes_is_said(tmp_path: Path, database: dict[str, str]) -> None:
    """And a long value is cut."""
    file = tmp_path / "one.yaml"
    file.write_text(f"{ONE}    active: false\n")
    first = run("presets", "load", str(file), "--yes", data_dir=tmp_path, **database)
    file.write_text(f"{ONE}    constants: {{seed: 5, text: {'x' * 200}}}\n")
    second = run("presets", "load", str(file), "--yes", data_dir=tmp_path, **database)
    file.write_text(ONE)
    third = run("presets", "load", str(file), "--yes", data_dir=tmp_path, **database)

    assert "    takes nothing\n    2 x cost, at least 1, for member, inactive" in first.out
    assert f'    constants.text: "{"x" * 98}…' in second.out
    assert "    active: false -> true" in second.out
    assert "    constants.seed: 5 is taken away" in third.out


def test_nothing_is_loaded_without_a_yes(tmp_path: Path, database: dict[str, str]) -> None:
    """Nor where nobody can be asked."""
    command = ("presets", "load", str(EXAMPLES))
    nobody = run(*command, data_dir=tmp_path, **database)
    no = run(*command, data_dir=tmp_path, typed="n\n", **database)
    still_empty = run("presets", "list", data_dir=tmp_path, **database)
    yes = run(*command, data_dir=tmp_path, typed="y\n", **database)

    assert (nobody.code, no.code, yes.code) == (1, 1, 0)
    assert "Nothing was loaded." in nobody.out
    assert "Nothing was loaded." in no.out
    assert still_empty.out.startswith("no presets")
    assert "Loaded: 3 new" in yes.out


def test_nothing_is_loaded_if_anything_is_wrong(tmp_path: Path, database: dict[str, str]) -> None:
    """The good preset is not either; everything wrong is told."""
    file = tmp_path / "bad.yaml"
    file.write_text(f"{ONE}  - name: BAD\n    titles: {{ru: x}}\n")

    answer = run("presets", "load", str(file), "--yes", data_dir=tmp_path, **database)

    assert answer.code == 2
    assert f"{file}:10:5: presets.BAD.name: " in answer.err
    assert "presets.BAD.titles.en: Field required" in answer.err
    assert run("presets", "list", data_dir=tmp_path, **database).out.startswith("no presets")


def test_a_running_service_shows_what_is_loaded(service: Service) -> None:
    """At once, and a backup of it holds the presets too."""
    loaded = run("presets", "load", str(EXAMPLES), "--yes", data_dir=service.data_dir)
    with answering(service) as client:
        answer = client.get("/api/presets?language=pt")
    saved = run("backup", str(service.data_dir / "one.backup"), data_dir=service.data_dir)

    assert loaded.code == 0, loaded.err
    # Others have loaded theirs into the same service.
    assert {each["title"] for each in answer.json()["items"]} >= {
        "Imagem a partir de imagem",
        "Imagem a partir de texto",
        "Imagem detalhada a partir de texto",
    }
    assert re.search(r"presets ([3-9]|\d\d)", saved.out)
