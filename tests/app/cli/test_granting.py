"""`runrelay grant`: give somebody credits, once."""

import os
import shlex
from pathlib import Path

import httpx
import pytest

from tests.app.cli.accounts import a_filled_database, change, kept
from tests.app.cli.running import Service, run
from tests.builders import NOON, USER, a_user, an_entry


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database with two people who have nothing."""
    return a_filled_database(mongo_uri, f"cli_{abs(hash(request.node.name))}")


def test_credits_are_granted(tmp_path: Path, database: dict[str, str]) -> None:
    """The ledger says who gave them and why; the balance is said."""
    answer = run("grant", "4711", "2.5", "--reason", "a prize", data_dir=tmp_path, **database)

    [entry] = kept(database)
    assert answer.code == 0, answer.err
    assert "2.500000 credits were granted to Ada (4711)" in answer.out
    assert "the balance is 2.500000" in answer.out
    assert (entry.user, str(entry.amount), entry.reason) == (USER, "2.500000", "a prize")


def test_two_grants_are_two(tmp_path: Path, database: dict[str, str]) -> None:
    """Without a key each is one of its own; a name can be given."""
    for _ in range(2):
        run("grant", "4712", "1", "--by", "eve", data_dir=tmp_path, **database)

    assert [each.by for each in kept(database)] == ["cli:eve", "cli:eve"]


def test_the_same_key_grants_once(tmp_path: Path, database: dict[str, str]) -> None:
    """The second time says what there was."""
    run("grant", "4711", "5", "--key", "prize", data_dir=tmp_path, **database)
    answer = run("grant", "4711", "7", "--key", "prize", data_dir=tmp_path, **database)
    others = run("grant", "4712", "7", "--key", "prize", data_dir=tmp_path, **database)

    assert answer.code == 0
    assert "nothing was granted: 5.000000 were under this key already" in answer.out
    assert "the balance is 5.000000" in answer.out
    assert (others.code, len(kept(database))) == (2, 1)
    assert "that of another movement" in others.err


def test_whoever_is_to_be_forgotten_is_given_nothing(
    tmp_path: Path, database: dict[str, str]
) -> None:
    """They could not spend it."""
    change(database, a_user(), forget_wanted_at=NOON)
    answer = run("grant", "4711", "5", data_dir=tmp_path, **database)

    assert (answer.code, kept(database)) == (2, [])
    assert "this person is forgotten" in answer.err


@pytest.mark.parametrize("amount", ["0", "NaN", "1e12", "0.0000001", "much"])
def test_what_is_no_amount_is_refused(
    amount: str, tmp_path: Path, database: dict[str, str]
) -> None:
    """By name, and nothing is granted."""
    answer = run("grant", "4711", amount, data_dir=tmp_path, **database)

    assert answer.code == 2
    assert answer.err.lower().startswith("amount: ")
    assert kept(database) == []


def test_a_negative_amount_is_refused(tmp_path: Path, database: dict[str, str]) -> None:
    """Also where it is not taken for an option."""
    answer = run("grant", "--", "4711", "-5", data_dir=tmp_path, **database)

    assert (answer.code, answer.err.strip()) == (2, "amount: is below zero")


def test_nobody_unknown_is_given_anything(tmp_path: Path, database: dict[str, str]) -> None:
    """One sentence, and an exit code."""
    answer = run("grant", "1", "5", data_dir=tmp_path, **database)

    assert (answer.code, answer.err.strip()) == (2, "no such user")


def test_a_grant_that_may_have_been_made_can_be_repeated(tmp_path: Path, mongo_uri: str) -> None:
    """Where the ledger does not answer as it must, the key to repeat it with is said."""
    damaged = an_entry().change(seq=0)
    database = a_filled_database(mongo_uri, "cli_damaged", [damaged])
    answer = run("grant", "4711", "5", "--key", "prize", data_dir=tmp_path, **database)

    assert answer.code == 1
    assert "repeat it with --key prize" in answer.err


@pytest.mark.parametrize(
    ("named", "by"),
    [
        ({"SUDO_USER": "ada", "USER": "root"}, "cli:ada"),
        ({"USER": "ada"}, "cli:ada"),
        ({}, f"cli:uid {os.getuid()}"),
    ],
)
def test_whoever_types_is_written_down(
    named: dict[str, str],
    by: str,
    tmp_path: Path,
    database: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also behind sudo, and where the system knows only a number."""
    for name in ("SUDO_USER", "USER"):
        monkeypatch.delenv(name, raising=False)
    run("grant", "4711", "5", data_dir=tmp_path, **database, **named)

    assert [each.by for each in kept(database)] == [by]


def test_credits_are_granted_beside_the_service(service: Service) -> None:
    """Somebody registers over the API, is given something, and has it when looked up again."""
    line = next(each for each in service.said.splitlines() if each.startswith("curl "))
    key = next(each for each in shlex.split(line) if each.startswith("Authorization: "))
    headers = dict([key.split(": ", 1)])
    with httpx.Client(base_url=service.url, headers=headers, trust_env=False) as client:
        made = client.post("/api/users/register", json={"telegramId": 815})
        answer = run("grant", "815", "2.5", data_dir=service.data_dir)
        found = client.get("/api/users/by-telegram-id/815")
        again = client.post("/api/users/register", json={"telegramId": 815})
    checked = run("ledger", "check", data_dir=service.data_dir)

    assert (made.status_code, made.json()["balance"]) == (201, "0.000000")
    assert "nobody named (815)" in answer.out
    assert found.json() == again.json() == {**made.json(), "balance": "2.500000"}
    assert (checked.code, again.status_code) == (0, 200)
