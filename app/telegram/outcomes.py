"""What an answer of the Bot API means.

Every answer is read here from its status and raw body. aiogram's own exceptions have holes: a
500 without a description becomes a TypeError, and a message that was sent but whose description
it cannot parse becomes a decoding error (measured with aiogram 3.31.0).
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, cast

from app.errors import PeerError, PeerRefusedError
from app.telegram.errors import (
    PEER,
    ChatClosedError,
    ChatMigratedError,
    ConflictFaultError,
    FloodError,
    MarkupRefusedError,
    MessageGoneError,
    NoSuchChatError,
    TokenFaultError,
    TooLargeError,
    busy,
    unknown,
)

DEFAULT_WAIT: Final = timedelta(seconds=3)
"""After a 429 that names no wait: the Bot API server's own limiter pauses as long."""
LONGEST_WAIT_SECONDS: Final = 86_400
"""A longer one is no wait but a mistake."""
DESCRIPTION_KEPT: Final = 300
"""Characters."""
CHAT_BITS: Final = 52
"""Significant bits of a chat's id (Bot API, type Chat)."""

_RETRY_AFTER: Final = re.compile(r"retry after (\d{1,6})", re.IGNORECASE)
_TOKEN: Final = re.compile(r"\d{3,}:[A-Za-z0-9_-]{10,}")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")

_GONE: Final = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message identifier is not specified",
    "there is no text in the message to edit",
    "there is no media in the message to edit",
    "there is no caption in the message to edit",
)
_NO_CHAT: Final = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "chat_write_forbidden",
    "chat_restricted",
    "not enough rights",
    "have no rights",
    "need administrator rights",
    "topic_closed",
    "group chat was deactivated",
)
_MARKUP: Final = (
    "can't parse entities",
    "can't parse caption entities",
    "caption is too long",
    "caption_too_long",
    "message is too long",
    "message_too_long",
    "entity",
    "entities",
)


def result(status: int, content: str) -> Any:  # noqa: ANN401 - a peer's free JSON
    """Return what the Bot API gave, as plain JSON values.

    An answer that says ``ok`` is believed whatever else it looks like: what it answers was
    done. An edit that changes nothing is done too.

    Raises:
        PeerError: By what the sender does about it.
    """
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _refusal(status, "")
    body = cast("dict[str, Any]", answer)
    if body.get("ok") is True:
        return body.get("result")
    description = body.get("description")
    said = description if isinstance(description, str) else ""
    if "message is not modified" in said.lower():
        return True
    parameters = body.get("parameters")
    named = cast("dict[str, Any]", parameters) if isinstance(parameters, dict) else {}
    raise _named(named, said) or _refusal(status, said)


def message_id(given: object) -> int | None:
    """Return the id of the message that a call made, or None where the answer does not say."""
    found = cast("dict[str, Any]", given).get("message_id") if isinstance(given, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def scrubbed(text: str, token: str) -> str:
    """Return one short line of `text` that holds no token of a bot."""
    bare = text.replace(token, "<token>") if token else text
    return _CONTROLS.sub(" ", _TOKEN.sub("<token>", bare))[:DESCRIPTION_KEPT]


def _named(parameters: Mapping[str, object], said: str) -> PeerError | None:
    """Return what an error asks for by name: a wait, at any status, or a group's new id."""
    wait = parameters.get("retry_after")
    if isinstance(wait, int) and wait > 0:
        return FloodError(_bounded(wait))
    moved = parameters.get("migrate_to_chat_id")
    # Supergroups have negative ids.
    if isinstance(moved, int) and moved < 0 and moved.bit_length() <= CHAT_BITS:
        return ChatMigratedError(moved)
    if "too many requests" in said.lower():
        named = _RETRY_AFTER.search(said)
        seconds = int(named[1]) if named else 0
        return FloodError(_bounded(seconds) if seconds else DEFAULT_WAIT)
    return None


def _bounded(seconds: int) -> timedelta:
    return timedelta(seconds=min(seconds, LONGEST_WAIT_SECONDS))


def _refusal(status: int, said: str) -> PeerError:
    """Return what an answer means that is not ``ok`` and asks for nothing."""
    words = scrubbed(said, "") or f"HTTP {status}"
    if status == HTTPStatus.BAD_REQUEST:
        return _bad_request(words)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
        return TokenFaultError(PEER, words)
    if status == HTTPStatus.FORBIDDEN:
        # Without words it is not Telegram that forbids, but something on the way to it.
        return ChatClosedError(words) if said else busy(words)
    if status == HTTPStatus.CONFLICT:
        return ConflictFaultError(PEER, words)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLargeError(PEER, words)
    return _otherwise(status, words)


def _otherwise(status: int, words: str) -> PeerError:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return FloodError(DEFAULT_WAIT)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return busy(words)
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return unknown(f"an answer that is none, {words}")
    return PeerRefusedError(PEER, words)


def _bad_request(words: str) -> PeerError:
    low = words.lower()
    if any(phrase in low for phrase in _GONE):
        return MessageGoneError(PEER, words)
    if any(phrase in low for phrase in _NO_CHAT):
        return NoSuchChatError(PEER, words)
    if any(phrase in low for phrase in _MARKUP):
        return MarkupRefusedError(PEER, words)
    return PeerRefusedError(PEER, words)
