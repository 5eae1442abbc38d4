"""The cookie that a browser is known by while somebody is signed in.

Its name is another on https: what begins with ``__Host-`` is taken by browsers from this host
only, over TLS only (RFC 6265bis, 4.1.3.2), so that no neighbour can set it for us.
"""

import hashlib
import re
from datetime import timedelta
from typing import Final

from starlette.types import Scope

from app.web import origins
from app.web.refusals import UnauthorizedError

PLAIN: Final = "runrelay"
SECURE: Final = "__Host-runrelay"
_VALUE: Final = re.compile(rb"[A-Za-z0-9_-]{43}")


def digest_in(scope: Scope) -> str | None:
    """Return the digest of what a request's cookie holds; None without a cookie of ours.

    Raises:
        UnauthorizedError: There is more than one, or what it holds was never ours.
    """
    given = _values(scope)
    if not given:
        return None
    if len(given) > 1 or not _VALUE.fullmatch(given[0]):
        raise UnauthorizedError
    return digest(given[0].decode("ascii"))


def comes(scope: Scope) -> bool:
    """Return whether a request has a cookie of ours, whatever it holds."""
    return bool(_values(scope))


def digest(value: str) -> str:
    """Return what is kept of a cookie's value: SHA-256, in hexadecimal."""
    return hashlib.sha256(value.encode()).hexdigest()


def setting(scope: Scope, value: str, lasts: timedelta) -> str:
    """Return the ``Set-Cookie`` that has a browser hold `value`, or hold none where it is empty."""
    seconds = int(lasts.total_seconds()) if value else 0
    kept = f"{_name(scope)}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax"
    return f"{kept}; Secure" if origins.secure(scope) else kept


def _values(scope: Scope) -> list[bytes]:
    """Return what a request's cookies of our name hold."""
    name = _name(scope).encode()
    # HTTP/2 may split the header into several (RFC 9113, 8.2.3).
    headers = [value for key, value in scope["headers"] if key == b"cookie"]
    pairs = (each.strip().partition(b"=") for header in headers for each in header.split(b";"))
    return [value for key, _, value in pairs if key == name]


def _name(scope: Scope) -> str:
    return SECURE if origins.secure(scope) else PLAIN
