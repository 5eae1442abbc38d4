"""Write down what somebody may see as a token that they carry themselves, and read it again.

A token says in the open what it is for, and proves by an HMAC that we said it. Nothing of it is
kept here, so one cannot be called back: it is good for an hour at most. Strangers send them, so
whatever is malformed costs a length check and a pattern, and no HMAC.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from schemas.access import KeyScope, Sight
from schemas.base import GenerationId, UserId
from schemas.job import JobId

NAME: Final = "view"
"""What the bearer of a token is called."""


def mint(key: bytes, sight: Sight) -> str:
    """Return the token for what somebody may see, such as ``v1.job.ID.read.1767268800.MAC``.

    At most 120 characters, all of them safe in a URL, in a header and as a WebSocket's
    subprotocol (RFC 6455, 4.1).

    Args:
        key: Of the purpose "view", see `signing.derive`.
        sight: With `until`, whole seconds of which count; of `user`, `job` and `generation` with
            one at most; neither internal nor for operators.

    Raises:
        ValueError: It is more than a token may be for.
    """
    about = [(kind, named) for kind, named in _about(sight) if named is not None]
    kind, named = about[0] if about else _ALL
    if sight.internal or sight.until is None or len(about) > 1:
        msg = "a token is for one thing, for a time, and for what everybody may see of it"
        raise ValueError(msg)
    said = f"v1.{kind}.{named}.{sight.scope}.{int(sight.until.timestamp())}"
    if not _SAID.fullmatch(said.encode()):
        msg = "a token names an id of 32 hexadecimal digits, and a scope to read or to act"
        raise ValueError(msg)
    return _signed(key, said.encode()).decode("ascii")


def read(keys: Sequence[bytes], token: str | bytes) -> Sight | None:
    """Return what a token is for; None when it is not one of ours. Whether in time is not asked.

    Never raises, whatever a stranger sends. Bytes are compared in constant time.

    Args:
        keys: All that may have signed; none of them: no token is any.
        token: As it came.
    """
    given = _as_ascii(token)
    said, _, mac = given.rpartition(b".")
    match = _SAID.fullmatch(said) if len(given) <= _MOST and len(mac) == _MAC else None
    if match is None:
        return None
    # The text is compared, not the decoded MAC, which would give each token three twins.
    fits = [hmac.compare_digest(_signed(key, said), given) for key in keys]
    if not any(fits):
        return None
    kind, named, scope, until = (each.decode("ascii") for each in match.groups(b""))
    return Sight(
        name=NAME,
        scope=KeyScope(scope),
        user=UserId(named) if kind == "user" else None,
        job=JobId(named) if kind == "job" else None,
        generation=GenerationId(named) if kind == "generation" else None,
        until=datetime.fromtimestamp(int(until), UTC),
    )


_MOST: Final = 120
_MAC: Final = 43
_ALL: Final = ("all", "-")
_SAID: Final = re.compile(
    # A time of eleven digits is in the year 5138 at the latest, which a datetime holds.
    rb"v1\.(?:all\.-|(user|job|generation)\.([0-9a-f]{32}))\.(read|act)\.([0-9]{1,11})"
)


def _about(sight: Sight) -> Sequence[tuple[str, str | None]]:
    return ("user", sight.user), ("job", sight.job), ("generation", sight.generation)


def _signed(key: bytes, said: bytes) -> bytes:
    mac = hmac.digest(key, said, "sha256")
    return said + b"." + urlsafe_b64encode(mac).rstrip(b"=")


def _as_ascii(token: str | bytes) -> bytes:
    """The bytes of a token; empty, which is no token, when it is not ASCII."""
    if isinstance(token, bytes):
        return token
    return token.encode("ascii") if token.isascii() else b""
