"""`runrelay ledger`: does it add up, and everything that is in it."""

import csv
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from processors import jobs, ledger
from processors.ledger import Act
from schemas.base import GenerationId
from schemas.job import JobId, JobStatus
from schemas.ledger import Entry, EntryId
from tests.app.cli.accounts import OTHER, a_filled_database, with_job
from tests.app.cli.running import run
from tests.builders import ID, NOON, USER, a_debt, a_job

LATER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")


def some_entries(reason: str | None = None) -> list[Entry]:
    """A person with a grant, a hold of two lines and the close of one; and one with a grant."""

    def act(number: int) -> Act:
        return Act(EntryId(f"e{number}"), USER, "us", NOON, reason)

    grant = ledger.grant(None, act(1), "welcome:x", Decimal(10))
    hold = ledger.hold(grant, act(2), "job", {ID: Decimal(3), LATER: Decimal(2)})
    close = ledger.close(hold, act(3), hold, ID, Decimal(1), rate=Decimal(100))
    other = Act(EntryId("e4"), OTHER, "us", NOON)
    return [grant, hold, close, ledger.grant(None, other, "welcome:y", Decimal(1))]


def a_ledger(mongo_uri: str, name: str, entries: Sequence[Entry]) -> dict[str, str]:
    """A database with these entries and the job that is held for, which is being started."""
    database = a_filled_database(mongo_uri, name, entries)
    job = a_job(id=JobId("job"), status=JobStatus.PENDING, owed=(a_debt(jobs.START),))
    with_job(database, job)
    return database


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """The name of a database of the test's own."""
    return f"cli_{abs(hash(request.node.name))}"


def test_a_ledger_that_adds_up_is_well(tmp_path: Path, mongo_uri: str, name: str) -> None:
    """What is still held is named."""
    database = a_ledger(mongo_uri, name, some_entries())
    answer = run("ledger", "check", data_dir=tmp_path, **database)

    assert answer.code == 0, answer.err
    assert "4 entries of 2 people, 8.000000 credits: all is well" in answer.out
    [line] = [each for each in answer.out.splitlines() if LATER in each]
    assert line.split()[:4] == [USER, "hold:job", LATER, "2.000000"]
    assert ID not in answer.out


def test_an_empty_ledger_is_well(tmp_path: Path, mongo_uri: str, name: str) -> None:
    """There is nothing to say."""
    database = a_filled_database(mongo_uri, name)
    answer = run("ledger", "check", data_dir=tmp_path, **database)

    assert (answer.code, answer.out) == (
        0,
        "0 entries of 0 people, 0.000000 credits: all is well\n",
    )


def test_what_is_wrong_is_an_exit_code(tmp_path: Path, mongo_uri: str, name: str) -> None:
    """Each flaw is a line with its entry, and what to do is said."""
    grant, hold, close, other = some_entries()
    wrong = [grant, hold, close.change(balance=Decimal(999)), other.change(seq=2)]
    database = a_ledger(mongo_uri, name, wrong)
    answer = run("ledger", "check", data_dir=tmp_path, **database)

    assert answer.code == 1
    assert "the balance is 999 and must be 7.000000" in answer.out
    assert "number 2 comes where 1 must" in answer.out
    assert "docs/money.md" in answer.out
    assert answer.out.endswith("2 flaws\n")


def test_what_cannot_be_read_is_wrong(tmp_path: Path, mongo_uri: str, name: str) -> None:
    """Though it be somebody's last entry, which leaves no gap; the others are exported."""
    damaged = some_entries()[3].change(seq=0)
    database = a_ledger(mongo_uri, name, [*some_entries()[:3], damaged])
    checked = run("ledger", "check", data_dir=tmp_path, **database)
    exported = run("ledger", "export", "all.csv", data_dir=tmp_path, **database)

    assert (checked.code, exported.code) == (1, 1)
    assert "entry e4 of the ledger cannot be read" in checked.out
    assert checked.out.endswith("3 entries of 1 people, 7.000000 credits: 1 flaws\n")
    assert "left out: entry e4 of the ledger" in exported.out
    assert "3 entries are in all.csv" in exported.out


def test_a_record_that_disagrees_is_wrong(tmp_path: Path, mongo_uri: str, name: str) -> None:
    """Credits are held for a job that is not there."""
    database = a_filled_database(mongo_uri, name, some_entries())
    answer = run("ledger", "check", data_dir=tmp_path, **database)

    assert answer.code == 1
    assert "hold:job" in answer.out
    assert "2.000000 credits are held, and there is no such job" in " ".join(answer.out.split())
    assert answer.out.endswith("8.000000 credits: 1 flaws\n")


def test_everything_is_exported(tmp_path: Path, mongo_uri: str, name: str) -> None:
    """Amounts as they are, lines in one cell, and nobody's words are a formula."""
    database = a_filled_database(mongo_uri, name, some_entries(reason='=HYPERLINK("x"),\n'))
    file = tmp_path / "out" / "all.csv"
    file.parent.mkdir()
    answer = run("ledger", "export", str(file), data_dir=tmp_path, **database)

    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert answer.out == f"4 entries are in {file}\n"
    assert [each["user"] for each in rows] == [OTHER, USER, USER, USER]
    assert [each["amount"] for each in rows[1:]] == ["10.000000", "-5.000000", "2.000000"]
    assert rows[1]["reason"] == '\'=HYPERLINK("x"),\n'
    assert rows[2]["lines"] == f"{ID}=3.000000 {LATER}=2.000000"
    assert (rows[3]["captured"], rows[3]["rate"]) == ("1.000000", "100.000000")
    assert rows[3]["at"] == "2026-01-01T12:00:00.000Z"
    assert list(file.parent.iterdir()) == [file]


def test_one_persons_entries_are_exported(tmp_path: Path, mongo_uri: str, name: str) -> None:
    """By Telegram id; of nobody unknown."""
    database = a_filled_database(mongo_uri, name, some_entries())
    file = tmp_path / "one.csv"
    answer = run("ledger", "export", str(file), "--user", "4712", data_dir=tmp_path, **database)
    nobody = run("ledger", "export", "no.csv", "--user", "1", data_dir=tmp_path, **database)

    assert answer.out == f"1 entries are in {file}\n"
    assert (nobody.code, nobody.err.strip()) == (2, "no such user")
    assert not (tmp_path / "no.csv").exists()


def test_a_file_that_cannot_be_written_is_said_so(
    tmp_path: Path, mongo_uri: str, name: str
) -> None:
    """One sentence names it."""
    database = a_filled_database(mongo_uri, name)
    file = tmp_path / "nowhere" / "x.csv"
    answer = run("ledger", "export", str(file), data_dir=tmp_path, **database)

    assert answer.code == 2
    assert answer.err.startswith(f"{file}: cannot be written")
