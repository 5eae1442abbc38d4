"""`runrelay refund`: what a job came to is given back, once."""

from decimal import Decimal
from pathlib import Path

import pytest

from schemas.job import JobStatus, Outcome, PriceReason
from schemas.ledger import EntryKind
from schemas.run import RunStatus
from tests.app.cli.accounts import a_filled_database, kept, kept_job, with_job
from tests.app.cli.running import run
from tests.builders import ID, JOB, a_job, a_step, an_entry

PAID = Outcome(status=RunStatus.COMPLETED, price=Decimal(5), price_reason=PriceReason.PRICE)


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database with a job that was paid."""
    named = a_filled_database(mongo_uri, f"cli_{abs(hash(request.node.name))}", [an_entry()])
    five = Decimal(5)
    with_job(
        named,
        a_job(status=JobStatus.COMPLETED, steps=(a_step(outcome=PAID),)),
        an_entry(
            2,
            kind=EntryKind.HOLD,
            amount=-five,
            balance=five,
            key=f"hold:{JOB}",
            lines={ID: five},
        ),
        an_entry(
            3,
            kind=EntryKind.CLOSE,
            amount=Decimal(0),
            balance=five,
            key=f"close:{ID}",
            generation=ID,
            captured=five,
            returned=Decimal(0),
        ),
    )
    return named


def test_a_job_is_refunded(tmp_path: Path, database: dict[str, str]) -> None:
    """The ledger says who did it and why; the job says how much."""
    words = ("refund", JOB, "--reason", "lost", "--amount", "1.5", "--by", "eve")
    answer = run(*words, data_dir=tmp_path, **database)

    job, entry = kept_job(database, JOB), kept(database)[-1]
    assert answer.code == 0, answer.err
    assert answer.out.strip() == f"1.500000 credits of job {JOB} are given back"
    assert (entry.by, entry.reason, str(entry.amount)) == ("cli:eve", "lost", "1.500000")
    assert job is not None
    assert job.steps[0].outcome is not None
    assert job.steps[0].outcome.refunded == Decimal("1.5")


def test_a_refund_is_made_once(tmp_path: Path, database: dict[str, str]) -> None:
    """The same again says so again; another amount is refused."""
    words = ("refund", JOB, "--reason", "lost")
    first = run(*words, "--amount", "1.5", data_dir=tmp_path, **database)
    again = run(*words, "--amount", "1.50", data_dir=tmp_path, **database)
    other = run(*words, "--amount", "2", data_dir=tmp_path, **database)

    assert (again.code, again.out) == (first.code, first.out) == (0, first.out)
    assert (other.code, other.err.strip()) == (2, "1.500000 credits were given back already")
    assert len(kept(database)) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("0" * 32,), "no such job"),
        ((JOB, "--amount", "much"), "--amount: much is not a number"),
        ((JOB, "--amount", "6"), "amount: "),
    ],
)
def test_what_cannot_be_given_back_is_not(
    words: tuple[str, ...], said: str, tmp_path: Path, database: dict[str, str]
) -> None:
    """In a sentence, and nothing moves."""
    answer = run("refund", *words, "--reason", "x", data_dir=tmp_path, **database)

    assert answer.code == 2
    assert answer.err.startswith(said)
    assert len(kept(database)) == 3
