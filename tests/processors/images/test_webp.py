"""processors.images.webp: how large a WebP is, by its head."""

import pytest
from PIL import Image

from processors.images.webp import is_lossless, size_of
from tests.pictures import a_picture, written


@pytest.mark.parametrize(
    ("content", "kind", "lossless"),
    [
        (a_picture("WEBP", size=(301, 77)), b"VP8 ", False),
        (a_picture("WEBP", size=(301, 77), lossless=True), b"VP8L", True),
        (a_picture("WEBP", size=(301, 77), exif=b"Exif\0\0MM"), b"VP8X", False),
        (
            written(
                Image.new("RGB", (301, 77)),
                "WEBP",
                save_all=True,
                append_images=[Image.new("RGB", (301, 77), "red")],
            ),
            b"VP8X",
            False,
        ),
    ],
)
def test_each_kind_tells_its_size(content: bytes, kind: bytes, lossless: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Simple, lossless, extended and moving ones."""
    assert content[12:16] == kind
    assert size_of(content) == (301, 77)
    assert is_lossless(content) is lossless


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFFxxxxWEBPVP8X", b"RIFFxxxxWAVE" + bytes(40), bytes(40)]
)
def test_what_tells_nothing_has_no_size(content: bytes) -> None:
    """It is left to the decoder to refuse it."""
    assert size_of(content) == (0, 0)
    assert size_of(b"RIFFxxxxWEBPODD " + bytes(40)) == (0, 0)
