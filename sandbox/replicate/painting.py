"""Pictures that a prediction makes: of nothing but words, or of what was given to it."""

import hashlib
import io
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw, ImageOps

from sandbox.comfydeploy import pictures

BAND: Final = 72
"""Height, in pixels, of what is added below a picture that was given."""
WIDTH: Final = 768
"""The least width, in pixels, of a picture that was made of another."""
_LONGEST: Final = 4_096
_KINDS: Final = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}
_TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def kind_of(wish: object) -> tuple[str, str]:
    """Return suffix and content type of the format that an input `output_format` asks for."""
    suffix = wish if isinstance(wish, str) and wish in _KINDS else "png"
    return suffix, _TYPES[_KINDS[suffix]]


def paint(words: str, seed: str, given: Sequence[bytes], suffix: str) -> bytes:
    """Return a picture; the same bytes for the same arguments.

    The first picture that was given is taken over, and below it a band is added: in a colour thrown
    by words and seed, with the other ones small on it, and the words. So what was made of something
    that was made shows each step it has gone through.

    Args:
        words: What was asked for.
        seed: What was thrown.
        given: Files that came with the order; those that are no pictures are left out.
        suffix: The format, such as `png`.
    """
    found = [image for image in map(_opened, given) if image is not None]
    if found:
        picture = _with_band(found[0], found[1:], words, seed)
    else:
        picture = Image.open(io.BytesIO(pictures.draw(words, seed)))
    out = io.BytesIO()
    picture.save(out, _KINDS[suffix])
    return out.getvalue()


def colour_of(words: str, seed: str) -> tuple[int, int, int]:
    """Return the colour of the band that such an order adds: dark enough for white letters."""
    red, green, blue = hashlib.shake_128(f"{words}\0{seed}".encode()).digest(3)
    return red // 2 + 30, green // 2 + 30, blue // 2 + 30


def _with_band(
    below: Image.Image, others: Sequence[Image.Image], words: str, seed: str
) -> Image.Image:
    width = min(max(below.width, WIDTH), _LONGEST)
    height = min(round(below.height * width / below.width), _LONGEST - BAND)
    picture = Image.new("RGB", (width, height + BAND), colour_of(words, seed))
    picture.paste(ImageOps.fit(below, (width, height)), (0, 0))
    left = 8
    for other in others:
        small = ImageOps.contain(other, (BAND * 2, BAND - 16))
        picture.paste(small, (left, height + 8))
        left += small.width + 8
    pen = ImageDraw.Draw(picture)
    pen.text((left, height + BAND // 3), words, font=pictures.font(20), fill="white")
    return picture


def _opened(data: bytes) -> Image.Image | None:
    try:
        return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
