"""`runrelay webhooks`: who is told of what happens here."""

import re
from pathlib import Path

import pytest

from tests.app.cli.accounts import a_filled_database
from tests.app.cli.running import run

URL = "http://127.0.0.1:9/hooks"
"""Nobody listens on that port (discard, RFC 863)."""


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database."""
    return a_filled_database(mongo_uri, f"cli_{abs(hash(request.node.name))}")


def test_an_endpoint_lives(tmp_path: Path, database: dict[str, str]) -> None:
    """Made, tried, paused, resumed, given another secret; its secret is told when it is made."""

    def webhooks(*words: str) -> tuple[int, str]:
        answer = run("webhooks", *words, data_dir=tmp_path, **database)
        return answer.code, answer.out + answer.err

    assert "nobody is told of anything" in webhooks("list")[1]
    _, made = webhooks("add", URL, "--event", "job.completed", "--by", "eve")
    endpoint = made.split()[0]
    first = re.findall(r"whsec_\S+", made)
    assert re.fullmatch("[0-9a-f]{32}", endpoint)
    assert webhooks("test", endpoint) == (1, "it was not taken: takes no connection\n")
    assert "is sent nothing" in webhooks("pause", endpoint)[1]
    _, listed = webhooks("list")
    for words in (endpoint, "job.completed", "paused"):
        assert words in re.sub(r"\s+", " ", listed)
    assert "whsec_" not in listed
    assert "hears again" in webhooks("resume", endpoint)[1]
    second = re.findall(r"whsec_\S+", webhooks("rotate", endpoint)[1])
    assert len(first) == len(second) == 1
    assert first != second
    assert webhooks("deliveries", endpoint) == (0, "there are none\n")
    assert webhooks("replay", endpoint, "--since", "2d")[0] == 1
    assert webhooks("replay", endpoint, "--since", "2d", "--delivery", "x")[0] == 2


def test_what_cannot_be_is_refused_by_its_field(tmp_path: Path, database: dict[str, str]) -> None:
    """In a sentence."""
    wrong = run("webhooks", "add", "ftp://example.com", data_dir=tmp_path, **database)
    event = run("webhooks", "add", URL, "--event", "x", data_dir=tmp_path, **database)
    gone = run("webhooks", "test", "f" * 32, data_dir=tmp_path, **database)

    assert (wrong.code, wrong.err.startswith("url: must begin with https://")) == (2, True)
    assert (event.code, event.err.startswith("events: must be of")) == (2, True)
    assert (gone.code, gone.err.strip()) == (2, "no such webhook endpoint")
