"""What can be done over HTTP, declared once: for the router and for the document.

An `Operation` says what a client needs to know; a `Route` adds who does it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.web import sights
from app.web.refusals import MethodError, ScopeError
from app.web.sights import Sights
from schemas.access import NOBODY, KeyScope, Sight


class Access(StrEnum):
    """Who may do something."""

    OPEN = "open"
    KEY = "key"
    """Bearers of an API key."""
    TOKEN = "token"  # noqa: S105 - a kind of access, not a token
    """Bearers of the token in the URL that we gave them."""
    SECRET = "secret"  # noqa: S105 - a kind of access, not a secret
    """Telegram, by the secret token that we gave it."""
    VIEW = "view"
    """Bearers of an API key, or of a view token that sees what it is about."""
    CRON = "cron"
    """Bearers of the key for the calls of hosts without background processes."""


class Call(NamedTuple):
    """A request that may be answered."""

    request: Request
    caller: str
    """A name for the key it came with; empty where none is asked for."""
    sight: Sight = NOBODY
    """What whoever calls may see and do."""


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be done, as a client sees it.

    Attributes:
        name: Unique among all operations.
        tag: Which group it belongs to.
        scope: What who calls must be allowed to do, where a key is asked for; None: to read what
            a GET shows, and to act where it is anything else.
        query: Model of its query parameters, by their aliases.
        headers: Model of the headers it looks at, by their aliases.
        body: Model of the JSON it takes.
        file: Field of a form that holds a file, where it takes one instead of JSON.
        file_types: Media types of a file that it takes as the body itself.
        status: Of its answer when all is well.
        known_status: The same where nothing had to be made; None where that is no other.
        answer: Model of the JSON it answers with; None for another type of content.
        media_type: Of its answer.
        errors: What it may raise besides what every operation of its access may.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    access: Access = Access.KEY
    scope: KeyScope | None = None
    query: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    file: str | None = None
    file_types: tuple[str, ...] = ()
    status: int = 200
    known_status: int | None = None
    answer: type[BaseModel] | None = None
    media_type: str = "application/json"
    errors: tuple[type[Exception], ...] = ()

    @property
    def needs(self) -> KeyScope:
        """What who calls must be allowed to do."""
        if self.scope is not None:
            return self.scope
        return KeyScope.READ if self.method == "GET" else KeyScope.ACT


class Route(NamedTuple):
    """An operation, and who does it."""

    operation: Operation
    handler: Handler


class Resource:
    """All that can be done at one path: an ASGI app."""

    def __init__(self, routes: Sequence[Route], sights: Sights) -> None:
        self._by_method = {route.operation.method: route for route in routes}
        self._sights = sights

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check who asks, then hand the request to its handler. HEAD is a GET.

        Raises:
            MethodError: Nothing is done here by that method.
            UnauthorizedError: A key, a token or a session is needed, and there is none.
            ForbiddenError: There is, and it may not do this.
            UnavailableError: There may be a session, and it cannot be looked up.
        """
        method = scope["method"]
        route = self._by_method.get("GET" if method == "HEAD" else method)
        if route is None:
            raise MethodError(self._by_method)
        sight = await self._let_in(route.operation, scope)
        response = await route.handler(Call(Request(scope, receive), sight.caller, sight))
        await response(scope, receive, send)

    async def _let_in(self, operation: Operation, scope: Scope) -> Sight:
        if operation.access not in {Access.KEY, Access.VIEW}:
            return NOBODY
        sight = await self._sights.of(scope)
        if operation.access is Access.KEY and not sight.internal:
            raise ScopeError("view tokens do not open this; it needs an API key")
        sights.require(sight, operation.needs)
        return sight
