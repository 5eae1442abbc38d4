"""The API of people for administrators: find them, see and move their credits, block, name roles.

Who did it is told by the API key: the beginning of its digest is kept with what was done.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app import errors
from app.web import amounts, bodies, reading, shown
from app.web.operations import Call, Operation, Route
from app.web.services import Forgetting, Office
from processors.errors import LedgerError
from schemas.access import KeyScope
from schemas.base import UserId
from schemas.user import Role, User
from schemas.wire.api import CreateHeaders, EntryQuery, NewGrant, NewRoles, UserQuery, Why

PATH: Final = "/api/users"
_ONE: Final = f"{PATH}/{{id}}"
_TAG: Final = "users"
_CHANGING: Final = (*bodies.ERRORS, errors.NotFoundError)

_Doing = Callable[[UserId, str, str | None], Awaitable[User]]


class PeopleHandlers:
    """Answers for administrators."""

    def __init__(self, people: Office, forgetting: Forgetting, deadline: timedelta) -> None:
        self._people = people
        self._forgetting = forgetting
        self._deadline = deadline

    async def list(self, call: Call) -> Response:
        """Show whom a caller looks for, or a page of everybody."""
        query = reading.query(UserQuery, call.request.scope["query_string"])
        if query.find is not None:
            items, more = await self._people.find(query.find, query.limit), None
        else:
            items, more = await self._people.page(query.cursor, query.limit)
        return _json({"items": [each.internal() for each in items], "next": more})

    async def read(self, call: Call) -> Response:
        """Show somebody, with their balance."""
        return _json((await self._people.get(_id(call.request))).internal())

    async def entries(self, call: Call) -> Response:
        """Show a page of somebody's ledger."""
        query = reading.query(EntryQuery, call.request.scope["query_string"])
        found, more = await self._people.entries(_id(call.request), query.before, query.limit)
        return _json({"items": [each.internal() for each in found], "next": more})

    async def deeds(self, call: Call) -> Response:
        """Show what administrators have done to somebody."""
        found = await self._people.deeds(_id(call.request))
        return _json({"items": [each.internal() for each in found]})

    async def grant(self, call: Call) -> Response:
        """Give somebody credits."""
        headers = reading.headers(CreateHeaders, call.request)
        new = amounts.body(NewGrant, await self._body(call.request))
        named = headers.idempotency_key
        key = None if named is None else f"{call.caller}:{named}"
        entry, made = await self._people.grant(
            _id(call.request),
            amounts.read("amount", new.amount),
            key=key,
            by=doer(call),
            reason=new.reason,
        )
        response = _json(entry.internal(), 201)
        if not made:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    async def block(self, call: Call) -> Response:
        """Serve somebody no more."""
        return await self._done(
            call, lambda user, by, reason: self._people.block(user, by=by, reason=reason)
        )

    async def unblock(self, call: Call) -> Response:
        """Serve somebody again."""
        return await self._done(
            call, lambda user, by, reason: self._people.unblock(user, by=by, reason=reason)
        )

    async def set_roles(self, call: Call) -> Response:
        """Give somebody other roles."""
        wanted = reading.body(NewRoles, await self._body(call.request))
        roles = [Role(each) for each in wanted.roles]
        user = await self._people.set_roles(_id(call.request), roles, by=doer(call))
        return _json(user.internal())

    async def forget(self, call: Call) -> Response:
        """Want somebody's data removed; it goes within a minute or so."""
        user = await self._forgetting.begin(_id(call.request), by=doer(call))
        return _json(user.internal(), 202 if user.forgotten_at is None else 200)

    async def _done(self, call: Call, do: _Doing) -> Response:
        why = Why()
        if not bodies.absent(call.request.scope):
            why = reading.body(Why, await self._body(call.request))
        user = await do(_id(call.request), doer(call), why.reason)
        return _json(user.internal())

    async def _body(self, request: Request) -> bytes:
        return await bodies.taken(request.scope, request.receive, self._deadline)


def doer(call: Call) -> str:
    """Return how whoever calls is written down."""
    return f"api:{call.sight.name or call.caller[:8]}"


def routes(people: Office, forgetting: Forgetting, deadline: timedelta) -> tuple[Route, ...]:
    """Return what administrators can do with people."""
    do = PeopleHandlers(people, forgetting, deadline)
    return (
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="listUsers",
                tag=_TAG,
                summary="Find people by an id or a name, or list all, newest first",
                query=UserQuery,
                answer=shown.user_page(),
                errors=(errors.BadFieldError, errors.UnavailableError),
            ),
            do.list,
        ),
        Route(
            Operation(
                method="GET",
                path=_ONE,
                name="readUser",
                tag=_TAG,
                summary="Read somebody, with their balance",
                answer=shown.user(),
                errors=(errors.NotFoundError, errors.UnavailableError),
            ),
            do.read,
        ),
        Route(
            Operation(
                method="GET",
                path=f"{_ONE}/entries",
                name="listUserEntries",
                tag=_TAG,
                summary="Show how somebody's credits moved, the last first",
                query=EntryQuery,
                answer=shown.entries(),
                errors=(errors.BadFieldError, errors.NotFoundError, errors.UnavailableError),
            ),
            do.entries,
        ),
        Route(
            Operation(
                method="GET",
                path=f"{_ONE}/deeds",
                name="listUserDeeds",
                tag=_TAG,
                summary="Show what administrators last did to somebody, the last first",
                answer=shown.deeds(),
                errors=(errors.NotFoundError, errors.UnavailableError),
            ),
            do.deeds,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/grant",
                name="grantCredits",
                scope=KeyScope.ADMIN,
                tag=_TAG,
                summary="Give somebody credits, once for each key",
                headers=CreateHeaders,
                body=NewGrant,
                status=201,
                answer=shown.entry(),
                errors=(
                    *_CHANGING,
                    errors.ConflictError,
                    errors.IdempotencyMismatchError,
                    LedgerError,
                ),
            ),
            do.grant,
        ),
        Route(_acting("block", "blockUser", "Serve somebody no more; what runs goes on"), do.block),
        Route(_acting("unblock", "unblockUser", "Serve somebody again"), do.unblock),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/roles",
                name="setUserRoles",
                scope=KeyScope.ADMIN,
                tag=_TAG,
                summary="Give somebody these roles, and no others",
                body=NewRoles,
                answer=shown.listed_user(),
                errors=_CHANGING,
            ),
            do.set_roles,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/forget",
                name="forgetUser",
                scope=KeyScope.ADMIN,
                tag=_TAG,
                summary="Have somebody's data removed; the ledger's numbers stay",
                status=202,
                known_status=200,
                answer=shown.listed_user(),
                errors=(errors.ConflictError, errors.NotFoundError, errors.UnavailableError),
            ),
            do.forget,
        ),
    )


def _acting(verb: str, name: str, summary: str) -> Operation:
    """Describe something that is done to somebody; why may be left out, and the body with it."""
    return Operation(
        method="POST",
        path=f"{_ONE}/{verb}",
        name=name,
        scope=KeyScope.ADMIN,
        tag=_TAG,
        summary=summary,
        body=Why,
        answer=shown.listed_user(),
        errors=_CHANGING,
    )


def _id(request: Request) -> UserId:
    return UserId(request.path_params["id"])


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
