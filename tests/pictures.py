"""Pictures for tests, made by Pillow as they are needed."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

ORIENTATION = 0x0112
GPS = 0x8825
MAKER = 0x010F


def a_picture(
    form: str = "PNG",
    size: tuple[int, int] = (64, 48),
    mode: str = "RGB",
    colour: Any = (200, 30, 40),  # noqa: ANN401 - as Pillow takes it
    **how: Any,  # noqa: ANN401 - as Pillow takes it
) -> bytes:
    """Return a picture of one colour in a format."""
    return written(Image.new(mode, size, colour), form, **how)


def written(picture: Image.Image, form: str = "PNG", **how: Any) -> bytes:  # noqa: ANN401 - as Pillow takes it
    """Return a picture in a format."""
    out = io.BytesIO()
    picture.save(out, form, **how)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    """Return a picture, decoded."""
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def an_exif(orientation: int = 1) -> Image.Exif:
    """Return what a telephone writes: who made it, where, and which side is up."""
    exif = Image.Exif()
    exif[MAKER] = "A telephone"
    exif[ORIENTATION] = orientation
    exif[GPS] = {1: "N", 2: (52.0, 31.0, 12.0)}
    return exif


def a_png(width: int, height: int, *chunks: tuple[bytes, bytes], data: bytes = b"") -> bytes:
    """Return a PNG that says to be of this size, whatever is in it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, content)
        for kind, content in (
            (b"IHDR", head),
            *chunks,
            (b"IDAT", zlib.compress(data)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checked
