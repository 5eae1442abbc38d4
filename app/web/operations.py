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

from app.web.auth import Keys
from app.web.refusals import MethodError
from schemas.access import EVERYTHING, NOBODY, KeyScope, Sight


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
        scope: What who calls must be allowed to do, where a key is asked for.
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
    scope: KeyScope = KeyScope.READ
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


class Route(NamedTuple):
    """An operation, and who does it."""

    operation: Operation
    handler: Handler


class Resource:
    """All that can be done at one path: an ASGI app."""

    def __init__(self, routes: Sequence[Route], keys: Keys) -> None:
        self._by_method = {route.operation.method: route for route in routes}
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the key, then hand the request to its handler. HEAD is a GET.

        Raises:
            MethodError: Nothing is done here by that method.
            UnauthorizedError: A key is needed, and there is none.
        """
        method = scope["method"]
        route = self._by_method.get("GET" if method == "HEAD" else method)
        if route is None:
            raise MethodError(self._by_method)
        caller, sight = "", NOBODY
        if route.operation.access in {Access.KEY, Access.VIEW}:
            caller, sight = self._keys.caller(scope["headers"]), EVERYTHING
        response = await route.handler(Call(Request(scope, receive), caller, sight))
        await response(scope, receive, send)
