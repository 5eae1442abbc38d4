"""Whether a request comes from a page of our own, as browsers tell.

A cookie goes along whoever made the browser ask, so it alone proves nobody's will. Browsers say
with every request that may change something, and with every handshake of a WebSocket, which site
asked: ``Sec-Fetch-Site`` (Fetch Metadata, W3C; on https and on this machine) and ``Origin``
(RFC 6454). No page can make up either.
"""

from typing import Final

from starlette.types import Scope

from app.web.refusals import CrossSiteError

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1), and whose answers no other site's page reads."""
_OURS: Final = b"same-origin"
_PORTS: Final = {b"http": b":80", b"https": b":443"}


def check(scope: Scope) -> None:
    """Let nothing pass that could be another site's doing.

    Raises:
        CrossSiteError: It may change something, or is a socket, and no header says that a page
            of ours asked for it.
    """
    unsafe = scope["type"] == "websocket" or scope["method"] not in SAFE
    if unsafe and said(scope) is not True:
        raise CrossSiteError


def said(scope: Scope) -> bool | None:
    """Return whether a page of ours asked, None where no header tells: it is no browser then."""
    sites, origins = _values(scope, b"sec-fetch-site"), _values(scope, b"origin")
    if not sites and not origins:
        return None
    told = [each == _OURS for each in sites] + [_is_ours(each, scope) for each in origins]
    return len(sites) <= 1 and len(origins) <= 1 and all(told)


def secure(scope: Scope) -> bool:
    """Return whether a request came by TLS, to us or to a proxy whose word we take."""
    return scope["scheme"] in {"https", "wss"}


def _is_ours(origin: bytes, scope: Scope) -> bool:
    """Return whether an origin is the host that was called.

    By plain http it may have been https for the browser: a proxy that is not trusted says
    nothing that is believed. The host is what tells sites apart.
    """
    scheme, _, host = origin.lower().partition(b"://")
    called = _values(scope, b"host")
    if scheme not in _PORTS or len(called) != 1 or (secure(scope) and scheme != b"https"):
        return False
    port = _PORTS[scheme]
    return host.removesuffix(port) == called[0].lower().removesuffix(port)


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]
