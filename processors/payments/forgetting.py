"""What is left of a payment whose person is forgotten: what was bought, when, and for how much."""

from datetime import datetime

from schemas.payment import Payment, PaymentStatus


def forgotten(payment: Payment, now: datetime) -> Payment:
    """Return the payment without what leads to a person.

    An invoice that nobody has paid expires. Who paid is kept, and shown to nobody, while the
    money may have to go back: a provider gives it to them alone, and names no last day for it.
    """
    unpaid = payment.status is PaymentStatus.CREATED
    if unpaid and payment.status_at(now) is not PaymentStatus.EXPIRED:
        payment = payment.change(expires_at=now)
    return payment.change(
        hidden=True,
        payer=None if payment.status is PaymentStatus.REFUNDED else payment.payer,
        # A key may be made of a chat's id, which is its person's.
        idempotency_key=None,
        idempotency_digest=None,
    )
