"""The Bot API, spoken through aiogram. Imported by `app.telegram.connecting` alone.

Importing aiogram takes 3 to 5 seconds and 165 MB, so nothing else imports this module before
the service listens. No exception of aiogram or aiohttp leaves it: their texts may quote the URL
of the call, which holds the bot's token.
"""

import math
from collections.abc import Sequence
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

from aiogram import Bot as AiogramBot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import (
    EditMessageMedia,
    EditMessageText,
    GetMe,
    Response,
    SendAnimation,
    SendAudio,
    SendDocument,
    SendMediaGroup,
    SendMessage,
    SendPhoto,
    SendVideo,
    TelegramMethod,
)
from aiogram.methods.base import TelegramType
from aiogram.types import (
    BufferedInputFile,
    InputMediaAnimation,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)
from aiogram.utils.token import TokenValidationError
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponseError,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
)
from pydantic import JsonValue

from app.clock import monotonic
from app.errors import AppError, PeerDownError, PeerMissingError
from app.observability.metrics import Metrics
from app.telegram import outcomes, parameters
from app.telegram.errors import PEER, TokenFaultError, TooLargeError, busy, unknown
from app.telegram.media import Form, Medium
from processors.notifications.buttons import Rows

T = TypeVar("T")

CONNECT_SECONDS: Final = 10.0

_INPUTS: Final = {
    Form.PHOTO: InputMediaPhoto,
    Form.VIDEO: InputMediaVideo,
    Form.ANIMATION: InputMediaAnimation,
    Form.AUDIO: InputMediaAudio,
    Form.DOCUMENT: InputMediaDocument,
}


class Session(AiohttpSession):
    """aiogram's HTTP session with our reading of answers in place of its own."""

    def check_response(
        self,
        bot: AiogramBot,
        method: TelegramMethod[TelegramType],
        status_code: int,
        content: str,
    ) -> Response[TelegramType]:
        """Read an answer; its result stays plain JSON, so that no odd field can spoil it.

        Raises:
            PeerError: By what the sender does about it.
        """
        del bot, method
        # Nothing is validated: `result` is JSON values where aiogram would make objects.
        return cast(
            "Response[TelegramType]",
            Response.model_construct(ok=True, result=outcomes.result(status_code, content)),
        )


