"""Read a request's body: so much of it, and within so much time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from starlette.types import Receive, Scope

from app.errors import BadFieldError, UnavailableError
from app.web.refusals import DisconnectedError, MediaTypeError, SlowBodyError, TooLargeError

ERRORS: Final = (BadFieldError, MediaTypeError, TooLargeError, SlowBodyError, UnavailableError)
"""What an operation may raise that takes a body of JSON."""
MOST: Final = 1024 * 1024
"""Bytes of a body that are read where nothing else is said."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return a request header by its lower-case name, the first of it; None without one."""
    for key, value in scope["headers"]:
        if key == name:
            return value
    return None


def absent(scope: Scope) -> bool:
    """Return whether a request comes without a body (RFC 9112, 6.3)."""
    declared = header(scope, b"content-length")
    return (declared is None or not declared.strip(b"0")) and not header(
        scope, b"transfer-encoding"
    )


def check_type(scope: Scope) -> None:
    """Let nothing pass but JSON as it is.

    Raises:
        MediaTypeError: It is something else, or compressed: nothing is ever expanded here.
    """
    kind, encoding = b"", b"identity"
    for key, value in scope["headers"]:
        if key == b"content-type":
            kind = value
        elif key == b"content-encoding":
            encoding = value
    media_type = kind.partition(b";")[0].strip().lower()
    if media_type != b"application/json" or encoding.strip().lower() != b"identity":
        raise MediaTypeError


async def taken(scope: Scope, receive: Receive, deadline: timedelta, most: int = MOST) -> bytes:
    """Read a whole body that says it is JSON.

    Raises:
        MediaTypeError: As for `check_type`.
        TooLargeError, SlowBodyError, DisconnectedError: As for `read`.
    """
    check_type(scope)
    return await read(scope, receive, deadline, most)


async def read(scope: Scope, receive: Receive, deadline: timedelta, most: int = MOST) -> bytes:
    """Read a whole body.

    Raises:
        TooLargeError: It is longer than `most`, by its own word or by count.
        SlowBodyError: It was not there by the deadline.
        DisconnectedError: The client went before its end.
    """
    declared = header(scope, b"content-length")
    if declared is not None and int(declared) > most:
        raise TooLargeError(most)
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            return await _gathered(receive, most)
    except TimeoutError:
        raise SlowBodyError from None


async def stream(
    scope: Scope, receive: Receive, deadline: timedelta, most: int
) -> AsyncIterator[bytes]:
    """Yield a body as it comes.

    Of one that is too long as much again is read and thrown away: whoever sends a file of some
    megabytes too many would not see the answer before its end.

    Raises:
        MediaTypeError: It is compressed: nothing is ever expanded here.
        TooLargeError: It is longer than `most`, by its own word or by count.
        SlowBodyError: It was not there by the deadline.
        DisconnectedError: The client went before its end.
    """
    if (header(scope, b"content-encoding") or b"identity").strip().lower() != b"identity":
        raise MediaTypeError
    if int(header(scope, b"content-length") or 0) > most:
        await drain(receive, 2 * most, deadline)
        raise TooLargeError(most)
    until = asyncio.get_running_loop().time() + deadline.total_seconds()
    total, more = 0, True
    while more:
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise SlowBodyError from None
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        part = message.get("body", b"")
        total += len(part)
        more = message.get("more_body", False)
        if total > most:
            left = until - asyncio.get_running_loop().time()
            await drain(receive, most if more else 0, timedelta(seconds=left))
            raise TooLargeError(most)
        yield part


async def drain(receive: Receive, most: int, deadline: timedelta) -> None:
    """Read on and throw away: up to `most` bytes, the body's end or the deadline."""
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            more = True
            while more and most > 0:
                message = await receive()
                most -= len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        return


async def _gathered(receive: Receive, most: int) -> bytes:
    parts, total, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        part = message.get("body", b"")
        total += len(part)
        if total > most:
            raise TooLargeError(most)
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)
