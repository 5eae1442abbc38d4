"""Which file of a Telegram message is a picture, before anything of it is downloaded.

A photo comes in several sizes, a picture sent as a file is a document, and a sticker that does
not move is a WebP (core.telegram.org/bots/api#message). What the file really is shows only when
it is there.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from processors.errors import ImageFault, ImageRefusedError, RefusedBodyError
from schemas.base import Value

DOWNLOAD_MOST: Final = 20 * 1024 * 1024
"""Bytes of a file that a bot can download (core.telegram.org/bots/api#getfile)."""


class Found(Value):
    """A file to be downloaded."""

    file_id: str
    file_size: int | None = None
    """Bytes, where Telegram says."""


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    file_id: str
    file_size: int | None = None


class _Size(_Sent):
    width: int
    height: int


class _Document(_Sent):
    mime_type: str | None = None


class _Sticker(_Sent):
    is_animated: bool = False
    is_video: bool = False


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    photo: tuple[_Size, ...] = ()
    sticker: _Sticker | None = None
    animation: _Sent | None = None
    video: _Sent | None = None
    video_note: _Sent | None = None
    document: _Document | None = None


_TAKEN: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_MOVING: Final = ("video/", "application/x-tgsticker")


def picture_in(message: Mapping[str, object]) -> Found | None:
    """Return the picture that a message brings; None where it brings no file of such a kind.

    Of a photo it is the largest size that can be downloaded.

    Args:
        message: A `Message` as Telegram sends it.

    Raises:
        ImageRefusedError: What it brings is no picture that we take.
        RefusedBodyError: It is no message.
    """
    try:
        read = _Message.model_validate(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RefusedBodyError("schema", first["msg"], field) from None
    # A GIF that moves comes as a document, too.
    if read.animation or read.video or read.video_note:
        raise ImageRefusedError(ImageFault.MOVING)
    if read.sticker is not None and (read.sticker.is_animated or read.sticker.is_video):
        raise ImageRefusedError(ImageFault.MOVING)
    if read.document is not None:
        _check_type(read.document.mime_type)
    sent = _photo(read.photo) or read.sticker or read.document
    if sent is None:
        return None
    if (sent.file_size or 0) > DOWNLOAD_MOST:
        raise ImageRefusedError(ImageFault.TOO_LARGE, {"maxBytes": DOWNLOAD_MOST})
    return Found(file_id=sent.file_id, file_size=sent.file_size)


def _photo(sizes: tuple[_Size, ...]) -> _Sent | None:
    """Return the largest size that can be downloaded, else the smallest there is."""
    ordered = sorted(sizes, key=lambda size: size.width * size.height)
    fitting = [size for size in ordered if (size.file_size or 0) <= DOWNLOAD_MOST]
    return fitting[-1] if fitting else next(iter(ordered), None)


def _check_type(mime_type: str | None) -> None:
    """Refuse what its sender's word rules out; what has none is judged when it is there."""
    said = (mime_type or "").lower()
    if said.startswith(_MOVING):
        raise ImageRefusedError(ImageFault.MOVING)
    if said and said not in _TAKEN:
        raise ImageRefusedError(ImageFault.FORMAT)
