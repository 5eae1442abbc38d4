"""Sign in at the dashboard, and out again.

A browser holds a random value in a cookie that no script reads, and we keep its digest. The
value is made anew at each sign-in, whatever the browser held before (session fixation), and the
one before is over.
"""

import secrets
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from app import errors
from app.web import bodies, cookies, origins, reading
from app.web.auth import ApiKeys
from app.web.guesses import Guesses
from app.web.operations import Access, Call, Operation, Route
from app.web.refusals import CrossSiteError, GuessedError, UnauthorizedError
from app.web.services import Clock, Sessions
from schemas.access import SESSION_LASTS, KeyScope, Session, Sight
from schemas.wire.access import SignedIn, SignIn

PATH: Final = "/api/session"
_BODY_MOST: Final = 4096
_TAG: Final = "access"


class SessionHandlers:
    """Answers for sessions."""

    def __init__(
        self, keys: ApiKeys, sessions: Sessions, clock: Clock, deadline: timedelta
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._clock = clock
        self._deadline = deadline
        self._guesses = Guesses()

    async def sign_in(self, call: Call) -> Response:
        """Begin a session."""
        request, now = call.request, self._clock.now()
        if origins.said(request.scope) is False:
            raise CrossSiteError
        address = "" if request.client is None else request.client.host
        raw = await bodies.taken(request.scope, request.receive, self._deadline, _BODY_MOST)
        key = reading.body(SignIn, raw).key.encode()
        # Nothing is waited for between this and the count, or many could try at once.
        self._guesses.check(address, now)
        sight = self._keys.sight(key)
        if sight is None:
            self._guesses.wrong(address, now)
            raise UnauthorizedError
        value, until = secrets.token_urlsafe(32), now + SESSION_LASTS
        await self._sessions.put(Session(cookies.digest(value), sight.caller, until))
        await self._end(request.scope)
        return _known(sight.change(until=until), request, value)

    async def read(self, call: Call) -> Response:
        """Say who asks."""
        return _known(call.sight, call.request)

    async def sign_out(self, call: Call) -> Response:
        """End a session; where there is none, there is none."""
        scope = call.request.scope
        if not cookies.comes(scope):
            return Response(None, 204)
        # Also where the session is over: a stranger's page shall not even clear the cookie.
        origins.check(scope)
        await self._end(scope)
        return Response(None, 204, {"Set-Cookie": cookies.setting(scope, "", SESSION_LASTS)})

    async def _end(self, scope: Scope) -> None:
        """End the session that a browser comes with, whatever it holds."""
        try:
            digest = cookies.digest_in(scope)
        except UnauthorizedError:
            return
        if digest is not None:
            await self._sessions.remove(digest)


def routes(
    keys: ApiKeys, sessions: Sessions, clock: Clock, deadline: timedelta
) -> tuple[Route, ...]:
    """Return how somebody signs in and out."""
    do = SessionHandlers(keys, sessions, clock, deadline)
    return (
        Route(
            Operation(
                method="POST",
                path=PATH,
                name="signIn",
                tag=_TAG,
                summary="Sign in at the dashboard with a key: sets a cookie",
                access=Access.OPEN,
                body=SignIn,
                status=201,
                answer=SignedIn,
                errors=(*bodies.ERRORS, CrossSiteError, GuessedError, UnauthorizedError),
            ),
            do.sign_in,
        ),
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="readSession",
                tag=_TAG,
                summary="Say who asks: the name of their key, and what it may do",
                scope=KeyScope.READ,
                answer=SignedIn,
                errors=(errors.UnavailableError,),
            ),
            do.read,
        ),
        Route(
            Operation(
                method="DELETE",
                path=PATH,
                name="signOut",
                tag=_TAG,
                summary="Sign out: ends the session, and the streams that it has open",
                access=Access.OPEN,
                status=204,
                errors=(CrossSiteError, errors.UnavailableError),
            ),
            do.sign_out,
        ),
    )


def _known(sight: Sight, request: Request, value: str | None = None) -> Response:
    """Say who somebody is; with a value for their browser, have it hold that."""
    told = SignedIn(name=sight.name, scope=sight.scope, expires_at=sight.until)
    content = told.model_dump_json(by_alias=True)
    if value is None:
        return Response(content, 200, media_type="application/json")
    cookie = cookies.setting(request.scope, value, SESSION_LASTS)
    return Response(content, 201, {"Set-Cookie": cookie}, "application/json")
