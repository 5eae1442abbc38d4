"""Telegram's updates: what has to be known of one."""

import json
from typing import Any

import pytest

from processors.errors import RefusedBodyError
from processors.protocols import telegram
from tests.builders import NOON

GROUP = {"chat": {"id": -5}, "from": {"id": 7}}


@pytest.mark.parametrize(
    ("given", "kind", "lane", "chat"),
    [
        ({"message": GROUP}, "message", "chat:-5", -5),
        ({"my_chat_member": GROUP}, "my_chat_member", "chat:-5", -5),
        (
            {"callback_query": {"message": GROUP, "from": {"id": 8}}},
            "callback_query",
            "chat:-5",
            -5,
        ),
        ({"inline_query": {"from": {"id": 7}}}, "inline_query", "chat:7", None),
        ({"poll_answer": {"user": {"id": 7}}}, "poll_answer", "chat:7", None),
        ({"poll": {"id": "x"}}, "poll", "update:1", None),
        ({}, "other", "update:1", None),
        ({"message": {"chat": {"id": True}, "from": {"id": 2**63}}}, "message", "update:1", None),
        ({"message": {"chat": 1, "from": []}}, "message", "update:1", None),
        (
            {"pre_checkout_query": {"from": {"id": 7}}},
            "pre_checkout_query",
            "checkout:1",
            None,
        ),
    ],
)
def test_an_update_goes_into_its_lane(
    given: dict[str, Any], kind: str, lane: str, chat: int | None
) -> None:
    """By its chat, else its person; a checkout by itself; whatever else it looks like."""
    raw = json.dumps({"update_id": 1} | given).encode()
    update = telegram.receive(raw, NOON)

    assert (update.kind, update.lane, update.chat_id) == (kind, lane, chat)
    assert (update.id, update.at, update.due_at, update.raw) == (1, NOON, NOON, raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"1",
        b"{}",
        b'{"update_id": true}',
        b'{"update_id": "1"}',
        b'{"update_id": -1}',
        b'{"update_id": 1.0}',
        b'{"update_id": 9223372036854775808}',
        b'{"update_id": 1' + b"0" * 400 + b"}",
        b'{"update_id": 1' + b"0" * 9000 + b"}",
    ],
)
def test_what_has_no_id_is_no_update(raw: bytes) -> None:
    """A list, a missing or an absurd id, no JSON at all."""
    with pytest.raises(RefusedBodyError):
        telegram.receive(raw, NOON)


def test_the_largest_id_is_taken() -> None:
    """All that MongoDB holds."""
    assert telegram.receive(b'{"update_id": 9223372036854775807}', NOON).id == telegram.ID_MOST


@pytest.mark.parametrize(
    ("url", "can"),
    [
        ("https://example.com/relay", True),
        ("https://example.com:8443", True),
        ("https://example.com:80", True),
        ("https://example.com:8444", False),
        ("https://example.com:99999", False),
        ("http://example.com:443", False),
        (None, False),
    ],
)
def test_telegram_calls_some_addresses_only(url: str | None, *, can: bool) -> None:
    """https, on four ports."""
    assert telegram.reaches(url) is can
