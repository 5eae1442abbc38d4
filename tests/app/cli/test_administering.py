"""`runrelay users`: people are found, shown, blocked, and given roles."""

from pathlib import Path

import pytest

from tests.app.cli.accounts import OTHER, a_filled_database
from tests.app.cli.running import run
from tests.builders import USER, an_entry


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database with two people, one of whom was given something."""
    return a_filled_database(mongo_uri, f"cli_{abs(hash(request.node.name))}", [an_entry()])


@pytest.mark.parametrize("words", [("ad",), ("4711",), (USER,)])
def test_people_are_found(words: tuple[str, ...], tmp_path: Path, database: dict[str, str]) -> None:
    """By an id, or the beginning of a name."""
    answer = run("users", "find", *words, data_dir=tmp_path, **database)

    assert answer.code == 0
    assert "Ada" in answer.out
    assert OTHER not in answer.out


def test_everybody_is_listed(tmp_path: Path, database: dict[str, str]) -> None:
    """The newest first; nobody who is called otherwise is found."""
    answer = run("users", "find", data_dir=tmp_path, **database)
    nobody = run("users", "find", "eve", data_dir=tmp_path, **database)

    assert answer.out.index(USER) < answer.out.index(OTHER)
    assert (nobody.code, nobody.out.strip()) == (1, "nobody is called so")


def test_somebody_is_shown(tmp_path: Path, database: dict[str, str]) -> None:
    """What they own, how it moved, and what was done to them."""
    run("users", "block", "4711", "--reason", "spam", "--by", "eve", data_dir=tmp_path, **database)
    answer = run("users", "show", "Ada", data_dir=tmp_path, **database)
    other = run("users", "show", OTHER, data_dir=tmp_path, **database)

    assert answer.code == 0
    for words in ("blocked", "10 credits", "grant", "cli:ada", "block", "cli:eve", "spam"):
        assert words in answer.out
    assert "nobody named" in other.out
    assert "What was done" not in other.out


def test_somebody_is_blocked_and_served_again(tmp_path: Path, database: dict[str, str]) -> None:
    """Each time it is said whether something was done."""
    said = [
        run("users", verb, "4711", data_dir=tmp_path, **database).out.strip()
        for verb in ("block", "block", "unblock", "unblock")
    ]

    assert said == [
        "Ada is blocked",
        "nothing was done: Ada was blocked already",
        "Ada is served again",
        "nothing was done: Ada was not blocked",
    ]


def test_roles_are_given_and_taken(tmp_path: Path, database: dict[str, str]) -> None:
    """Those that are named, and no others."""
    made = run("users", "role", "4711", "member", "admin", data_dir=tmp_path, **database)
    gone = run("users", "role", "4711", data_dir=tmp_path, **database)
    odd = run("users", "role", "4711", "Admin", data_dir=tmp_path, **database)

    assert made.out.strip() == "the roles of Ada: admin, member"
    assert gone.out.strip() == "the roles of Ada: none"
    assert (odd.code, odd.err.startswith("ROLE: Admin is none")) == (2, True)


def test_nobody_is_guessed(tmp_path: Path, mongo_uri: str) -> None:
    """Of two with a name like that neither is blocked."""
    database = a_filled_database(mongo_uri, "cli_alike", alike=True)
    several = run("users", "block", "Ad", data_dir=tmp_path, **database)
    nobody = run("users", "block", "@nobody", data_dir=tmp_path, **database)
    exact = run("users", "block", "@ada", data_dir=tmp_path, **database)

    assert several.code == 2
    assert "WHO: may be one of these" in several.err
    assert "4712" in several.err
    assert (nobody.code, nobody.err.strip()) == (2, "no such user")
    assert exact.out.strip() == "Ada @ada is blocked"
