"""Addresses that are files themselves (RFC 2397): `data:image/png;base64,...`."""

import binascii
from base64 import b64decode
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from processors.protocols.addresses import ForbiddenUrlError
from schemas.run import DATA


class Data(NamedTuple):
    """What was within an address."""

    content: bytes
    content_type: str | None
    """What the peer called it; not to be believed."""


def decoded(url: str) -> Data:
    """Return the file within an address, in base64 or percent-encoded.

    Raises:
        ForbiddenUrlError: It is no such address, or its base64 is none.
    """
    head, comma, rest = url.removeprefix(DATA).partition(",")
    if not comma or not url.startswith(DATA):
        raise ForbiddenUrlError("syntax")
    content_type, *parameters = (part.strip() for part in head.split(";"))
    content = unquote_to_bytes(rest)
    if parameters and parameters[-1].lower() == "base64":
        try:
            # Whoever leaves the padding away means the same.
            content = b64decode(content + b"=" * (-len(content) % 4), validate=True)
        except binascii.Error:
            raise ForbiddenUrlError("syntax") from None
    return Data(content, content_type or None)
