"""Which part of a file a request asks for (RFC 9110, section 14).

Several parts at once are answered with the whole file, as a server may.
"""

import re
from typing import Final, NamedTuple

from app.errors import RefusedError

_RANGE: Final = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


class RangeError(RefusedError):
    """The part that is asked for lies outside the file.

    Attributes:
        size: Bytes that the file has.
    """

    reason = "range"

    def __init__(self, size: int) -> None:
        super().__init__(f"the file has {size} bytes")
        self.size = size


class Part(NamedTuple):
    """Bytes of a file, from `start` up to and without `end`."""

    start: int
    end: int


def part_of(header: str | None, size: int) -> Part | None:
    """Return the part that a `Range` header asks for; None where all of it is to be sent.

    Raises:
        RangeError: The file has no such part.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match[1] == match[2] == "":
        return None
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size - int(last)), size
    elif last and int(last) < int(first):
        # Not a range at all, and so passed over (14.1.1).
        return None
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= end:
        raise RangeError(size)
    return Part(start, end)


def still(if_range: str | None, etag: str | None) -> bool:
    """Return whether a part may be sent: the file is still the one the client knows.

    A date is none of ours, and a weak tag proves nothing of bytes (13.1.5).
    """
    return if_range is None or (etag is not None and if_range.strip() == etag)


def known(if_none_match: str | None, etag: str | None) -> bool:
    """Return whether the client has the file already."""
    given = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return etag is not None and (etag in given or given == ["*"])
