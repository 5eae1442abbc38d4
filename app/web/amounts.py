"""Amounts of money as callers write them: decimal strings."""

import json
import re
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from app.errors import BadFieldError
from app.web import reading
from app.web.refusals import NotJsonError
from processors.errors import AmountError

M = TypeVar("M", bound=BaseModel)

_AMOUNT: Final = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_FIELD: Final = "amount"


def body(model: type[M], raw: bytes) -> M:
    """Read a JSON body as a model whose `amount`, if it is given, is a decimal string.

    Raises:
        AmountError: It is a number, NaN and what no double holds among them.
        NotJsonError, BadFieldError: As for `reading.body`.
    """
    try:
        return reading.body(model, raw)
    except (NotJsonError, BadFieldError):
        if _is_number(raw):
            raise AmountError(_FIELD, 'is a decimal string, such as "25"') from None
        raise


def read(field: str, given: str) -> Decimal:
    """Return an amount; whether it can be moved is for others to say.

    Raises:
        AmountError: It is no number in plain digits, such as ``25`` or ``0.5``.
    """
    if not _AMOUNT.fullmatch(given):
        raise AmountError(field, "is not a number in plain digits, such as 25 or 0.5")
    return Decimal(given)


def _is_number(raw: bytes) -> bool:
    try:
        # Whatever number it is, of however many digits, is one of Python's floats here.
        given: Any = json.loads(raw, parse_int=float)
        return isinstance(given[_FIELD], float)
    except (ValueError, TypeError, LookupError, RecursionError):
        return False
