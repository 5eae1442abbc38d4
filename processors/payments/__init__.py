"""Payments: what follows from what a provider asks and says.

Money that was paid is never dropped: it credits whom the invoice was for, or is kept as a stray
payment that somebody must look at. It is known by the provider's name of the charge, so what is
said twice counts once, and each charge has a record of its own.
"""

from processors.payments.deciding import (
    ALERT,
    CREDIT,
    PAYBACK,
    REFUND,
    Outcome,
    credits_for,
    given_back,
    made,
    paid,
    refund_refused,
    refund_wanted,
    refuse,
)
from processors.payments.forgetting import forgotten

__all__ = [
    "ALERT",
    "CREDIT",
    "PAYBACK",
    "REFUND",
    "Outcome",
    "credits_for",
    "forgotten",
    "given_back",
    "made",
    "paid",
    "refund_refused",
    "refund_wanted",
    "refuse",
]
