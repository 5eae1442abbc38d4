"""Standard Webhooks: sign messages, and tell whether one was signed by who knows a secret, lately.

What is signed is ``{id}.{timestamp}.{body}``, the body as it came, by HMAC-SHA256. Of versions
only ``v1`` is known here; entries of others may stand beside it.
Source: github.com/standard-webhooks/standard-webhooks, its specification as of 2025.
"""

import binascii
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

PREFIX: Final = "whsec_"
"""Begins every secret; base64 follows."""
TOLERANCE: Final = timedelta(minutes=5)
"""So far a message's time may lie before or after ours."""
KEY_LEAST: Final = 16
"""Bytes of a key; the specification asks its makers for 24."""

Reason = Literal["timestamp", "signature"]
"""What is wrong with a message: its time, or all else. Never to be told to its sender."""


class Signed(NamedTuple):
    """What the headers say beside a body."""

    id: bytes
    """The message's; the same when it is sent again."""
    timestamp: bytes
    """Seconds since 1970, of this attempt to send it."""
    signatures: bytes
    """Any number, parted by spaces."""


def keys(secrets: Sequence[str]) -> tuple[bytes, ...]:
    """Return the keys that secrets stand for.

    Raises:
        ValueError: One stands for none, said as the rest of a sentence that begins with the
            setting's name, without the secret.
    """
    return tuple(map(_key, secrets))


def signed(headers: Iterable[tuple[bytes, bytes]]) -> Signed | None:
    """Return what is said in the headers of a request, their names in lower case.

    None where one of the three is missing or there twice: of two, others may read the other one.
    """
    told = [(name, value) for name, value in headers if name in _HEADERS]
    found = dict(told)
    if len(told) != len(_HEADERS) or len(found) != len(_HEADERS):
        return None
    return Signed(*(found[name] for name in _HEADERS))


def sign(keys: Sequence[bytes], message: bytes, body: bytes, now: datetime) -> Signed:
    """Return what the headers beside a body say, signed with each of the keys.

    Args:
        keys: One, or several while a secret is being replaced: a receiver needs to know one.
        message: The message's id, without a dot; the same when it is sent again.
        body: The bytes as they are sent.
        now: When it is sent, each time anew.
    """
    timestamp = str(int(now.timestamp())).encode()
    content = b".".join((message, timestamp, body))
    return Signed(message, timestamp, b" ".join(b"v1," + each for each in _made(keys, content)))


def verify(keys: Sequence[bytes], signed: Signed, body: bytes, now: datetime) -> Reason | None:
    """Return what is wrong with a message; None where it is as it should be.

    Never raises, whatever a stranger sends. Every signature is compared with every key's, in
    constant time.

    Args:
        keys: All that may have signed; none of them: nothing is right.
        signed: What the headers say.
        body: The bytes as they came.
        now: The time in UTC.
    """
    if not _ID.fullmatch(signed.id) or len(signed.signatures) > _SIGNATURES_MOST:
        return "signature"
    if not _TIMESTAMP.fullmatch(signed.timestamp):
        return "timestamp"
    if abs(int(signed.timestamp) - now.timestamp()) > TOLERANCE.total_seconds():
        return "timestamp"
    told = [match[1] for match in map(_V1.fullmatch, signed.signatures.split(b" ")) if match]
    message = b".".join((signed.id, signed.timestamp, body))
    # The texts are compared, not what they decode to: base64 writes a digest in one way only.
    fits = [hmac.compare_digest(ours, theirs) for ours in _made(keys, message) for theirs in told]
    return None if any(fits) else "signature"


_HEADERS: Final = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
_ID: Final = re.compile(rb"[!-\-/-~]{1,256}")
"""Without a dot, which parts what is signed."""
_TIMESTAMP: Final = re.compile(rb"[0-9]{1,12}")
_SIGNATURES_MOST: Final = 4096
_V1: Final = re.compile(rb"v1,([A-Za-z0-9+/]{43}=)")


def _made(keys: Sequence[bytes], content: bytes) -> list[bytes]:
    """Return the signatures that keys make of what is signed."""
    return [b64encode(hmac.digest(key, content, "sha256")) for key in keys]


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix(PREFIX)
    if encoded == secret:
        raise ValueError(f"must begin with {PREFIX}, each of them; copy it whole")
    try:
        key = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"must have base64 after {PREFIX}, each of them; copy it whole") from None
    if len(key) < KEY_LEAST:
        raise ValueError(f"must hold {KEY_LEAST} bytes or more, each of them; copy it whole")
    return key
