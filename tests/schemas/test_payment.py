"""schemas.payment: what is shown of a payment, and what an older process makes of a newer one."""

from schemas.payment import Payment, PaymentStatus, Stray
from tests.builders import NOON, PAYMENT, a_payment, later


def test_a_payment_is_shown_without_what_is_ours() -> None:
    """Amounts as they are written, times in UTC, every field there."""
    shown = a_payment(idempotency_key="k", idempotency_digest="d").internal(NOON)

    assert (shown["id"], shown["amount"], shown["credits"]) == (PAYMENT, 50, "100.000000")
    assert (shown["status"], shown["expiresAt"]) == ("created", "2026-01-01T13:00:00.000Z")
    assert shown["invoiceUrl"] is None
    assert {"_id", "owed", "dueAt", "idempotencyKey", "idempotencyDigest"} & shown.keys() == set()


def test_an_invoice_expires_by_the_clock() -> None:
    """Unless it was paid; nothing has to be written for that."""
    payment = a_payment()

    assert payment.status_at(later(3599)) is PaymentStatus.CREATED
    assert payment.internal(later(3600))["status"] == "expired"
    paid = payment.change(status=PaymentStatus.PAID)
    assert paid.status_at(later(9999)) is PaymentStatus.PAID
    assert a_payment(expires_at=None).status_at(later(9999)) is PaymentStatus.CREATED


def test_words_of_a_newer_version_are_kept() -> None:
    """And equal none that we know."""
    document = {**a_payment().document(), "status": "disputed", "stray": "haunted", "more": 1}
    payment = Payment.read(document)

    assert payment.status not in set(PaymentStatus)
    assert payment.stray not in set(Stray)
    assert payment.document()["status"] == "disputed"
