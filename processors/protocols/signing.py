"""Derive keys by purpose; make and check the tokens that our webhook URLs carry.

ComfyDeploy signs nothing, so the URL we hand it holds the proof: an HMAC over engine,
generation and attempt. The attempt stands readable before it, for the receiver must know which
run an event speaks of. A token is checked before a byte of the body is read, by strangers'
requests too, so whatever is malformed costs a length check and a pattern, and no HMAC.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from processors.protocols import addresses
from processors.protocols.addresses import ForbiddenUrlError, Reason

MAX_ATTEMPT: Final = 999


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said about a setting, each as the rest of a sentence that begins with its name.

    Attributes:
        problems: Why the service must not start with it.
        warnings: What the operator should know.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def derive(secret: bytes, purpose: str) -> bytes:
    """Return the key for one purpose, 32 bytes (HMAC-SHA256 of a label).

    Knowing one key tells nothing of the secret or of the keys for other purposes.

    Args:
        secret: What the operator gave.
        purpose: Such as "webhook:comfydeploy", "media", "view", "session".

    Raises:
        ValueError: Secret or purpose is empty: a key from nothing opens every door.
    """
    if not secret or not purpose:
        msg = "a key needs a secret and a purpose"
        raise ValueError(msg)
    return hmac.digest(secret, f"runrelay/1/{purpose}".encode(), "sha256")


def person_digest(key: bytes, telegram_id: int) -> str:
    """Return what is left of a Telegram id, by which its person is known should they come again.

    Args:
        key: From `derive`: without it the few ids that there are could all be tried.
        telegram_id: Whose.
    """
    return hmac.digest(key, str(telegram_id).encode(), "sha256").hex()


def webhook_token(key: bytes, engine: str, generation_id: str, attempt: int) -> str:
    """Return the token that lets its bearer speak of one attempt of one generation.

    At most 47 characters, all of them safe in a URL.

    Args:
        key: From `derive`, one for each engine.
        engine: Lower-case letters, digits and dashes, at most 32.
        generation_id: 32 lower-case hexadecimal digits.
        attempt: 1 to `MAX_ATTEMPT`.

    Raises:
        ValueError: An argument is not of that form.
    """
    well_formed = _ENGINE.fullmatch(engine) and _GENERATION.fullmatch(generation_id)
    if not well_formed or not 1 <= attempt <= MAX_ATTEMPT:
        msg = "a token needs an engine's name, a generation's id and an attempt from 1 to 999"
        raise ValueError(msg)
    return _token(key, engine, generation_id, b"%d" % attempt).decode("ascii")


def verify(
    keys: Sequence[bytes], engine: str, generation_id: str, token: str | bytes
) -> int | None:
    """Return the attempt that `token` speaks for; None when it is not one of ours.

    Never raises, whatever a stranger sends. Bytes are compared in constant time.

    Args:
        keys: All that may have signed; none of them: nothing is accepted.
        engine: As in the path of the request.
        generation_id: As in its query.
        token: As in its query.
    """
    if len(token) > _MAX_TOKEN or len(generation_id) != _ID_LENGTH:
        return None
    given = _as_ascii(token)
    match = _TOKEN.fullmatch(given)
    if not match or not _GENERATION.fullmatch(generation_id) or not _ENGINE.fullmatch(engine):
        return None
    # The text is compared, not the decoded MAC: the last character of base64 has two bits that
    # decode to nothing, which would give each token three twins.
    attempt = match[1]
    for key in keys:
        if hmac.compare_digest(_token(key, engine, generation_id, attempt), given):
            return int(attempt)
    return None


def webhook_url(base: str, engine: str, generation_id: str, token: str) -> str:
    """Return the URL an engine is to call; port and path prefix of `base` are kept.

    Args:
        base: A `WEBHOOK_URL` that `check_webhook_base` has no problem with.
        engine: Which engine is to call.
        generation_id: What it will speak of.
        token: From `webhook_token`.
    """
    trimmed = base.rstrip("/")
    return f"{trimmed}/api/webhook/{engine}?generation={generation_id}&token={token}"


def check_webhook_base(base: str, *, live: bool) -> Verdict:
    """Say what is wrong with a `WEBHOOK_URL`.

    Args:
        base: As the operator wrote it.
        live: Whether engines elsewhere must be able to reach it.
    """
    if "://" not in base or base.startswith("://"):
        return Verdict(("has no scheme: it begins with https://, as in https://example.com",))
    if not addresses.is_plain(base):
        return Verdict(("holds white space, a control character or a backslash",))
    try:
        parts = urlsplit(base)
    except ValueError:
        return Verdict((_SAID["syntax"],))
    host, problems = _host_of(parts)
    problems += _shape_problems(base, parts.scheme)
    warnings: tuple[str, ...] = ()
    if live and parts.scheme == "http":
        warnings += ("is plain http: whoever carries the traffic can read tokens and results",)
    if live and host:
        problems += _reach_problems(host)
        if "." not in host and ":" not in host and not addresses.is_local_name(host):
            warnings += ("names a host without a domain, which engines elsewhere cannot reach",)
    return Verdict(problems, warnings)


_ID_LENGTH: Final = 32
_MAX_TOKEN: Final = 47  # three digits, a dot, 43 characters of base64
_ENGINE: Final = re.compile(r"[a-z0-9-]{1,32}")
_GENERATION: Final = re.compile(r"[0-9a-f]{32}")
_TOKEN: Final = re.compile(rb"([1-9][0-9]{0,2})\.[A-Za-z0-9_-]{43}")
_SAID: Final[dict[Reason, str]] = {
    "host": "has no host, or one that is not a plain name or address",
    "port": "has a port that is not a number from 1 to 65535",
    "syntax": "is not a URL",
    "userinfo": "holds a user name or password, which it must not",
}


def _token(key: bytes, engine: str, generation_id: str, attempt: bytes) -> bytes:
    """The token as bytes; a colon occurs in none of the parts, so it keeps them apart."""
    message = f"{engine}:{generation_id}:".encode() + attempt
    mac = hmac.digest(key, message, "sha256")
    return attempt + b"." + urlsafe_b64encode(mac).rstrip(b"=")


def _as_ascii(token: str | bytes) -> bytes:
    """The bytes of a token; empty, which is no token, when it is not ASCII."""
    if isinstance(token, bytes):
        return token
    return token.encode("ascii") if token.isascii() else b""


def _host_of(parts: SplitResult) -> tuple[str, tuple[str, ...]]:
    """The host, empty when it cannot be read, and what is wrong with it."""
    loose = addresses.loose_ipv4(parts.netloc.partition(":")[0].rstrip("."))
    if loose is not None and addresses.literal(parts.netloc.partition(":")[0]) != loose:
        return str(loose), (f"writes its address in an unusual form: it is {loose}",)
    try:
        return addresses.split_authority(parts.netloc)[0], ()
    except ForbiddenUrlError as error:
        return error.host, (_SAID[error.reason],)


def _shape_problems(base: str, scheme: str) -> tuple[str, ...]:
    """What is wrong with the parts around the host."""
    problems: tuple[str, ...] = ()
    if scheme not in addresses.DEFAULT_PORTS:
        problems += ("is neither https:// nor http://",)
    # Looked for in the text, since an empty query leaves no trace in the parts.
    if "?" in base:
        problems += ("has a query (from the question mark on), which it must not",)
    if "#" in base:
        problems += ("has a fragment (from the # on), which it must not",)
    return problems


def _reach_problems(host: str) -> tuple[str, ...]:
    """Why engines elsewhere cannot reach `host`."""
    if addresses.is_local_name(host):
        return (f"points at {host}, which only this machine or its own network knows",)
    address = addresses.literal(host)
    if address is not None and not addresses.is_public(address):
        return (f"points at {host}, which cannot be reached from the internet",)
    return ()
