"""Every way a Bot API can answer, over real sockets."""

import socket
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerRefusedError,
    PeerUnknownError,
)
from app.observability.metrics import Metrics
from app.telegram.connecting import connect
from app.telegram.errors import (
    ChatClosedError,
    ChatMigratedError,
    ConflictFaultError,
    FloodError,
    MessageGoneError,
    TokenFaultError,
    TooLargeError,
)
from app.telegram.media import Form, Medium
from tests.app.telegram.conftest import TOKEN
from tests.peers import Peers

if TYPE_CHECKING:
    from app.telegram.bot import Bot

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def a_bot(api_url: str, token: str = TOKEN) -> "AsyncGenerator[Bot]":
    """Return a bot of another set-up."""
    bot = await connect(token, api_url, timeout_seconds=1.0, metrics=Metrics())
    try:
        yield bot
    finally:
        await bot.close()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("429", FloodError),
        ("429-bare", FloodError),
        ("429-zero", FloodError),
        ("403-blocked", ChatClosedError),
        ("403-kicked", ChatClosedError),
        ("403-deactivated", ChatClosedError),
        ("400-migrate", ChatMigratedError),
        ("400", PeerRefusedError),
        ("401", TokenFaultError),
        ("404", TokenFaultError),
        ("409", ConflictFaultError),
        ("413-json", TooLargeError),
        ("413-html", TooLargeError),
        ("500", PeerBusyError),
        ("500-restart", PeerBusyError),
        ("500-no-description", PeerBusyError),
        ("502-html", PeerBusyError),
        ("504-empty", PeerBusyError),
        ("200-empty", PeerUnknownError),
        ("200-invalid-utf8", PeerUnknownError),
        ("sent-then-hang", PeerUnknownError),
        ("sent-then-reset", PeerUnknownError),
        ("hang", PeerUnknownError),
        ("reset", PeerUnknownError),
        ("cut", PeerUnknownError),
    ],
)
async def test_case_48_each_failure_has_its_kind(
    bot: "Bot", peers: Peers, kind: str, expected: type[PeerError]
) -> None:
    """Each row of what aiogram makes of a failure becomes an error that says what to do."""
    await peers.control("telegram/faults", kind=kind)

    with pytest.raises(PeerError) as caught:
        await bot.send_text(1, "hello", html=True, reply_to=None)

    assert type(caught.value) is expected


async def test_what_cannot_be_parsed_was_sent_all_the_same(bot: "Bot", peers: Peers) -> None:
    """`ok` without a message that aiogram knows is a message sent, not one to repeat."""
    await peers.control("telegram/faults", kind="200-unparsable")

    assert await bot.send_text(1, "hello", html=True, reply_to=None) is None
    assert len(await peers.chat(1)) == 1


async def test_the_same_text_again_is_no_fault(bot: "Bot") -> None:
    """An edit that changes nothing is done."""
    sent = await bot.send_text(1, "hello", html=True, reply_to=None)
    assert sent is not None

    await bot.edit_text(1, sent, "hello", html=True)


async def test_a_message_that_is_gone(bot: "Bot") -> None:
    """An edit of nothing says so."""
    with pytest.raises(MessageGoneError):
        await bot.edit_text(1, 99, "hello", html=True)


async def test_nobody_listens() -> None:
    """A refused connection means that nothing was sent, and that all of Telegram is away."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with a_bot(f"http://127.0.0.1:{port}") as bot:
        with pytest.raises(PeerDownError):
            await bot.me()


async def test_an_address_that_is_no_url() -> None:
    """A broken setting is no outage of unknown outcome, and the token stays out of it."""
    async with a_bot("http://[:bad") as bot:
        with pytest.raises(PeerError) as caught:
            await bot.me()

    assert TOKEN not in "".join(traceback.format_exception(caught.value))


async def test_a_malformed_token() -> None:
    """What is no token is refused before anybody is asked, and not repeated in the error."""
    with pytest.raises(TokenFaultError) as caught:
        await connect("no token", "http://127.0.0.1:9", timeout_seconds=1.0, metrics=Metrics())

    assert "no token" not in str(caught.value)


@pytest.mark.parametrize("kind", ["reset", "hang", "404", "200-invalid-utf8", "502-html"])
async def test_case_53_no_error_holds_the_token(bot: "Bot", peers: Peers, kind: str) -> None:
    """The URL of a call holds the token; no trace of an error does."""
    await peers.control("telegram/faults", kind=kind, description=f"bad bot{TOKEN}/sendMessage")

    with pytest.raises(PeerError) as caught:
        await bot.send_text(1, "hello", html=True, reply_to=None)

    assert TOKEN not in "".join(traceback.format_exception(caught.value))


async def test_me(bot: "Bot") -> None:
    """The bot knows its name."""
    assert await bot.me() == "sandbox_4711_bot"


@pytest.mark.parametrize("form", sorted(set(Form) - {Form.PHOTO}))
async def test_each_form_is_uploaded_as_such(bot: "Bot", peers: Peers, form: Form) -> None:
    """Bytes go up in the form that was asked for, under their name, in reply."""
    asked = await bot.send_text(1, "please", html=False, reply_to=None)
    await bot.send(
        1, Medium(form, b"bytes", "a name.bin"), "<b>look</b>", html=True, reply_to=asked
    )

    message = (await peers.chat(1))[-1]
    assert message["kind"] == form.value
    assert message["caption"] == "look"
    assert message["reply_to"] == asked
    assert message["media"][0]["by"] == "upload"
    assert message["media"][0]["filename"] == "a name.bin"


async def test_a_reply_to_a_deleted_message_is_sent_without(bot: "Bot", peers: Peers) -> None:
    """Who deletes the question still gets the answer."""
    await bot.send_text(1, "hello", html=False, reply_to=99)

    assert [message["reply_to"] for message in await peers.chat(1)] == [None]
