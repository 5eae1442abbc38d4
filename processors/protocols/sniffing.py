"""Tell what a file is by its first bytes, and what may be shown in place.

A peer's word for its files (extension, content type) is not believed: what is served inline is
only what these signatures recognise. Anything a browser would run (HTML, SVG, PDF) has no
entry here on purpose. Signatures: WHATWG MIME Sniffing, section 6; ISO 14496-12 (brands);
RFC 8794 (EBML); RFC 3533 (Ogg); ISO 11172-3 (MPEG audio frame).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HEAD_BYTES: Final = 512
"""How much of a file is enough to tell."""


class MediaKind(StrEnum):
    """What a person calls a file."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What the first bytes of a file say.

    Attributes:
        kind: What a person calls it.
        content_type: Its media type, without parameters.
    """

    kind: MediaKind
    content_type: str


PNG: Final = Sniffed(MediaKind.IMAGE, "image/png")
JPEG: Final = Sniffed(MediaKind.IMAGE, "image/jpeg")
GIF: Final = Sniffed(MediaKind.IMAGE, "image/gif")
WEBP: Final = Sniffed(MediaKind.IMAGE, "image/webp")
MP4: Final = Sniffed(MediaKind.VIDEO, "video/mp4")
WEBM: Final = Sniffed(MediaKind.VIDEO, "video/webm")
MP3: Final = Sniffed(MediaKind.AUDIO, "audio/mpeg")
OGG: Final = Sniffed(MediaKind.AUDIO, "audio/ogg")
WAV: Final = Sniffed(MediaKind.AUDIO, "audio/wav")
FLAC: Final = Sniffed(MediaKind.AUDIO, "audio/flac")
M4A: Final = Sniffed(MediaKind.AUDIO, "audio/mp4")


def kind_of(head: bytes) -> Sniffed | None:
    """Return what the file that begins with `head` is; None when it is nothing we show.

    Args:
        head: The first `HEAD_BYTES` of the file, or all of a shorter one; more is ignored.
    """
    head = head[:HEAD_BYTES]
    for signature, sniffed in _SIGNATURES:
        if head.startswith(signature):
            return sniffed
    return _riff(head) or _iso_media(head) or _matroska(head) or _ogg(head) or _mpeg_audio(head)


def is_inline(content_type: str | None) -> bool:
    """Whether a file of this media type may be shown in place rather than be downloaded."""
    return content_type is not None and content_type.partition(";")[0].strip().lower() in _INLINE


_INLINE: Final = frozenset(
    sniffed.content_type for sniffed in (PNG, JPEG, GIF, WEBP, MP4, WEBM, MP3, OGG, WAV, FLAC, M4A)
)
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"fLaC", FLAC),
    (b"ID3", MP3),
)
_RIFF_FORMS: Final = {b"WEBP": WEBP, b"WAVE": WAV}
_AUDIO_BRANDS: Final = frozenset({b"M4A ", b"M4B "})
_VIDEO_BRANDS: Final = (b"iso", b"mp4", b"avc1", b"M4V", b"MSNV", b"dash")
_OGG_AUDIO: Final = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")


def _riff(head: bytes) -> Sniffed | None:
    """The container of WebP and WAV."""
    return _RIFF_FORMS.get(head[8:12]) if head.startswith(b"RIFF") else None


def _iso_media(head: bytes) -> Sniffed | None:
    """The container of MP4, told apart by its major brand from QuickTime, HEIC and AVIF."""
    brand = head[8:12]
    if head[4:8] != b"ftyp":
        return None
    if brand in _AUDIO_BRANDS:
        return M4A
    return MP4 if brand.startswith(_VIDEO_BRANDS) else None


def _matroska(head: bytes) -> Sniffed | None:
    """WebM, told apart from other Matroska by the document type in its EBML header."""
    is_webm = head.startswith(b"\x1a\x45\xdf\xa3") and b"\x42\x82\x84webm" in head
    return WEBM if is_webm else None


def _ogg(head: bytes) -> Sniffed | None:
    """Ogg whose first stream is sound; the first page's segment table has one entry."""
    return OGG if head.startswith(b"OggS") and head[28:].startswith(_OGG_AUDIO) else None


def _mpeg_audio(head: bytes) -> Sniffed | None:
    """A bare MPEG layer III frame: sync, version, layer, bit rate and sampling rate in place."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # noqa: PLR2004
        return None
    version, bit_rate, sampling = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    # Version 1, bit rates 0 and 15 and sampling rate 3 are reserved or free.
    return MP3 if version != 1 and bit_rate not in {0, 15} and sampling != 3 else None  # noqa: PLR2004
