"""app.cli.chat.typed: lines, whatever they come through."""

import os

import pytest

from app.cli.chat.typed import typed

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\n@quit\ntwo\n", ["one"]),
        ("море\n".encode() + b"\xff\n", ["море", "\ufffd"]),
        (b"", []),
    ],
)
async def test_lines_come_until_the_end(data: bytes, lines: list[str]) -> None:
    """Or until `@quit`; the last one needs no end, and what is no UTF-8 stops nobody."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    try:
        assert [line async for line in typed(reading)] == lines
    finally:
        os.close(reading)


async def test_what_is_closed_has_ended() -> None:
    """A process may be started without anything to type on."""
    assert [line async for line in typed(-1)] == []
