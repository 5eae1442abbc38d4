"""Texts that came out of a run, as far as a record keeps them."""

from typing import Final

TEXT_KEPT: Final = 8_000
"""Characters of a text output that a record keeps."""


def kept(text: str) -> str:
    """Return a text output as it is kept."""
    return cut(text, TEXT_KEPT)


def cut(text: str, most: int) -> str:
    """Return the beginning of a text; where it was cut, it shows."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