class Bot:
    """One bot of Telegram. Every method but `close` may raise a PeerError."""

    def __init__(
        self, token: str, api_url: str, *, timeout_seconds: float, metrics: Metrics
    ) -> None:
        """Set the bot up without asking anybody.

        Args:
            token: The bot's token.
            api_url: Base URL of the Bot API, without the token.
            timeout_seconds: Longest wait for an answer.
            metrics: Where calls are counted.

        Raises:
            TokenFaultError: This is no token.
        """
        limit = ClientTimeout(
            total=timeout_seconds, sock_connect=min(CONNECT_SECONDS, timeout_seconds)
        )
        session = Session(
            api=TelegramAPIServer.from_base(api_url),
            # aiogram hands it to aiohttp as it is, and names it a number for its own use.
            timeout=cast("float", limit),
        )
        self._token = token
        self._limit = limit
        self._metrics = metrics
        try:
            self._bot = AiogramBot(token, session=session)
        except TokenValidationError:
            raise TokenFaultError(PEER, "the bot's token is malformed") from None

    async def me(self) -> str:
        """Return the bot's name, without the ``@``."""
        given = await self._call(GetMe())
        name = cast("dict[str, Any]", given).get("username") if isinstance(given, dict) else None
        return name if isinstance(name, str) else ""

    async def send_text(
        self, chat_id: int, text: str, *, html: bool, reply_to: int | None, rows: Rows = ()
    ) -> int | None:
        """Send a message with buttons; return its id, or None where the answer does not tell it."""
        sent = await self._call(
            SendMessage(
                chat_id=chat_id,
                text=text,
                parse_mode=parameters.mode(html=html),
                link_preview_options=parameters.PREVIEW,
                reply_parameters=parameters.reply(reply_to),
                reply_markup=parameters.keyboard(rows),
            )
        )
        return outcomes.message_id(sent)

    async def edit_text(
        self, chat_id: int, message_id: int, text: str, *, html: bool, rows: Rows = ()
    ) -> None:
        """Give a text message another text and other buttons; the same are no fault.

        Raises:
            MessageGoneError: It is not there, or is no text message.
        """
        await self._call(
            EditMessageText(
                chat_id=chat_id,
                message_id=message_id,
                text=text,
                parse_mode=parameters.mode(html=html),
                link_preview_options=parameters.PREVIEW,
                # An edit without a keyboard takes the keyboard away.
                reply_markup=parameters.keyboard(rows),
            )
        )

    async def send(
        self,
        chat_id: int,
        medium: Medium,
        caption: str,
        *,
        html: bool,
        reply_to: int | None,
        rows: Rows = (),
    ) -> None:
        """Send one file with a caption, which may be empty, and buttons."""
        source = _source(medium)
        common: dict[str, Any] = {
            "chat_id": chat_id,
            "caption": caption or None,
            "parse_mode": parameters.mode(html=html),
            "reply_parameters": parameters.reply(reply_to),
            "reply_markup": parameters.keyboard(rows),
        }
        match medium.form:
            case Form.PHOTO:
                await self._call(SendPhoto(photo=source, **common))
            case Form.VIDEO:
                await self._call(SendVideo(video=source, supports_streaming=True, **common))
            case Form.ANIMATION:
                await self._call(SendAnimation(animation=source, **common))
            case Form.AUDIO:
                await self._call(SendAudio(audio=source, **common))
            case Form.DOCUMENT:
                await self._call(SendDocument(document=source, **common))

    async def send_album(
        self,
        chat_id: int,
        media: Sequence[Medium],
        caption: str,
        *,
        html: bool,
        reply_to: int | None,
    ) -> None:
        """Send 2 to 10 photos and videos as one album, the caption under the first.

        An album takes no buttons (sendMediaGroup has no field for them).
        """
        captions = [caption, *("" for _ in media[1:])]
        await self._call(
            SendMediaGroup(
                chat_id=chat_id,
                # Only forms that an album takes are given by the caller.
                media=cast(
                    "Any",
                    [
                        _input(medium, each, html=html)
                        for medium, each in zip(media, captions, strict=True)
                    ],
                ),
                reply_parameters=parameters.reply(reply_to),
            )
        )

    async def edit_media(
        self,
        chat_id: int,
        message_id: int,
        medium: Medium,
        caption: str,
        *,
        html: bool,
        rows: Rows = (),
    ) -> None:
        """Turn a message into a file with a caption and buttons.

        Raises:
            MessageGoneError: It is not there, or cannot be turned so.
        """
        await self._call(
            EditMessageMedia(
                chat_id=chat_id,
                message_id=message_id,
                media=_input(medium, caption, html=html),
                reply_markup=parameters.keyboard(rows),
            )
        )

    @property
    def aiogram(self) -> AiogramBot:
        """What aiogram's own handlers are given: its answers are JSON values."""
        return self._bot

    async def call(
        self, method: TelegramMethod[T], *, longest_seconds: float | None = None
    ) -> JsonValue:
        """Make any call, with another time limit than the usual if named; return its result."""
        return cast("JsonValue", await self._call(method, longest_seconds))

    async def download(self, path: str, *, limit_bytes: int) -> bytes:
        """Return a file that `getFile` named.

        Raises:
            TooLargeError: It has more than `limit_bytes`.
        """
        url, got = self._bot.session.api.file_url(self._token, path), bytearray()
        # aiogram hands it on as it does the other limit.
        chunks = self._bot.session.stream_content(url, timeout=cast("int", self._limit))
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    got += chunk
                    if len(got) > limit_bytes:
                        raise TooLargeError(PEER, "a file is too large")
        except ClientResponseError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise PeerMissingError(PEER, "it has no such file") from None
            raise busy(f"a file cannot be had, HTTP {error.status}") from None
        # The cause is left out on purpose: it may quote the URL with the token.
        except (ClientError, TimeoutError) as error:
            raise busy(f"a file cannot be had ({type(error).__name__})") from None
        return bytes(got)

    async def close(self) -> None:
        """Close the connections."""
        await self._bot.session.close()

    async def _call(self, method: TelegramMethod[T], longest: float | None = None) -> object:
        """Make a call and return its result as JSON values."""
        began, outcome = monotonic(), "ok"
        try:
            return await self._answered(method, longest)
        except AppError as error:
            outcome = error.reason
            raise
        finally:
            seconds = monotonic() - began
            self._metrics.telegram_call(method.__api_method__, outcome, seconds)

    async def _answered(self, method: TelegramMethod[T], longest: float | None) -> object:
        try:
            return await self._bot(method, None if longest is None else math.ceil(longest))
        except AppError:
            raise
        # Causes are left out on purpose: what they say may quote the URL with the token.
        except TelegramNetworkError as error:
            raise _network(error.__cause__) from None
        except Exception as error:  # noqa: BLE001 - aiogram's holes are not all known
            raise unknown(f"an answer that cannot be read ({type(error).__name__})") from None


def _network(cause: BaseException | None) -> AppError:
    """Tell what surely was not sent from what may have been."""
    name = type(cause).__name__
    if isinstance(cause, ClientConnectorError | ConnectionTimeoutError):
        return PeerDownError(PEER, f"no connection ({name})")
    if isinstance(cause, InvalidURL):
        return PeerDownError(PEER, "the address of the Bot API is no URL")
    if isinstance(cause, TimeoutError):
        return unknown("no answer in time")
    return unknown(f"the connection broke ({name})")


def _source(medium: Medium) -> str | BufferedInputFile:
    if isinstance(medium.source, str):
        return medium.source
    return BufferedInputFile(medium.source, filename=medium.filename or medium.form.value)


def _input(
    medium: Medium, caption: str, *, html: bool
) -> InputMediaPhoto | InputMediaVideo | InputMediaAnimation | InputMediaAudio | InputMediaDocument:
    return _INPUTS[medium.form](
        media=_source(medium), caption=caption or None, parse_mode=parameters.mode(html=html)
    )
