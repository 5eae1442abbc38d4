"""What Telegram refuses: texts, captions, pictures, files and albums beyond its limits.

The limits are those of https://core.telegram.org/bots/api (Bot API 10.3).
"""

import io
import warnings
from collections.abc import Sequence
from typing import Final

from PIL import Image, UnidentifiedImageError

from sandbox.telegram import entities
from sandbox.telegram.entities import Text
from sandbox.telegram.refusals import Refusal

MAX_TEXT: Final = 4096
MAX_CAPTION: Final = 1024
MAX_PHOTO_SIDES: Final = 10_000
MAX_PHOTO_RATIO: Final = 20
MIB: Final = 1024 * 1024
UPLOAD_BYTES: Final = {"photo": 10 * MIB}
ANY_UPLOAD_BYTES: Final = 50 * MIB
URL_BYTES: Final = {"photo": 5 * MIB}
ANY_URL_BYTES: Final = 20 * MIB
URL_DOCUMENTS: Final = frozenset({"image/gif", "application/pdf", "application/zip"})
ALBUM: Final = range(2, 11)
_DIMENSIONS: Final = "PHOTO_INVALID_DIMENSIONS"
_ALONE: Final = ("document", "audio")


def text(raw: str, parse_mode: str) -> Text:
    """Return a message's text, parsed.

    Raises:
        Refusal: It is empty, too long or not well-formed.
    """
    parsed = entities.parse(raw, parse_mode)
    if not parsed.plain:
        raise Refusal("message text is empty")
    if len(parsed) > MAX_TEXT:
        raise Refusal("message is too long")
    return parsed


def caption(raw: str, parse_mode: str) -> Text:
    """Return a caption, parsed; an empty one is allowed.

    Raises:
        Refusal: It is too long or not well-formed.
    """
    parsed = entities.parse(raw, parse_mode)
    if len(parsed) > MAX_CAPTION:
        raise Refusal("message caption is too long")
    return parsed


def upload(kind: str, size_bytes: int) -> None:
    """Refuse an upload that is empty or too large for its kind.

    Raises:
        Refusal: It is.
    """
    if size_bytes == 0:
        raise Refusal("file must be non-empty")
    if size_bytes > ANY_UPLOAD_BYTES:
        raise Refusal("Request Entity Too Large", code=413)
    most = UPLOAD_BYTES.get(kind, ANY_UPLOAD_BYTES)
    if size_bytes > most:
        raise Refusal(
            f"file of size {size_bytes} bytes is too big for a {kind};"
            f" the maximum size is {most} bytes"
        )


def photo(data: bytes) -> tuple[int, int]:
    """Return width and height of a photo that a bot uploads, in pixels.

    Raises:
        Refusal: It is no PNG, JPEG or WebP picture, or its sides are too long or too unequal.
    """
    width, height = picture(data)
    if width + height > MAX_PHOTO_SIDES:
        raise Refusal(_DIMENSIONS)
    return width, height


def picture(data: bytes) -> tuple[int, int]:
    """Return width and height of what is to become a photo, in pixels.

    Raises:
        Refusal: It is no PNG, JPEG or WebP picture, or its sides are too unequal.
    """
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as opened:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            kind, (width, height) = opened.format, opened.size
            opened.verify()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Refusal("IMAGE_PROCESS_FAILED") from error
    except Image.DecompressionBombError as error:
        raise Refusal(_DIMENSIONS) from error
    if kind not in {"PNG", "JPEG", "WEBP"}:
        raise Refusal("IMAGE_PROCESS_FAILED")
    if max(width, height) > MAX_PHOTO_RATIO * min(width, height):
        raise Refusal(_DIMENSIONS)
    return width, height


def album(kinds: Sequence[str]) -> None:
    """Refuse an album of too few or too many items, or of kinds that do not go together.

    Raises:
        Refusal: It is one.
    """
    if len(kinds) not in ALBUM:
        raise Refusal("an album must have 2-10 items")
    for kind in kinds:
        if kind not in {"photo", "video", *_ALONE}:
            raise Refusal(f'type "{kind}" can\'t be used in an album')
    for kind in _ALONE:
        if kind in kinds and set(kinds) != {kind}:
            raise Refusal(f"{kind} can't be mixed with other media types")
