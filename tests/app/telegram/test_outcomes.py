"""What an answer of the Bot API means."""

import json
from datetime import timedelta

import pytest

from app.errors import PeerBusyError, PeerError, PeerRefusedError, PeerUnknownError
from app.telegram import outcomes
from app.telegram.errors import (
    ChatClosedError,
    ChatMigratedError,
    ConflictFaultError,
    FloodError,
    MarkupRefusedError,
    MessageGoneError,
    NoSuchChatError,
    TokenFaultError,
    TooLargeError,
)


def an_answer(description: str | None = None, **parameters: object) -> str:
    """Return the body of a refusal."""
    body: dict[str, object] = {"ok": False, "error_code": 400}
    if description is not None:
        body["description"] = description
    if parameters:
        body["parameters"] = parameters
    return json.dumps(body)


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (200, '{"ok":true,"result":{"message_id":5}}', {"message_id": 5}),
        (502, '{"ok":true,"result":true}', True),
        (200, '{"ok":true}', None),
        (400, an_answer("Bad Request: message is not modified: same"), True),
    ],
)
def test_what_was_done(status: int, content: str, expected: object) -> None:
    """`ok` is believed, and an edit that changes nothing is done."""
    assert expected == outcomes.result(status, content)


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (403, an_answer("Forbidden: bot was blocked by the user"), ChatClosedError),
        (403, "<html>", PeerBusyError),
        (400, an_answer("Bad Request: chat not found"), NoSuchChatError),
        (400, an_answer("Bad Request: have no rights to send a message"), NoSuchChatError),
        (400, an_answer("Bad Request: message to edit not found"), MessageGoneError),
        (400, an_answer("Bad Request: can't parse entities: x"), MarkupRefusedError),
        (400, an_answer("Bad Request: MEDIA_CAPTION_TOO_LONG"), MarkupRefusedError),
        (400, an_answer("Bad Request: PHOTO_INVALID_DIMENSIONS"), PeerRefusedError),
        (400, an_answer(), PeerRefusedError),
        (400, an_answer("x", migrate_to_chat_id=True), PeerRefusedError),
        (400, an_answer("x", migrate_to_chat_id=1 << 60), PeerRefusedError),
        (418, an_answer("short and stout"), PeerRefusedError),
        (401, an_answer("Unauthorized"), TokenFaultError),
        (404, an_answer("Not Found"), TokenFaultError),
        (404, "<html>", TokenFaultError),
        (409, an_answer("Conflict"), ConflictFaultError),
        (413, an_answer("Request Entity Too Large"), TooLargeError),
        (413, "<html>", TooLargeError),
        (500, an_answer("Internal Server Error"), PeerBusyError),
        (500, an_answer(), PeerBusyError),
        (502, "<html>", PeerBusyError),
        (504, "", PeerBusyError),
        (200, "", PeerUnknownError),
        (200, "[]", PeerUnknownError),
        (200, "[" * 100_000, PeerUnknownError),
        (200, '{"ok":1}', PeerUnknownError),
    ],
)
def test_what_was_not(status: int, content: str, kind: type[PeerError]) -> None:
    """Every other answer is an error of the kind that says what to do."""
    with pytest.raises(PeerError) as caught:
        outcomes.result(status, content)

    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("status", "content", "seconds"),
    [
        (429, an_answer("Too Many Requests: retry after 37", retry_after=37), 37),
        (400, an_answer("any status", retry_after=5), 5),
        (429, an_answer("Too Many Requests", retry_after=10**12), 86_400),
        (429, an_answer("Too Many Requests: retry after 12"), 12),
        (400, an_answer("Too Many Requests: retry after 0", retry_after=0), 3),
        (429, an_answer(), 3),
        (429, "", 3),
    ],
)
def test_a_wait_is_found_wherever_it_stands(status: int, content: str, seconds: int) -> None:
    """A flood names its wait by parameter, by text, or not at all."""
    with pytest.raises(FloodError) as caught:
        outcomes.result(status, content)

    assert caught.value.retry_after == timedelta(seconds=seconds)


def test_a_migrated_group_names_its_new_id() -> None:
    """The new id is taken from the parameters."""
    with pytest.raises(ChatMigratedError) as caught:
        outcomes.result(400, an_answer("upgraded", migrate_to_chat_id=-1001234567890123))

    assert caught.value.to == -1001234567890123


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"message_id": 5}, 5), ({"message_id": True}, None), ({}, None), (True, None), ([], None)],
)
def test_message_id(given: object, expected: int | None) -> None:
    """Whatever was given, the id is a number or nothing."""
    assert expected == outcomes.message_id(given)


def test_no_token_survives_scrubbing() -> None:
    """The bot's own token, and what looks like another's, is taken out of an error's text."""
    text = "POST /bot1:short/x and 123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ\nforged line"

    assert outcomes.scrubbed(text, "1:short") == "POST /bot<token>/x and <token> forged line"
