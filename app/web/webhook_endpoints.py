"""The API of outgoing webhooks: make endpoints, change, try, rotate and replay."""

from datetime import timedelta
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app import errors
from app.usecases.endpoints import Fresh
from app.usecases.own_hooks import HookWanted
from app.web import bodies, reading
from app.web.operations import Call, Operation, Route
from app.web.people import doer
from app.web.services import HookDesk
from schemas.access import KeyScope
from schemas.wire.api import NewHook
from schemas.wire.hooks import (
    DeliveryPageView,
    DeliveryQuery,
    HookChange,
    HookMade,
    HookPage,
    HookReplay,
    HookReplayed,
    HookRotation,
    HookView,
    TriedView,
)

PATH: Final = "/api/webhook-endpoints"
_ONE: Final = f"{PATH}/{{id}}"
_TAG: Final = "webhook endpoints"
_WHAT: Final = "webhook endpoint"
_FINDING: Final = (errors.NotFoundError, errors.UnavailableError)
_CHANGING: Final = (*bodies.ERRORS, errors.HookRefusedError, errors.NotFoundError)


class EndpointHandlers:
    """Answers for endpoints."""

    def __init__(self, desk: HookDesk, deadline: timedelta) -> None:
        self._desk = desk
        self._deadline = deadline

    async def create(self, call: Call) -> Response:
        """Make an endpoint; its secret is told this once."""
        new = reading.body(NewHook, await self._raw(call))
        made = await self._desk.add(HookWanted(new.url, new.events, new.secret), by=doer(call))
        response = _json(_fresh(made), 201)
        response.headers["Location"] = f"{PATH}/{made.endpoint.id}"
        return response

    async def list(self, call: Call) -> Response:
        """Show all endpoints."""
        del call
        return _json({"items": [each.internal() for each in await self._desk.all()]})

    async def read(self, call: Call) -> Response:
        """Show one endpoint."""
        return _json((await self._desk.get(_id(call.request))).internal())

    async def change(self, call: Call) -> Response:
        """Change an endpoint; what is not named stays."""
        wanted = reading.body(HookChange, await self._raw(call))
        after = await self._desk.change(
            _id(call.request),
            by=doer(call),
            url=wanted.url,
            events=wanted.events,
            paused=wanted.paused,
        )
        return _json(after.internal())

    async def delete(self, call: Call) -> Response:
        """Take an endpoint away."""
        await self._desk.delete(_id(call.request), by=doer(call))
        return Response(status_code=204)

    async def test(self, call: Call) -> Response:
        """Send something to an endpoint now."""
        tried = await self._desk.test(_id(call.request))
        return _json(tried._asdict())

    async def rotate(self, call: Call) -> Response:
        """Give an endpoint another secret, which is told this once."""
        empty = bodies.absent(call.request.scope)
        raw = b"{}" if empty else await self._raw(call)
        wanted = reading.body(HookRotation, raw)
        fresh = await self._desk.rotate(_id(call.request), wanted.secret, by=doer(call))
        return _json(_fresh(fresh))

    async def deliveries(self, call: Call) -> Response:
        """Show what was sent, is to be sent, and was given up."""
        query = reading.query(DeliveryQuery, call.request.scope["query_string"])
        page = await self._desk.deliveries(
            _id(call.request), query.state, query.cursor, query.limit
        )
        return _json({"items": [each.internal() for each in page.items], "next": page.next})

    async def replay(self, call: Call) -> Response:
        """Have what was given up sent again."""
        empty = bodies.absent(call.request.scope)
        raw = b"{}" if empty else await self._raw(call)
        wanted = reading.body(HookReplay, raw)
        if wanted.delivery is not None and wanted.since is not None:
            raise errors.BadFieldError("since", "give it, or delivery, and not both")
        count = await self._desk.replay(_id(call.request), wanted.delivery, wanted.since)
        return _json({"replayed": count})

    async def _raw(self, call: Call) -> bytes:
        return await bodies.taken(call.request.scope, call.request.receive, self._deadline)


