"""Pictures as nodes hand them on: how they are to be drawn, drawn when they are looked at."""

import functools
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageFilter, ImageOps, PngImagePlugin

from sandbox.comfyui.values import Json

_LONGEST: Final = 1_024
"""Pixels of the longer side of what is really drawn."""
_PREVIEW: Final = (96, 96)
_PATCH: Final = 6


@dataclass(frozen=True)
class Picture:
    """One picture, or the latent that becomes it.

    Attributes:
        colour: A plain colour, 0xRRGGBB; None where there is something to see.
        dream: Whatever decides how it looks, such as the prompt and the seed.
        source: The bytes of an uploaded picture below it.
        steps: What was done to it: `invert`, `blur`.
    """

    width: int
    height: int
    colour: int | None = None
    dream: str = ""
    source: bytes | None = None
    steps: tuple[str, ...] = ()


def png(picture: Picture, about: Json) -> bytes:
    """Return the picture as a PNG that carries texts, such as the prompt, as ComfyUI's do."""
    texts = PngImagePlugin.PngInfo()
    for key, value in about.items():
        texts.add_text(key, json.dumps(value))
    return _saved(drawn(picture), "PNG", pnginfo=texts, compress_level=1)


def webp(pictures: Sequence[Picture], fps: float) -> bytes:
    """Return the pictures as an animated WebP."""
    first, *others = (drawn(one) for one in pictures)
    return _saved(first, "WEBP", save_all=True, append_images=others, duration=int(1_000 / fps))


def preview(picture: Picture, step: int, steps: int) -> bytes:
    """Return a small JPEG of a picture in the making: of noise at first, of itself at last."""
    finished, noise = _thumbnail(picture), _noise(f"{picture.dream}\0{step}", _PREVIEW)
    return _saved(Image.blend(noise, finished, step / max(steps, 1)), "JPEG", quality=70)


def size_of(data: bytes) -> tuple[int, int]:
    """Return width and height of an uploaded picture.

    Raises:
        OSError: It is none.
    """
    return Image.open(io.BytesIO(data)).size


@functools.lru_cache(maxsize=8)
def drawn(picture: Picture) -> Image.Image:
    """Return the picture itself, smaller where it would be very large."""
    share = min(1.0, _LONGEST / max(picture.width, picture.height))
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    image = _base(picture, size)
    for step in picture.steps:
        image = (
            ImageChops.invert(image) if step == "invert" else image.filter(ImageFilter.BoxBlur(2))
        )
    return image


@functools.lru_cache(maxsize=256)
def _thumbnail(picture: Picture) -> Image.Image:
    return _base(picture, _PREVIEW)


def _base(picture: Picture, size: tuple[int, int]) -> Image.Image:
    if picture.source is not None:
        given = Image.open(io.BytesIO(picture.source)).convert("RGB")
        below = ImageOps.fit(given, size)
        return Image.blend(below, _noise(picture.dream, size), 0.4) if picture.dream else below
    if picture.colour is not None and not picture.dream:
        return Image.new("RGB", size, tuple(picture.colour.to_bytes(3, "big")))
    return _noise(picture.dream, size)


def _noise(dream: str, size: tuple[int, int]) -> Image.Image:
    """Return soft patches of colour: the same for the same dream, others for another."""
    count = _PATCH * _PATCH * 3
    dice = hashlib.shake_128(dream.encode()).digest(count)
    patches = Image.frombytes("RGB", (_PATCH, _PATCH), dice)
    return ImageOps.fit(patches, size, Image.Resampling.BICUBIC)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
