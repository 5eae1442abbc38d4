"""`runrelay usage`: where the time went."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import Clock
from schemas.base import RunId
from schemas.usage import Use
from tests.app.cli.accounts import a_filled_database, opened
from tests.app.cli.running import run
from tests.builders import ID


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database."""
    return a_filled_database(mongo_uri, f"cli_{abs(hash(request.node.name))}")


async def _fill(named: dict[str, str]) -> None:
    """Log six nodes, one of them three days old."""
    now = Clock().now()
    rows = (
        ("3", "KSampler", ("a.safetensors",), 3_600_000, "one", 0),
        ("4", "KSampler", ("a.safetensors", "b.pt"), 89_000, "two", 0),
        ("5", "KSampler", (), 0, "one", 0),
        ("8", "VAEDecode", (), 12_500, "one", 0),
        ("9", "SaveImage", (), 345, "one", 0),
        ("10", "LoadImage", (), 10_000_000, "one", 3),
    )
    async with opened(named) as store:
        await store.uses.add(
            [
                Use(
                    ID,
                    RunId("r"),
                    at,
                    now - timedelta(days=days),
                    node,
                    kind,
                    models,
                    took,
                    not took,
                )
                for node, kind, models, took, at, days in rows
            ]
        )


def test_it_is_told_what_time_went_to(tmp_path: Path, database: dict[str, str]) -> None:
    """What took most comes first, with a bar; the smallest is seen, and what was cached counted."""
    asyncio.run(_fill(database))
    lines = run("usage", "--since", "1d", data_dir=tmp_path, **database).out.splitlines()

    assert [line.split()[0] for line in lines] == ["class", "KSampler", "VAEDecode", "SaveImage"]
    for words in ("█" * 19, "99.7%", "61 min", " 3 ", " 1 ", "30 min", "60 min"):
        assert words in lines[1]
    assert "12.5 s" in lines[2]
    assert "▏" in lines[3]
    assert "345 ms" in lines[3]


def test_time_is_added_up_by_what_is_asked_for(tmp_path: Path, database: dict[str, str]) -> None:
    """By models or servers; as JSON, of which every line is one document."""
    asyncio.run(_fill(database))
    models = run("usage", "--by", "model", "--since", "1d", data_dir=tmp_path, **database)
    told = run("usage", "--by", "server", "--json", data_dir=tmp_path, **database)

    assert [line.split()[0] for line in models.out.splitlines()] == [
        *("model", "a.safetensors", "b.pt")
    ]
    shown = json.loads(told.out)
    assert (shown["by"], told.out.count("\n")) == ("server", 1)
    assert [(each["name"], each["milliseconds"]) for each in shown["items"]] == [
        ("one", 13_612_845),
        ("two", 89_000),
    ]


def test_nothing_is_said_of_a_time_without_runs(tmp_path: Path, database: dict[str, str]) -> None:
    """But that there were none; a time that is yet to come is refused."""
    nothing = run("usage", data_dir=tmp_path, **database)
    odd = run("usage", "--since", "2999-01-01", data_dir=tmp_path, **database)

    assert nothing.out.startswith("no node was executed since ")
    assert (odd.code, odd.err.startswith("--since: 2999-01-01 is yet to come")) == (2, True)


def test_what_was_cached_alone_has_no_mean(tmp_path: Path, database: dict[str, str]) -> None:
    """And no bar."""

    async def fill() -> None:
        async with opened(database) as store:
            await store.uses.add(
                [Use(ID, RunId("r"), "one", Clock().now(), "3", "KSampler", (), 0, cached=True)]
            )

    asyncio.run(fill())
    lines = run("usage", data_dir=tmp_path, **database).out.splitlines()

    assert lines[1].split() == ["KSampler", "0.0%", "0", "ms", "1", "1", "0", "ms"]
