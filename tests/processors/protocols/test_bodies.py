"""processors.protocols.bodies: JSON is read strictly, and its first fault is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.errors import RefusedBodyError
from processors.protocols import bodies
from schemas.base import Wire


class Part(Wire):
    """A part of a message."""

    number: int


class Whole(Wire):
    """A message."""

    parts: list[Part]


def test_a_body_of_the_schema_is_read() -> None:
    """What a peer adds is passed over."""
    told = b'{"parts": [{"number": 1, "more": 2}], "more": 3}'
    assert bodies.parsed(Whole, told) == Whole(parts=[Part(number=1)])


@pytest.mark.parametrize(
    ("told", "reason", "field"),
    [
        (b"", "json", None),
        (b'{"parts": [], "more": NaN}', "json", None),
        (b'{"parts": [], "more": 1e999}', "json", None),
        (b"[" * 2_000 + b"]" * 2_000, "json", None),
        (b"[]", "schema", None),
        (b"{}", "schema", "parts"),
        (b'{"parts": [{"number": 1}, {"number": "x"}]}', "schema", "parts.1.number"),
    ],
)
def test_another_body_is_refused(told: bytes, reason: str, field: str | None) -> None:
    """With the reason and the first field at fault."""
    with pytest.raises(RefusedBodyError) as refused:
        bodies.parsed(Whole, told)
    assert (refused.value.reason, refused.value.field) == (reason, field)


@pytest.mark.parametrize("told", [None, 5, "x", [], {}, {"number": "x"}])
def test_a_value_that_does_not_fit_is_none(told: object) -> None:
    """Where one odd part is to spoil no other."""
    assert bodies.read(Part, told) is None


@given(st.text(st.sampled_from("\0\\u0a")))
def test_a_nul_is_found_and_nothing_else(text: str) -> None:
    """A backslash and what looks like a NUL after it are characters like any others."""
    assert bodies.holds_nul(json.dumps(text).encode()) is ("\0" in text)