def routes(desk: HookDesk, deadline: timedelta) -> tuple[Route, ...]:
    """Return what can be done with endpoints."""
    do = EndpointHandlers(desk, deadline)
    changing = (
        Route(
            Operation(
                method=method,
                path=_ONE,
                name=name,
                tag=_TAG,
                summary="Change, pause or resume an endpoint",
                scope=KeyScope.ADMIN,
                body=HookChange,
                answer=HookView,
                errors=_CHANGING,
            ),
            do.change,
        )
        for method, name in (("PUT", "putWebhookEndpoint"), ("PATCH", "changeWebhookEndpoint"))
    )
    return (*_making(do), *changing, *_doing(do))


def _making(do: EndpointHandlers) -> tuple[Route, ...]:
    return (
        Route(
            Operation(
                method="POST",
                path=PATH,
                name="createWebhookEndpoint",
                tag=_TAG,
                summary="Have a URL told of what happens; its secret is shown this once",
                scope=KeyScope.ADMIN,
                body=NewHook,
                status=201,
                answer=HookMade,
                errors=(*bodies.ERRORS, errors.ConflictError, errors.HookRefusedError),
            ),
            do.create,
        ),
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="listWebhookEndpoints",
                tag=_TAG,
                summary="List endpoints; those given with orders are found by their orders' ids",
                scope=KeyScope.ADMIN,
                answer=HookPage,
                errors=(errors.UnavailableError,),
            ),
            do.list,
        ),
        Route(
            Operation(
                method="GET",
                path=_ONE,
                name="readWebhookEndpoint",
                tag=_TAG,
                summary="Show an endpoint, and how it fares",
                scope=KeyScope.ADMIN,
                answer=HookView,
                errors=_FINDING,
            ),
            do.read,
        ),
        Route(
            Operation(
                method="DELETE",
                path=_ONE,
                name="deleteWebhookEndpoint",
                tag=_TAG,
                summary="Take an endpoint away, with what it is owed",
                scope=KeyScope.ADMIN,
                status=204,
                errors=_FINDING,
            ),
            do.delete,
        ),
    )


def _doing(do: EndpointHandlers) -> tuple[Route, ...]:
    return (
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/test",
                name="testWebhookEndpoint",
                tag=_TAG,
                summary="Send `webhook.test` to an endpoint now, and say what came of it",
                scope=KeyScope.ADMIN,
                answer=TriedView,
                errors=_FINDING,
            ),
            do.test,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/rotate",
                name="rotateWebhookSecret",
                tag=_TAG,
                summary="Give an endpoint another secret; the old one signs as well for a day",
                scope=KeyScope.ADMIN,
                body=HookRotation,
                answer=HookMade,
                errors=_CHANGING,
            ),
            do.rotate,
        ),
        Route(
            Operation(
                method="GET",
                path=f"{_ONE}/deliveries",
                name="listWebhookDeliveries",
                tag=_TAG,
                summary="Show what was sent to an endpoint, is to be sent, and was given up",
                scope=KeyScope.ADMIN,
                query=DeliveryQuery,
                answer=DeliveryPageView,
                errors=(errors.BadFieldError, *_FINDING),
            ),
            do.deliveries,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/replay",
                name="replayWebhookDeliveries",
                tag=_TAG,
                summary="Send again what was given up: one, all, or what died since a time",
                scope=KeyScope.ADMIN,
                body=HookReplay,
                answer=HookReplayed,
                errors=(*bodies.ERRORS, errors.NotFoundError),
            ),
            do.replay,
        ),
    )


def _id(request: Request) -> str:
    return reading.identity(request, _WHAT)


def _fresh(fresh: Fresh) -> dict[str, Any]:
    return {**fresh.endpoint.internal(), "secret": fresh.secret}


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
