"""Who asks, by the headers of a request or of a WebSocket's handshake.

A key or a view token that is borne decides alone, and a right one is proof of its bearer's will:
no page can send one that it was not given. Only without one a session's cookie counts, and then
the browser must say that a page of ours asked.
"""

from collections.abc import Sequence
from typing import Final

from starlette.types import Scope

from app.errors import UnavailableError
from app.web import cookies, origins
from app.web.auth import ApiKeys, bearer
from app.web.refusals import (
    ScopeError,
    SessionEndedError,
    TokenExpiredError,
    UnauthorizedError,
)
from app.web.services import Clock, Sessions
from processors.protocols import view_tokens
from schemas.access import KeyScope, Sight

SUBPROTOCOL: Final = "bearer."
"""What precedes a key or a token among a WebSocket's subprotocols: browsers send no headers."""


class Sights:
    """Tells what whoever asks may see and do."""

    def __init__(
        self, keys: ApiKeys, view_keys: Sequence[bytes], sessions: Sessions, clock: Clock
    ) -> None:
        self._keys = keys
        self._view_keys = view_keys
        self._sessions = sessions
        self._clock = clock

    async def of(self, scope: Scope) -> Sight:
        """Return what whoever asks may see and do.

        Raises:
            UnauthorizedError: They have no right key, token or session, or one that is over.
            CrossSiteError: They have a session, and another site may have made them ask.
            UnavailableError: They may have a session, and it cannot be looked up.
        """
        borne = _borne(scope)
        if borne is not None:
            return self._bearer(borne)
        digest = cookies.digest_in(scope)
        if digest is None:
            raise UnauthorizedError
        origins.check(scope)
        return await self._session(digest)

    async def still(self, sight: Sight) -> bool:
        """Return whether somebody may go on seeing what they were let see.

        A session that cannot be looked up is taken to be there: while the database does not
        answer there is nothing new to be seen, and a stream that ended could not be begun again.
        """
        if sight.until is not None and sight.until <= self._clock.now():
            return False
        try:
            return sight.session is None or await self._sessions.get(sight.session) is not None
        except UnavailableError:
            return True

    def _bearer(self, given: bytes) -> Sight:
        sight = self._keys.sight(given) or view_tokens.read(self._view_keys, given)
        if sight is None:
            raise UnauthorizedError
        if sight.until is not None and sight.until <= self._clock.now():
            raise TokenExpiredError
        return sight

    async def _session(self, digest: str) -> Sight:
        session = await self._sessions.get(digest)
        sight = None if session is None else self._keys.of(session.caller)
        if session is None or sight is None or session.until <= self._clock.now():
            raise SessionEndedError
        return sight.change(until=session.until, session=digest)


def require(sight: Sight, scope: KeyScope) -> None:
    """Let only those do something who may.

    Raises:
        ScopeError: They may not.
    """
    if not sight.scope.includes(scope):
        raise ScopeError(f"this needs the scope {scope}, and what you came with has {sight.scope}")


def _borne(scope: Scope) -> bytes | None:
    """Return the key or token of a request; None where it has none.

    Raises:
        UnauthorizedError: It has several.
    """
    borne = bearer(scope["headers"])
    if scope["type"] != "websocket":
        return borne
    offered: list[str] = scope.get("subprotocols", [])
    beside = [each.removeprefix(SUBPROTOCOL) for each in offered if each.startswith(SUBPROTOCOL)]
    given = [each.encode("utf-8", "replace") for each in beside] + (
        [] if borne is None else [borne]
    )
    if len(given) > 1:
        raise UnauthorizedError
    return given[0] if given else None
