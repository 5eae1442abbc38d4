"""Make of a stranger's file a plain picture: what it shows, and nothing that it says besides.

What it is is judged by its content, how large it is by its head, before anything of it is
decoded. The picture is decoded once, turned as its EXIF says, brought to the colours that every
program assumes, and written anew: no metadata, no comment, no profile and nothing hidden behind
the end of the picture comes along. The same bytes make the same bytes.
"""

import io
import warnings
from collections.abc import Mapping
from typing import Any, Final

from PIL import Image, ImageCms

from processors.errors import ImageFault, ImageRefusedError
from processors.images.webp import is_lossless, size_of
from schemas.base import Value

# What is odd about a stranger's picture is for nobody's terminal; that it is a bomb is refused.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
warnings.simplefilter("error", Image.DecompressionBombWarning)


class Limits(Value):
    """What a picture may have at most."""

    size: int = 20 * 1024 * 1024
    """Bytes as it is given; what a bot may download of Telegram at most."""
    pixels: int = 32_000_000
    """As it is decoded, each takes four bytes of memory, and for a moment twice that."""
    side: int = 16_383
    """Pixels of its longer side; WebP has no more."""
    made: int = 64 * 1024 * 1024
    """Bytes as it is written anew."""


class Prepared(Value):
    """A picture as it is kept."""

    content: bytes
    content_type: str
    width: int
    height: int


LIMITS: Final = Limits()

_FORMATS: Final[Mapping[str, str]] = {"PNG": "PNG", "JPEG": "JPEG", "MPO": "JPEG", "WEBP": "WEBP"}
"""What a format, as Pillow calls it, is written as; a PNG where it is not here, as for a GIF."""
_MOVING: Final = (b"\x1f\x8b", b"\x1a\x45\xdf\xa3")
"""Begin animated stickers (.tgs is gzip) and films (.webm)."""
_ORIENTATION: Final = 0x0112
_TURNS: Final[Mapping[int, Image.Transpose]] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By EXIF orientation (CIPA DC-008, 4.6.4)."""
_ICC_MODES: Final[Mapping[str, str]] = {"RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"}
"""Modes whose colours a profile is applied to, and what they become."""


def prepare(content: bytes, limits: Limits = LIMITS) -> Prepared:
    """Return the picture in a file, ready to be kept. Of a moving one it is the first.

    It takes up to seconds, so it is not for an event loop.

    Raises:
        ImageRefusedError: It is none that is taken, or larger than the limits.
    """
    if len(content) > limits.size:
        raise ImageRefusedError(ImageFault.TOO_LARGE, {"maxBytes": limits.size})
    picture = _opened(content, limits)
    try:
        made = _plain(picture)
        written = _written(made, _FORMATS.get(picture.format or "", "PNG"), content)
    except Exception as error:
        # Decoders that are fed by strangers raise whatever there is.
        raise ImageRefusedError(ImageFault.DAMAGED) from error
    if len(written.content) > limits.made:
        raise ImageRefusedError(ImageFault.TOO_LARGE, {"maxBytes": limits.made})
    return written


def _opened(content: bytes, limits: Limits) -> Image.Image:
    """Read the head of a picture, and nothing more."""
    if not content:
        raise ImageRefusedError(ImageFault.EMPTY)
    if content.startswith(_MOVING) or content[4:8] == b"ftyp":
        raise ImageRefusedError(_moving(content))
    # Pillow makes room for all of a WebP as it opens it.
    _check(size_of(content), limits)
    try:
        picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP", "GIF"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many(limits) from error
    except Image.UnidentifiedImageError as error:
        raise ImageRefusedError(_unknown(content)) from error
    except Exception as error:
        raise ImageRefusedError(ImageFault.DAMAGED) from error
    _check(picture.size, limits)
    return picture


def _moving(content: bytes) -> ImageFault:
    """Tell films from pictures in the same kind of box (HEIC, AVIF)."""
    pictures = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
    return ImageFault.FORMAT if content[8:12] in pictures else ImageFault.MOVING


def _unknown(content: bytes) -> ImageFault:
    """Tell what only begins like a picture from what is something else."""
    begins = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")
    begun = content.startswith(begins) or content[8:12] == b"WEBP"
    return ImageFault.DAMAGED if begun else ImageFault.FORMAT


def _check(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.pixels or max(size) > limits.side:
        raise _too_many(limits)


def _too_many(limits: Limits) -> ImageRefusedError:
    bounds = {"maxPixels": limits.pixels, "maxSide": limits.side}
    return ImageRefusedError(ImageFault.TOO_MANY_PIXELS, bounds)


def _plain(picture: Image.Image) -> Image.Image:
    """Decode a picture: grey or in colours, with alpha or without, the right way up."""
    picture.load()
    turn = _TURNS.get(_orientation(picture))
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I"):
        # Sixteen bits; what is converted without this is cut off at 255.
        scaled = picture.point(lambda value: value * (1 / 256))  # pyright: ignore[reportUnknownMemberType] - its overload for NumPy
        picture = scaled.convert("L")
    plain = _coloured(picture, profile)
    if turn is not None:
        plain = plain.transpose(turn)
    plain.info = {}
    return plain


def _orientation(picture: Image.Image) -> int:
    """Return how a picture is to be turned; 1, as it is, where its EXIF makes no sense."""
    try:
        said = picture.getexif().get(_ORIENTATION)
    except Exception:  # noqa: BLE001 - as everything that decodes: it raises whatever there is
        return 1
    return said if isinstance(said, int) else 1


def _coloured(picture: Image.Image, profile: object) -> Image.Image:
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif picture.mode not in {"L", *_ICC_MODES}:
        picture = picture.convert("RGB")
    mode = _ICC_MODES.get(picture.mode)
    if mode is None:
        return picture
    return _standard(picture, profile, mode) if profile else picture.convert(mode)


def _standard(picture: Image.Image, profile: object, mode: str) -> Image.Image:
    """Bring colours to sRGB; a profile that is none, or is for other colours, is passed over."""
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(bytes(profile)))  # pyright: ignore[reportArgumentType] - what is none is passed over
        standard = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - made in C
        converted = ImageCms.profileToProfile(picture, given, standard, outputMode=mode)
    except Exception:  # noqa: BLE001 - as everything that decodes
        converted = None
    return picture.convert(mode) if converted is None else converted


def _written(picture: Image.Image, form: str, content: bytes) -> Prepared:
    out, how = io.BytesIO(), dict[str, Any]()
    if form == "JPEG":
        how = {"quality": 92, "subsampling": 0, "optimize": False}
    elif form == "WEBP":
        how = {"quality": 92, "method": 2, "lossless": is_lossless(content)}
    picture.save(out, form, **how)
    width, height = picture.size
    return Prepared(
        content=out.getvalue(), content_type=f"image/{form.lower()}", width=width, height=height
    )
