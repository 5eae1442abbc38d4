"""What commands print."""

from collections.abc import AsyncIterator

import pytest

from app.cli import speaking

pytestmark = pytest.mark.anyio


async def _rows(count: int) -> AsyncIterator[tuple[str, str]]:
    for number in range(count):
        yield f"row{number}", "x"


@pytest.mark.parametrize("count", [1, 4, 5])
async def test_a_long_table_is_printed_as_it_comes(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some rows at a time, under one heading, and each of them once."""
    assert await speaking.stream(("name", "what"), _rows(count), most=2) == count

    lines = capsys.readouterr().out.splitlines()
    assert [each.split()[0] for each in lines] == ["name", *(f"row{n}" for n in range(count))]


async def test_a_table_without_rows_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever prints it says so in words."""
    assert await speaking.stream(("name", "what"), _rows(0)) == 0
    assert not capsys.readouterr().out
