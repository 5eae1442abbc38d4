"""What the head of a WebP says (RFC 9649), before anybody makes room for what it holds."""

from typing import Final

_SIZED: Final = 30
"""Bytes after which every one of its kinds has told its size."""


def size_of(content: bytes) -> tuple[int, int]:
    """Return width and height; nothing by nothing for what is no WebP, or none that tells."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(content) < _SIZED:
        return 0, 0
    match content[12:16]:
        case b"VP8X":
            return _number(content[24:27]) + 1, _number(content[27:30]) + 1
        case b"VP8L":
            bits = _number(content[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _number(content[26:28]) & 0x3FFF, _number(content[28:30]) & 0x3FFF
        case _:
            return 0, 0


def is_lossless(content: bytes) -> bool:
    """Return whether a simple WebP is kept to the bit."""
    return content[12:16] == b"VP8L"


def _number(digits: bytes) -> int:
    return int.from_bytes(digits, "little")
