"""sandbox.comfydeploy.outputs and pictures: what a run makes is real and the same every time."""

import io
import zipfile

import pytest
from PIL import Image

from sandbox.comfydeploy import outputs, pictures
from sandbox.comfydeploy.faults import plan_of

PROMPT = {"prompt": "a lighthouse at dusk", "seed": 42}


def _files(kinds: str, **inputs: object) -> list[outputs.File]:
    wished = {**PROMPT, **inputs, "sandbox_outputs": kinds}
    return outputs.files_of(plan_of(wished), wished)


def test_draws_a_picture_of_the_prompt() -> None:
    """It is a whole PNG, the same for the same prompt and seed, and another for another."""
    picture = pictures.draw("sea", "1")

    with Image.open(io.BytesIO(picture)) as opened:
        opened.load()
        assert (opened.format, opened.size) == ("PNG", (768, 512))
    assert picture == pictures.draw("sea", "1")
    assert picture not in {pictures.draw("sea", "2"), pictures.draw("lake", "1")}


def test_a_picture_that_was_given_is_seen() -> None:
    """Small, in the corner; what is no picture is not."""
    out = io.BytesIO()
    Image.new("RGB", (900, 400), (1, 250, 2)).save(out, "PNG")
    with Image.open(io.BytesIO(pictures.draw("sea", "1", out.getvalue()))) as drawn:
        assert drawn.getpixel((700, 460)) == (1, 250, 2)
    assert pictures.draw("sea", "1", b"no picture") == pictures.draw("sea", "1")


def test_draws_without_a_prompt() -> None:
    """No words, no sign: only the sea."""
    assert pictures.draw("", "1").startswith(b"\x89PNG")


def test_draws_too_large_a_picture() -> None:
    """The large one is beyond what Telegram takes for a photo."""
    (large,) = _files("large")

    assert len(large.make()) > 10 * 1024 * 1024


@pytest.mark.parametrize(
    ("kind", "content_type", "mark"),
    [
        ("video", "video/mp4", b"ftyp"),
        ("svg", "image/svg+xml", b"<svg"),
        ("html", "text/html", b"<!doctype html>"),
        ("files", "application/zip", b"PK"),
    ],
)
def test_makes_other_files(kind: str, content_type: str, mark: bytes) -> None:
    """Each kind has its content type, and bytes that look like it."""
    (file,) = _files(kind)

    assert content_type == file.content_type
    assert mark in file.make()[:16]
    assert file.make() == file.make()


def test_zips_the_prompt() -> None:
    """The archive is a real one."""
    (file,) = _files("files")

    with zipfile.ZipFile(io.BytesIO(file.make())) as archive:
        assert archive.read("prompt.txt") == b"a lighthouse at dusk"


def test_makes_nothing_when_wished() -> None:
    """None is no file, and text is none either."""
    assert _files("none") == []
    assert _files("text") == []


def test_finds_some_text_to_draw() -> None:
    """Without a prompt the first text does, but no wish for the sandbox."""
    assert outputs.prompt_of({"sandbox_end": "success", "positive": "sea"}) == "sea"
    assert outputs.prompt_of({"photo": "https://a/b.png", "positive": "sea"}) == "sea"
    assert outputs.prompt_of({"seed": 1}) == ""
