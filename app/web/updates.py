"""What a partial update may say: a few fields to set or unset, and nothing else, by name.

Without top-level operators the body is wrapped in ``$set``; of MongoDB's operators only
``$set`` and ``$unset`` are known. The names never reach the database: they are translated
into a `Change`, one by one.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from app.errors import BadFieldError, UnknownFieldError
from schemas.wire.api import LABELS_MOST, Change

STATUS_REASON: Final = "statusReason"
COST: Final = "costUsd"
LABEL: Final = "metadata.labels."
TEXT_MOST: Final = 256
"""Characters of a label, and of a reason."""

_LABEL_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_OPERATORS: Final = ("$set", "$unset")


def parse(body: JsonValue) -> Change:
    """Translate a body.

    Raises:
        BadFieldError: Something in it cannot be changed, or not to that.
    """
    if not isinstance(body, dict):
        raise BadFieldError("body", "is an object")
    to_set, to_unset = _operators(body)
    labels, reason, cost = dict[str, str](), None, None
    for name, value in to_set.items():
        if name == STATUS_REASON:
            reason = _text(name, value)
        elif name == COST:
            cost = _amount(name, value)
        else:
            labels[_label(name)] = _text(name, value)
    unset_labels = tuple(_label(name) for name in to_unset if name != STATUS_REASON)
    both = next((name for name in to_unset if name in to_set), None)
    if both is not None:
        raise BadFieldError(both, "is both set and unset")
    if len(labels) > LABELS_MOST:
        raise BadFieldError("metadata.labels", f"takes at most {LABELS_MOST}")
    return Change(
        status_reason=reason,
        unset_status_reason=STATUS_REASON in to_unset,
        set_labels=labels,
        unset_labels=unset_labels,
        cost_usd=cost,
    )


def _operators(
    body: Mapping[str, JsonValue],
) -> tuple[Mapping[str, JsonValue], Mapping[str, JsonValue]]:
    """Return what to set and what to unset, as they stand."""
    if not body:
        raise BadFieldError("body", "names nothing to change")
    if not any(name.startswith("$") for name in body):
        return body, {}
    unknown = next((name for name in body if name not in _OPERATORS), None)
    if unknown is not None:
        raise UnknownFieldError(unknown, "stands beside operators; use $set and $unset only")
    return _fields("$set", body), _fields("$unset", body)


def _fields(operator: str, body: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    fields = body.get(operator, {})
    if not isinstance(fields, dict):
        raise BadFieldError(operator, "is an object")
    return fields


def _label(name: str) -> str:
    """Return the key of a label's dotted name."""
    key = name.removeprefix(LABEL)
    if key == name:
        raise UnknownFieldError(name, "cannot be changed here")
    if not _LABEL_KEY.fullmatch(key):
        raise BadFieldError(name, "has a key of 1 to 64 letters, digits, _ and -")
    return key


def _text(name: str, value: JsonValue) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MOST:
        raise BadFieldError(name, f"is a string of at most {TEXT_MOST} characters")
    return value


def _amount(name: str, value: JsonValue) -> Decimal:
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise BadFieldError(name, 'is a decimal string with at most 6 places, as in "0.004044"')
    return Decimal(value)
