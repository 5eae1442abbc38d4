"""A picture that somebody gave, as it is kept."""

from typing import Final

from schemas.base import Value

SCHEME: Final = "media:"
"""Begins the value of an input that is a picture of ours."""


class Image(Value):
    """A picture in our storage, to be given as the value of an input."""

    key: str
    """In storage: ``inputs/{32 hexadecimal digits}.{png|jpg|webp}``."""
    content_type: str
    width: int
    """Pixels, as it is looked at."""
    height: int
    size: int
    """Bytes."""

    @property
    def value(self) -> str:
        """What an input is given: ``media:inputs/...``."""
        return SCHEME + self.key
