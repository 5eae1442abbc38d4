"""processors.payments.forgetting: who paid is known as long as their money may go back."""

import pytest

from processors import payments
from schemas.payment import Payment, PaymentStatus, Stray
from schemas.user import User
from tests.builders import CHAT, NOON, PAYMENT, a_charge, a_payment, a_user, later

PAID = a_payment(status=PaymentStatus.PAID, charge_id="stx-1", payer=CHAT, paid_at=later(10))


@pytest.mark.parametrize(
    ("payment", "payer"),
    [
        pytest.param(PAID, CHAT, id="paid"),
        pytest.param(PAID.change(status=PaymentStatus.STRAY), CHAT, id="stray"),
        pytest.param(PAID.change(status=PaymentStatus.REFUNDING), CHAT, id="refunding"),
        pytest.param(PAID.change(status=PaymentStatus.REFUNDED), None, id="refunded"),
    ],
)
def test_who_paid_is_kept_for_a_refund_and_shown_to_nobody(
    payment: Payment, payer: int | None
) -> None:
    """Once it is refunded there is nothing to keep it for; the keys of chats go, too."""
    keyed = payment.change(idempotency_key=f"tg:{CHAT}:7", idempotency_digest="50")
    after = payments.forgotten(keyed, NOON)

    assert (after.payer, after.shown_payer, after.internal(NOON)["payer"]) == (payer, None, None)
    assert (after.idempotency_key, after.idempotency_digest) == (None, None)
    assert (after.status, after.amount, after.charge_id) == (payment.status, 50, "stx-1")
    assert payments.forgotten(after, later(1)) == after


@pytest.mark.parametrize("ends", [None, later(3600)])
def test_an_invoice_that_nobody_paid_expires(ends: object) -> None:
    """One that has expired stays as it was."""
    after = payments.forgotten(a_payment(expires_at=ends), NOON)

    assert after.status_at(NOON) is PaymentStatus.EXPIRED
    assert after.expires_at == NOON
    assert payments.forgotten(after, later(1)) == after


def test_who_paid_goes_with_the_money() -> None:
    """A refund after the forgetting removes what was kept for it."""
    kept = payments.forgotten(PAID, NOON)
    wanted = payments.refund_wanted(kept, by="x", reason="y", now=NOON)

    assert wanted.payer == CHAT
    assert payments.given_back(wanted, by="x", now=NOON).payer is None
    assert payments.given_back(PAID, by="x", now=NOON).payer == CHAT


@pytest.mark.parametrize("invoice", [a_payment(), PAID])
def test_what_is_paid_after_all_is_hidden_like_the_rest(invoice: Payment) -> None:
    """On their invoice, or a second time on it; it can be given back."""
    gone: User = a_user(telegram_id=None, forgotten_at=NOON)
    charge = a_charge(id="stx-2")
    after = payments.paid(
        payments.forgotten(invoice, NOON), gone, charge, provider="t", new_id=PAYMENT, now=NOON
    ).after

    assert (after.stray, after.payer, after.shown_payer) == (Stray.USER_GONE, CHAT, None)
