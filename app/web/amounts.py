"""Amounts of money as callers write them: decimal strings."""

import re
from decimal import Decimal
from typing import Final

from processors.errors import AmountError

_AMOUNT: Final = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?")


def read(field: str, given: str) -> Decimal:
    """Return an amount; whether it can be moved is for others to say.

    Raises:
        AmountError: It is no number in plain digits, such as ``25`` or ``0.5``.
    """
    if not _AMOUNT.fullmatch(given):
        raise AmountError(field, "is not a number in plain digits, such as 25 or 0.5")
    return Decimal(given)
