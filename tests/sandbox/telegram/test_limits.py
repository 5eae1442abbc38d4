"""sandbox.telegram.limits: what is beyond Telegram's limits is refused, what is within is not."""

import pytest

from sandbox.telegram import limits
from sandbox.telegram.refusals import Refusal
from tests.sandbox.telegram.pictures import a_picture


@pytest.mark.parametrize(("raw", "reason"), [(" ", "is empty"), ("x" * 4097, "is too long")])
def test_refuses_texts(raw: str, reason: str) -> None:
    """A text has 1 to 4096 characters."""
    with pytest.raises(Refusal, match=reason):
        limits.text(raw, "")


def test_counts_after_parsing() -> None:
    """Marks do not count; an emoji counts twice."""
    assert len(limits.text(f"<b>{'x' * 4096}</b>", "HTML")) == 4096
    with pytest.raises(Refusal):
        limits.text("😀" * 2049, "")


def test_refuses_captions() -> None:
    """A caption has 0 to 1024 characters."""
    assert limits.caption("", "").plain == ""
    with pytest.raises(Refusal, match="caption is too long"):
        limits.caption("x" * 1025, "")


@pytest.mark.parametrize(
    ("kind", "size", "code"),
    [
        ("photo", 0, 400),
        ("photo", 10 * limits.MIB + 1, 400),
        ("video", 50 * limits.MIB + 1, 413),
    ],
)
def test_refuses_uploads(kind: str, size: int, code: int) -> None:
    """Empty and too large uploads are refused."""
    with pytest.raises(Refusal) as refused:
        limits.upload(kind, size)

    assert code == refused.value.code


def test_takes_uploads_within_the_limits() -> None:
    """The limits themselves are allowed."""
    limits.upload("photo", 10 * limits.MIB)
    limits.upload("video", 50 * limits.MIB)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_measures_photos(kind: str) -> None:
    """A photo is a PNG, a JPEG or a WebP."""
    assert limits.photo(a_picture(kind=kind)) == (64, 48)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no picture", "IMAGE_PROCESS_FAILED"),
        (a_picture(kind="BMP"), "IMAGE_PROCESS_FAILED"),
        (a_picture()[:-20], "IMAGE_PROCESS_FAILED"),
        (a_picture(9_600, 500), "PHOTO_INVALID_DIMENSIONS"),
        (a_picture(210, 10), "PHOTO_INVALID_DIMENSIONS"),
    ],
)
def test_refuses_photos(data: bytes, reason: str) -> None:
    """Broken, other and misshapen pictures are no photos."""
    with pytest.raises(Refusal, match=reason):
        limits.photo(data)


def test_refuses_pictures_meant_to_explode() -> None:
    """A header that promises too many pixels is refused without making them."""
    header = bytearray(a_picture(1, 1, "BMP"))
    header[18:26] = (60_000).to_bytes(4, "little") * 2

    with pytest.raises(Refusal, match="PHOTO_INVALID_DIMENSIONS"):
        limits.photo(bytes(header))


@pytest.mark.parametrize(
    "kinds",
    [
        ["photo"],
        ["photo"] * 11,
        ["photo", "document"],
        ["audio", "video"],
        ["animation", "photo"],
    ],
)
def test_refuses_albums(kinds: list[str]) -> None:
    """An album has 2 to 10 items that go together."""
    with pytest.raises(Refusal):
        limits.album(kinds)


@pytest.mark.parametrize("kinds", [["photo", "video"], ["document"] * 10, ["audio"] * 2])
def test_takes_albums(kinds: list[str]) -> None:
    """Photos go with videos, documents and audio with their own kind."""
    limits.album(kinds)
