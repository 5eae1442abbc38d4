"""How a picture looks while it is being made."""

from datetime import datetime
from typing import Final, NamedTuple

PREVIEW_MOST: Final = 2**20
"""Bytes of a preview; what is larger is none."""


class Preview(NamedTuple):
    """How a picture looks while it is being made."""

    image: bytes
    content_type: str
    at: datetime
    """When it came."""
