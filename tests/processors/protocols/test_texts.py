"""processors.protocols.texts: texts as far as a record keeps them."""

import pytest

from processors.protocols.texts import TEXT_KEPT, cut, kept


@pytest.mark.parametrize(("text", "most", "left"), [("abc", 3, "abc"), ("abcd", 3, "ab…")])
def test_a_text_that_is_cut_shows_it(text: str, most: int, left: str) -> None:
    """And is no longer than it may be."""
    assert cut(text, most) == left


def test_a_text_output_is_kept_up_to_a_length() -> None:
    """What is shorter is kept as it is."""
    assert kept("x" * TEXT_KEPT) == "x" * TEXT_KEPT
    assert kept("x" * (TEXT_KEPT + 1)) == "x" * (TEXT_KEPT - 1) + "…"
