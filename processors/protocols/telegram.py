"""Telegram's updates: what we have to know of one before anybody handles it.

Everything else of an update is the handlers' business, and is looked at when it is handled: what
nobody understands must be answered 200 all the same, or Telegram repeats it for a day.
"""

from datetime import datetime
from typing import Any, Final, cast
from urllib.parse import urlsplit

from pydantic_core import from_json

from processors.errors import RefusedBodyError
from schemas.update import Update

ID_MOST: Final = 2**63 - 1
"""Largest ``update_id`` that we can keep."""
CHECKOUT: Final = "pre_checkout_query"
"""Must be answered at once (Bot API: within 10 seconds), so each has a lane of its own."""
KINDS: Final = ("message", "callback_query", "my_chat_member", CHECKOUT)
"""What we ask Telegram for, as ``allowed_updates``."""

CHECKOUTS: Final = "checkout:"
"""What the lanes of checkouts begin with."""
PORTS: Final = frozenset({443, 80, 88, 8443})
"""Ports that a webhook may have (Bot API, setWebhook)."""

_OTHER: Final = "other"

_Json = dict[str, Any]
"""A JSON object of a peer's."""


def receive(raw: bytes, at: datetime) -> Update:
    """Read what has to be known of an update.

    Args:
        raw: A webhook's body, or an element of what ``getUpdates`` returns.
        at: When it came.

    Raises:
        RefusedBodyError: It is no JSON object, or has no ``update_id`` that can be kept.
    """
    try:
        given = from_json(raw)
    except ValueError:
        raise RefusedBodyError("json", "is not JSON") from None
    update = _object(given)
    number = update.get("update_id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= ID_MOST:
        raise RefusedBodyError("schema", "is not a number of at most 63 bits", "update_id")
    kind = next((name for name, value in update.items() if isinstance(value, dict)), _OTHER)
    body = _object(update.get(kind))
    chat_id = _id(body.get("chat")) or _id(_object(body.get("message")).get("chat"))
    return Update(
        id=number,
        at=at,
        kind=kind,
        lane=_lane(number, kind, chat_id or _id(body.get("from")) or _id(body.get("user"))),
        chat_id=chat_id,
        raw=raw,
        due_at=at,
    )


def reaches(url: str | None) -> bool:
    """Return whether Telegram can call this address, as far as that can be told from it."""
    if url is None:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        return False
    return parts.scheme == "https" and port in PORTS


def _lane(number: int, kind: str, whose: int | None) -> str:
    """Return a lane: a chat's, else a person's, which is their private chat's too."""
    if kind == CHECKOUT:
        return f"{CHECKOUTS}{number}"
    return f"update:{number}" if whose is None else f"chat:{whose}"


def _object(value: object) -> _Json:
    return cast("_Json", value) if isinstance(value, dict) else {}


def _id(value: object) -> int | None:
    """Return the id of a chat or a person, at most 64 bits; None where there is none."""
    found = _object(value).get("id")
    known = isinstance(found, int) and not isinstance(found, bool) and abs(found) <= ID_MOST
    return found if known else None
