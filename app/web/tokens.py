"""View tokens: what a server hands to a browser, so that it sees what is its person's.

A token is signed and never kept: whoever holds one has it until it runs out, an hour at most.
"""

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from app import errors
from app.web import bodies, reading, sights
from app.web.operations import Call, Operation, Route
from app.web.refusals import ScopeError
from app.web.services import Clock
from processors.protocols import view_tokens
from schemas.access import KeyScope, Sight
from schemas.base import GenerationId, UserId
from schemas.job import JobId
from schemas.wire.access import NewToken, Token

PATH: Final = "/api/tokens"


class TokenHandlers:
    """Answers for view tokens."""

    def __init__(self, key: bytes, clock: Clock, deadline: timedelta) -> None:
        self._key = key
        self._clock = clock
        self._deadline = deadline

    async def create(self, call: Call) -> Response:
        """Make a token; one that may act only for who may."""
        request = call.request
        raw = await bodies.taken(request.scope, request.receive, self._deadline)
        new = reading.body(NewToken, raw)
        scope = KeyScope.ACT if new.act else KeyScope.READ
        sights.require(call.sight, scope)
        now = self._clock.now().replace(microsecond=0)
        sight = Sight(
            name=view_tokens.NAME,
            scope=scope,
            user=None if new.user is None else UserId(new.user),
            job=None if new.job is None else JobId(new.job),
            generation=None if new.generation is None else GenerationId(new.generation),
            until=now + timedelta(seconds=new.seconds),
        )
        made = Token(
            token=view_tokens.mint(self._key, sight),
            expires_at=now + timedelta(seconds=new.seconds),
        )
        return Response(made.model_dump_json(by_alias=True), 201, media_type="application/json")


def routes(key: bytes, clock: Clock, deadline: timedelta) -> tuple[Route, ...]:
    """Return how view tokens are had.

    Args:
        key: What they are signed with.
        clock: Says until when they are good.
        deadline: How long a body may take to arrive.
    """
    do = TokenHandlers(key, clock, deadline)
    return (
        Route(
            Operation(
                method="POST",
                path=PATH,
                name="createToken",
                tag="access",
                summary="Make a view token to hand to a browser, good for an hour at most",
                scope=KeyScope.READ,
                body=NewToken,
                status=201,
                answer=Token,
                errors=(*bodies.ERRORS, errors.UnavailableError, ScopeError),
            ),
            do.create,
        ),
    )
