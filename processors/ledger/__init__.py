"""The ledger: what the next entry of somebody's credits is, decided from their last one.

A balance is never stored anywhere but in the last entry, and an entry is one insert, unique by
its number and by its key: who decided on a balance that has moved on loses the insert and decides
again, and who does a thing twice finds it done. What is held can be closed once, and what was
captured can be refunded once, since their keys name the generation. In the same way a charge brings
credits once, and takes them back once.
"""

from processors.ledger.auditing import Audit, Auditor, Flaw, OpenLine, check
from processors.ledger.deciding import (
    Act,
    accept,
    balance,
    close,
    close_key,
    grant,
    hold,
    hold_key,
    payback,
    payback_key,
    payment,
    payment_key,
    refund,
    refund_key,
    refunded,
    welcome_key,
)
from processors.ledger.matching import (
    EndedRun,
    Mismatch,
    close_missing,
    held_for_nobody,
    patience,
)

__all__ = [
    "Act",
    "Audit",
    "Auditor",
    "EndedRun",
    "Flaw",
    "Mismatch",
    "OpenLine",
    "accept",
    "balance",
    "check",
    "close",
    "close_key",
    "close_missing",
    "grant",
    "held_for_nobody",
    "hold",
    "hold_key",
    "patience",
    "payback",
    "payback_key",
    "payment",
    "payment_key",
    "refund",
    "refund_key",
    "refunded",
    "welcome_key",
]
