"""What is left of a generation whose person is forgotten: what ran, when, and what it cost."""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from schemas.debt import OUTWARD, Debt, DebtKind
from schemas.generation import Generation, Response

_PICTURE: Final = re.compile(r"media:(inputs/[0-9a-f]{32}\.[a-z0-9]{1,5})")
_DROPPED: Final = OUTWARD | {DebtKind.KEEP, DebtKind.WEBHOOK}
"""Debts that need not be paid to somebody who is forgotten."""


def forgettable(generation: Generation) -> bool:
    """Return whether nothing is still to happen to it that somebody has to be there for."""
    return generation.ended and all(map(_idle, generation.owed))


def released(generation: Generation) -> Generation:
    """Return the record without debts: nobody is told any more, and nothing is copied."""
    if not forgettable(generation):
        return generation
    return generation.change(owed=(), due_at=None)


def files_of(generation: Generation) -> frozenset[str]:
    """Return the keys in storage of what was given for it, and of the copies of what it made."""
    made = {each.key for each in generation.response_payload.outputs if each.key is not None}
    return frozenset({*made, *_pictures(generation.request_payload.inputs)})


def blanked(generation: Generation) -> Generation:
    """Return the record without anything that somebody said, was shown, or is reached by."""
    if generation.owed or not generation.ended:
        return generation
    metadata = generation.metadata.change(
        telegram_chat_id=None,
        telegram_message_id=None,
        status_message_id=None,
        language=None,
        labels={},
    )
    return generation.change(
        metadata=metadata,
        request_payload=generation.request_payload.change(inputs={}),
        response_payload=Response(),
        heard=(),
        live_status=None,
        status_reason=None,
    )


def _idle(debt: Debt) -> bool:
    """Return whether a debt can be dropped: it is dead, or nobody pays it at the moment."""
    return debt.dead_at is not None or (debt.kind in _DROPPED and debt.by is None)


def _pictures(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            found = _PICTURE.fullmatch(value)
            if found:
                yield found[1]
        case list():
            for each in value:
                yield from _pictures(each)
        case dict():
            for each in value.values():
                yield from _pictures(each)
        case _:
            pass
