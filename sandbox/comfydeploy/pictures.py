"""Pictures for a run: a sky over a sea, in colours thrown by its prompt and seed."""

import colorsys
import io
import random
import textwrap

from PIL import Image, ImageDraw, ImageFont

_SIZE = (768, 512)
_MAX_LINES = 6
_HUNG = 180
"""Pixels of the longer side of a picture that came with the order."""
_LINE_LENGTH = 44

Colour = tuple[int, int, int]


def draw(prompt: str, seed: str, given: bytes | None = None) -> bytes:
    """Return a PNG with the prompt written on it; the same bytes for the same arguments.

    Args:
        prompt: What was asked for.
        seed: What was thrown.
        given: A picture that came with the order, hung small into the corner.
    """
    # A picture needs variety, not secrecy.
    dice = random.Random(f"{prompt}\0{seed}")  # noqa: S311
    width, height = _SIZE
    picture = Image.new("RGB", _SIZE)
    pen = ImageDraw.Draw(picture, "RGBA")
    hue, horizon = dice.random(), int(height * dice.uniform(0.52, 0.66))
    dusk, glow = _colour(hue, 0.55, 0.35), _colour(hue + 0.12, 0.45, 0.98)
    for y in range(horizon):
        pen.line((0, y, width, y), fill=_between(dusk, glow, y / horizon))
    deep = _colour(hue + 0.05, 0.6, 0.22)
    for y in range(horizon, height):
        pen.line(
            (0, y, width, y), fill=_between(glow, deep, ((y - horizon) / (height - horizon)) ** 0.4)
        )
    _add_stars_and_sun(pen, dice, horizon)
    _write(pen, prompt)
    _hang(picture, given or b"")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def draw_large(seed: str) -> bytes:
    """Return a PNG of noise of more than 10 MiB, too large for a Telegram photo."""
    side = 1_900
    noise = random.Random(seed).randbytes(side * side * 3)  # noqa: S311
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), noise).save(out, "PNG", compress_level=0)
    return out.getvalue()


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return letters of this size, in pixels."""
    try:
        # The bundled font knows Latin only, and prompts come in every script.
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default(size)


def _add_stars_and_sun(pen: ImageDraw.ImageDraw, dice: random.Random, horizon: int) -> None:
    width, height = _SIZE
    for _ in range(60):
        x, y = dice.randrange(width), dice.randrange(horizon // 2)
        pen.point((x, y), fill=(255, 255, 255, dice.randrange(90, 230)))
    x, radius = dice.randrange(width // 5, width * 4 // 5), dice.randrange(30, 58)
    for ring in range(radius * 2, radius - 1, -6):
        faint = 255 if ring <= radius + 5 else 14
        pen.ellipse(
            (x - ring, horizon - ring * 1.4, x + ring, horizon + ring * 0.6),
            fill=(255, 240, 205, faint),
        )
    pen.rectangle((0, horizon, width, horizon + 1), fill=(255, 255, 255, 60))
    for _ in range(90):
        y = dice.randrange(horizon + 6, height)
        reach = 8 + (y - horizon) // 4
        left = x + dice.randrange(-reach * 3, reach * 3)
        pen.line((left, y, left + reach, y), fill=(255, 245, 220, 70), width=2)


def _write(pen: ImageDraw.ImageDraw, prompt: str) -> None:
    lines = textwrap.wrap(prompt, _LINE_LENGTH, max_lines=_MAX_LINES, placeholder=" …")
    if not lines:
        return
    text, letters = "\n".join(lines), font(26)
    left, top, right, bottom = pen.multiline_textbbox((32, 28), text, font=letters, spacing=8)
    pen.rounded_rectangle((left - 14, top - 12, right + 14, bottom + 14), 12, fill=(0, 0, 0, 110))
    pen.multiline_text((32, 28), text, font=letters, spacing=8, fill=(255, 255, 255))


def _hang(picture: Image.Image, given: bytes) -> None:
    """Show what came with the order, in a frame; what is no picture hangs nowhere."""
    try:
        small = Image.open(io.BytesIO(given)).convert("RGB")
    except (OSError, ValueError):
        return
    small.thumbnail((_HUNG, _HUNG))
    left, top = picture.width - small.width - 24, picture.height - small.height - 24
    framed = Image.new("RGB", (small.width + 8, small.height + 8), "white")
    framed.paste(small, (4, 4))
    picture.paste(framed, (left - 4, top - 4))


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _between(first: Colour, last: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, last, strict=True))
    return red, green, blue
