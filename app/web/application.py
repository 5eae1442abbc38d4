"""The ASGI application: from the outside in, guard, webhooks or CORS, edge, resources."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route as StarletteRoute
from starlette.routing import Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app import errors
from app.web import (
    arrears,
    assets,
    controls,
    cron,
    engines,
    generations,
    health,
    images,
    jobs,
    media,
    open_work,
    pages,
    payments,
    people,
    plots,
    presets,
    previews,
    refunds,
    refusals,
    servers,
    sessions,
    sockets,
    stats,
    streams,
    telegram,
    tokens,
    usage,
    users,
    webhook_endpoints,
    webhooks,
    workflows,
)
from app.web.auth import ApiKeys, Keys
from app.web.edge import Edge
from app.web.frames import Frames
from app.web.guard import Guard
from app.web.operations import Access, Operation, Resource, Route
from app.web.prefixed import Prefixed
from app.web.services import Services
from app.web.sights import Sights
from app.web.streams import Telling
from app.web.webhooks import Webhooks
from processors.errors import RefusedBodyError
from schemas.wire.api import Accepted, WebhookQuery


def create_app(services: Services, hooks: Webhooks) -> ASGIApp:
    """Return the application, whose webhooks are `hooks`."""
    keys = ApiKeys(services.api_keys)
    sights = Sights(keys, services.view_keys, services.sessions, services.clock)
    telling = Telling(services.live, Frames(services.link), sights.still)
    socket = sockets.Socket(telling, sights, services.metrics)
    router = _router(_routes(services, keys, telling), sights, socket)
    app: ASGIApp = Edge(Prefixed(router, services.prefix), services.metrics)
    if services.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=services.cors_origins,
            allow_methods=_CORS_METHODS,
            allow_headers=_CORS_HEADERS,
            expose_headers=("ETag", "Location", "Retry-After", "Idempotent-Replayed"),
            # Another origin's page comes with a token, never with our own page's session.
            allow_credentials=False,
        )
    for doors in (hooks, telegram.Door(services)):
        app = _Fork(doors, app)
    return Guard(app, services.metrics)


_CORS_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CORS_HEADERS: Final = (
    "Authorization",
    "Cache-Control",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
)


class _Fork:
    """Leads webhooks past everything that they do not need."""

    def __init__(self, hooks: Webhooks | telegram.Door, rest: ASGIApp) -> None:
        self._hooks = hooks
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in self._hooks.doors:
            await self._hooks(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


def _routes(services: Services, keys: ApiKeys, telling: Telling) -> tuple[Route, ...]:
    """Return all there is but the webhooks."""

    def operations() -> tuple[Operation, ...]:
        told = telegram.OPERATIONS if services.updates is not None else ()
        return (*_webhook_operations(), *told, *(route.operation for route in table))

    table = (
        *generations.routes(
            services.desk,
            services.generations,
            services.hook_desk,
            services.link,
            services.body_deadline,
        ),
        *streams.routes(telling, services.generations),
        *engines.routes(services.engines, services.example),
        *previews.routes(services.previews, services.generations),
        *servers.routes(services.oversee),
        *usage.routes(services.uses, services.generations, services.clock),
        *stats.routes(services.add_up),
        *plots.routes(services.add_up),
        *jobs.routes(
            services.orders,
            services.people,
            services.open_work,
            services.hook_desk,
            link=services.link,
            deadline=services.body_deadline,
        ),
        *open_work.routes(services.open_work, services.reset),
        *users.routes(services.accounts, services.body_deadline),
        *payments.routes(services.payments, services.clock, services.body_deadline),
        *people.routes(services.office, services.forgetting, services.body_deadline),
        *refunds.routes(services.refunds, services.body_deadline),
        *arrears.routes(services.arrears, services.body_deadline),
        *controls.routes(services.controlling, services.body_deadline),
        *webhook_endpoints.routes(services.hook_desk, services.body_deadline),
        *presets.routes(services.presets, services.prices),
        *workflows.routes(services.workflows),
        *images.routes(services.images, services.people, services.link_to, services.image_deadline),
        *media.routes(services.storage, services.media_keys, services.clock, services.prefix),
        *tokens.routes(services.view_keys[0], services.clock, services.body_deadline),
        *sessions.routes(keys, services.sessions, services.clock, services.body_deadline),
        *health.routes(services.ready, keys, services.metrics),
        *assets.routes(),
        *pages.routes(operations),
        *(cron.routes(services.shifts, Keys(services.cron_keys)) if services.shifts else ()),
    )
    return table


def _webhook_operations() -> tuple[Operation, ...]:
    return tuple(
        Operation(
            method=method,
            path=webhooks.PATH,
            name=f"{method.lower()}Webhook",
            tag="webhooks",
            summary="Tell how a run goes; the answer comes when it is on disk",
            access=Access.TOKEN,
            query=WebhookQuery,
            answer=Accepted,
            errors=(
                RefusedBodyError,
                refusals.SlowBodyError,
                refusals.TooLargeError,
                refusals.MediaTypeError,
                errors.UnavailableError,
            ),
        )
        for method in sorted(webhooks.METHODS)
    )


def _router(table: Sequence[Route], sights: Sights, socket: sockets.Socket) -> Router:
    by_path = sorted(table, key=_path)
    return Router(
        [
            WebSocketRoute(sockets.PATH, socket),
            *(
                StarletteRoute(path, Resource(tuple(routes), sights))
                for path, routes in groupby(by_path, key=_path)
            ),
        ],
        redirect_slashes=False,
        default=_nothing_here,
    )


def _path(route: Route) -> str:
    return route.operation.path


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose()(scope, receive, send)
        return
    raise errors.NotFoundError("page")
