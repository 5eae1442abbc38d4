"""`runrelay payments`: what was bought, and giving it back."""

import asyncio
from pathlib import Path

import pytest

from app.ports import Write
from app.store.payments import MongoPayments
from processors import payments
from schemas.base import PaymentId
from schemas.payment import Payment, PaymentStatus
from tests.app.cli.accounts import a_filled_database, opened
from tests.app.cli.running import run
from tests.builders import NOON, PAYMENT, a_charge, a_payment, a_user

OTHER = PaymentId("0198c0ffee0198c0ffee0198c0ffee78")


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database with a payment, a stray one and an old invoice."""
    named = a_filled_database(mongo_uri, f"cli_{abs(hash(request.node.name))}")
    paid = payments.paid(
        a_payment(), a_user(), a_charge(), provider="telegram", new_id=OTHER, now=NOON
    ).after
    stray = payments.paid(
        None, None, a_charge(id="stx-2"), provider="telegram", new_id=OTHER, now=NOON
    ).after
    old = a_payment(id=PaymentId("0" * 32), user=None)
    asyncio.run(_fill(named, [paid, stray, old]))
    return named


def kept(named: dict[str, str]) -> Payment | None:
    """The payment as it is now."""
    return asyncio.run(_kept(named))


async def _fill(named: dict[str, str], records: list[Payment]) -> None:
    async with opened(named) as store:
        for each in records:
            assert await store.payments.insert(each)


async def _kept(named: dict[str, str]) -> Payment | None:
    async with opened(named) as store:
        found: MongoPayments = store.payments
        return await found.get(PAYMENT)


def test_payments_are_listed(tmp_path: Path, database: dict[str, str]) -> None:
    """Newest first, with what became of each; of one person if named."""
    answer = run("payments", "list", data_dir=tmp_path, **database)
    ada = run("payments", "list", "--user", "4711", data_dir=tmp_path, **database)
    nobody = run("payments", "list", "--user", "4712", data_dir=tmp_path, **database)
    unknown = run("payments", "list", "--user", "1", data_dir=tmp_path, **database)

    lines = answer.out.splitlines()
    assert answer.code == 0, answer.err
    assert [
        word in line for word, line in zip(("stray", "paid", "expired"), lines[1:], strict=True)
    ]
    assert "unknown_invoice" in lines[1]
    assert (PAYMENT in ada.out, OTHER in ada.out) == (True, False)
    assert "nothing was bought" in nobody.out
    assert (unknown.code, unknown.err.strip()) == (2, "no such user")


def test_a_refund_is_written_down(tmp_path: Path, database: dict[str, str]) -> None:
    """For the service to make, with who wanted it and why."""
    answer = run(
        *("payments", "refund", PAYMENT, "--reason", "by mistake", "--by", "eve"),
        data_dir=tmp_path,
        **database,
    )
    payment = kept(database)

    assert answer.code == 0, answer.err
    assert "50 Stars to 4711" in answer.out
    assert payment is not None
    assert (payment.status, payment.refund_by) == (PaymentStatus.REFUNDING, "cli:eve")
    assert payment.refund_reason == "by mistake"


def test_what_went_back_is_said(tmp_path: Path, database: dict[str, str]) -> None:
    """And not done again."""
    payment = kept(database)
    assert payment is not None
    back = payments.given_back(payment, by="telegram", now=NOON).change(version=2)
    asyncio.run(_write(database, payment, back))
    answer = run("payments", "refund", PAYMENT, "--reason", "x", data_dir=tmp_path, **database)

    assert answer.code == 0, answer.err
    assert "went back at" in answer.out
    assert kept(database) == back


async def _write(named: dict[str, str], before: Payment, after: Payment) -> None:
    async with opened(named) as store:
        assert not await store.payments.write([Write(before, after)])


@pytest.mark.parametrize(
    ("payment", "words"), [("0" * 32, "nobody has paid it"), ("x", "no such payment")]
)
def test_what_was_not_paid_does_not_go_back(
    payment: str, words: str, tmp_path: Path, database: dict[str, str]
) -> None:
    """One sentence, and an exit code."""
    answer = run("payments", "refund", payment, "--reason", "x", data_dir=tmp_path, **database)

    assert (answer.code, answer.err.strip()) == (2, words)
