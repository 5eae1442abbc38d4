"""app.cli.job_file: an order in a file, and what is given beside it."""

from pathlib import Path
from typing import Any

import pytest

from app.cli import job_file
from app.errors import SetupError

ORDER = """
presets: [mine.yaml]
manual: true
steps:
  - preset: photo
    inputs: {prompt: somebody}
  - preset: wear
    bindings: {person: {step: 1}}
    over:
      garment: [{file: coat.png}, {file: hat.png}, "https://example.com/scarf.png"]
"""


def written(folder: Path, text: str = ORDER) -> Path:
    """A file with an order."""
    path = folder / "order.yaml"
    path.write_text(text)
    return path


def test_an_order_is_as_the_api_takes_it(tmp_path: Path) -> None:
    """Its pictures are files that lie beside it, and are named by the service in the end."""
    file = job_file.read(written(tmp_path))
    coat, hat = tmp_path / "coat.png", tmp_path / "hat.png"

    assert file.presets == (tmp_path / "mine.yaml",)
    assert list(file.pictures()) == [coat, hat]
    assert file.with_pictures({coat: "media:a", hat: "media:b"}) == {
        "manual": True,
        "steps": [
            {"preset": "photo", "inputs": {"prompt": "somebody"}},
            {
                "preset": "wear",
                "bindings": {"person": {"step": 1}},
                "over": {"garment": ["media:a", "media:b", "https://example.com/scarf.png"]},
            },
        ],
    }


def test_what_is_given_goes_before_what_the_file_says(tmp_path: Path) -> None:
    """To the first step, or to another by its number; texts, JSON and pictures."""
    file = job_file.read(written(tmp_path))
    job_file.put(file, ["prompt=a=b", "seed:=7", "2.hat@=me.png"])
    first, second = file.body["steps"]

    assert first["inputs"] == {"prompt": "a=b", "seed": 7}
    assert second["inputs"] == {"hat": Path("me.png")}


def test_a_preset_alone_has_inputs_of_its_own(tmp_path: Path) -> None:
    """As the API takes it; JSON is YAML too."""
    file = job_file.read(written(tmp_path, '{"preset": "photo", "notify": {"telegramChatId": 1}}'))
    job_file.put(file, ["prompt=the sea"])

    assert file.body == {
        "preset": "photo",
        "notify": {"telegramChatId": 1},
        "inputs": {"prompt": "the sea"},
    }


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff", "is not UTF-8"),
        (b"#" * 1_048_577, "is larger than 1048576 bytes"),
        (b"- a", "1:1: is an order: preset, or steps"),
        (b"preset: a\nuser: b", "2:1: user: is none of inputs, manual, notify, preset, presets,"),
        (b"presets: mine.yaml", "1:1: presets: is a list of files"),
        (b"presets: [1]", "1:1: presets: is a list of files"),
        (b"steps: [", "expected the node content"),
    ],
)
def test_what_is_no_order_is_refused(tmp_path: Path, raw: bytes | None, said: str) -> None:
    """By the file, and by the line where there is one."""
    path = tmp_path / "order.yaml"
    if raw is not None:
        path.write_bytes(raw)

    with pytest.raises(SetupError) as caught:
        job_file.read(path)

    assert caught.value.problems[0].startswith(str(path))
    assert said in caught.value.problems[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("prompt", "is not NAME=TEXT, NAME:=JSON or NAME@=FILE"),
        ("3.prompt=x", "there is no step 3"),
        ("seed:=many", "is not JSON; for text, leave out the colon"),
    ],
)
def test_what_cannot_be_given_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str, said: str
) -> None:
    """In the words that were typed."""
    file = job_file.read(written(tmp_path))

    with pytest.raises(SystemExit):
        job_file.put(file, [given])

    assert said in capsys.readouterr().err


@pytest.mark.parametrize("steps", [[], ["photo"], [{"preset": "a", "inputs": "b", "over": 1}]])
def test_what_only_the_service_can_judge_is_left_to_it(tmp_path: Path, steps: list[Any]) -> None:
    """It says what is wrong by its name."""
    file = job_file.read(written(tmp_path, f"steps: {steps}"))

    assert list(file.pictures()) == []
    assert file.body == {"steps": steps}
