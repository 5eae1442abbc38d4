"""What every keeper of payments does."""

from decimal import Decimal

import pytest

from app.ports import KeptPayments, Write
from processors import debts
from processors import payments as deciding
from schemas.base import PaymentId, UserId
from schemas.debt import DebtKind
from schemas.payment import PaymentStatus
from tests.builders import HERE, NOON, PAYMENT, USER, a_charge, a_payment, a_taker, a_user, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

OTHER = PaymentId("0198c0ffee0198c0ffee0198c0ffee78")


@pytest.fixture
def payments(ports: Ports) -> KeptPayments:
    """The port under test."""
    return ports.payments


async def test_a_payment_is_found_by_all_its_names(payments: KeptPayments) -> None:
    """As it was stored, to the last place of its amounts; nothing else is."""
    payment = a_payment(
        charge_id="c", idempotency_key="k", credits=Decimal("0.000001"), paid_at=later(1)
    )
    assert await payments.insert(payment)

    assert await payments.get(PAYMENT) == payment
    assert await payments.by_charge("c") == payment
    assert await payments.by_idempotency_key("k") == payment
    assert await payments.get(OTHER) is None
    assert await payments.by_charge("x") is None
    assert await payments.by_idempotency_key("x") is None


@pytest.mark.parametrize("field", ["id", "charge_id", "idempotency_key"])
async def test_no_two_have_the_same_name(payments: KeptPayments, field: str) -> None:
    """Of two at once, one is told so."""
    names = {"id": OTHER, "charge_id": "other", "idempotency_key": "other"}
    first = a_payment(charge_id="c", idempotency_key="k")
    assert await payments.insert(first)

    names[field] = getattr(first, field)
    assert not await payments.insert(a_payment(**names))


async def test_payments_without_charge_or_key_are_no_rivals(payments: KeptPayments) -> None:
    """What is absent is not unique."""
    assert await payments.insert(a_payment())
    assert await payments.insert(a_payment(id=OTHER))


async def test_a_write_names_the_version_it_replaces(payments: KeptPayments) -> None:
    """And is lost where the record has moved on, or is not there."""
    before = a_payment()
    after = before.change(version=2, invoice_url="https://t.me/$x", expires_at=None)
    await payments.insert(before)

    assert not await payments.write([Write(before, after)])
    for write in (
        Write(before, before.change(version=2, invoice_url="other")),
        Write(before.change(id=OTHER), after.change(id=OTHER)),
    ):
        assert await payments.write([write]) == {write.before.id}
    assert await payments.get(PAYMENT) == after


async def test_a_charge_is_one_payments(payments: KeptPayments) -> None:
    """Also where it is written later."""
    await payments.insert(a_payment(charge_id="c"))
    other = a_payment(id=OTHER)
    await payments.insert(other)

    taken = Write(other, other.change(version=2, charge_id="c"))
    assert await payments.write([taken]) == {OTHER}
    assert await payments.get(OTHER) == other


async def test_what_is_owed_is_found_when_it_is_due(payments: KeptPayments) -> None:
    """While a claim holds nobody is shown it but who asks for that process's claims."""
    taker, kinds = a_taker(DebtKind.CREDIT), frozenset({DebtKind.CREDIT})
    paid = deciding.paid(
        a_payment(), a_user(), a_charge(), provider="telegram", new_id=OTHER, now=NOON, taker=taker
    ).after
    await payments.insert(paid)
    await payments.insert(a_payment(id=OTHER))

    assert await payments.due(NOON, kinds, 9) == ()
    assert await payments.due(taker.until, kinds, 9) == (paid,)
    assert await payments.due(taker.until, frozenset({DebtKind.REFUND}), 9) == ()
    assert await payments.claimed(HERE, taker.until) == (paid,)
    assert [each async for each in payments.indebted()] == [paid]
    assert [each async for each in payments.dead()] == []
    [row] = await payments.owed(taker.until)
    assert (row.kind, row.state, row.number) == (DebtKind.CREDIT, "claimed", 1)

    owed = debts.acknowledge(paid.owed, deciding.CREDIT, 1)
    done = debts.put(paid, owed).change(version=2)
    assert not await payments.write([Write(paid, done)])
    assert await payments.due(taker.until, kinds, 9) == ()


async def test_those_paid_in_a_time_are_listed(payments: KeptPayments) -> None:
    """In the order of their paying; the end of the time is not in it."""
    ids = [PaymentId(str(number)) for number in range(4)]
    for number, payment_id in enumerate(ids):
        await payments.insert(a_payment(id=payment_id, paid_at=later(10 - number)))
    await payments.insert(a_payment())

    found = await payments.paid(later(8), later(10))
    assert [each.id for each in found] == [ids[2], ids[1]]


async def test_a_page_is_of_one_person_or_of_everybody(payments: KeptPayments) -> None:
    """Newest first, to its end."""
    stranger = UserId("stranger")
    for number in range(1, 5):
        user = stranger if number == 2 else USER
        await payments.insert(a_payment(id=PaymentId(str(number)), user=user))

    first = await payments.page(USER, None, 2)
    assert [each.id for each in first.items] == ["4", "3"]
    second = await payments.page(USER, first.next, 2)
    assert [each.id for each in second.items] == ["1"]
    assert second.next is None
    everybody = await payments.page(None, None, 4)
    assert [each.user for each in everybody.items] == [USER, USER, stranger, USER]
    assert everybody.next is None


async def test_a_status_of_a_newer_version_is_kept(payments: KeptPayments) -> None:
    """It is none that we know."""
    payment = a_payment(status=PaymentStatus("disputed"))
    await payments.insert(payment)

    assert await payments.get(PAYMENT) == payment
