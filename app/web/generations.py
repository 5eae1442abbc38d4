"""The API of generations: order, list, read, change, cancel, order again.

An order repeated under its Idempotency-Key is answered as it was (201 and the same Location,
draft-ietf-httpapi-idempotency-key-header-07, 2.6), with the record as it stands by now and
``Idempotent-Replayed: true``.
"""

from datetime import timedelta
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app import errors
from app.web import bodies, own_hooks, reading, shown, updates
from app.web.operations import Access, Call, Operation, Route
from app.web.services import Desk, Generations, HookDesk, Link
from schemas.access import Sight
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.wire.api import CreateHeaders, GenerationQuery, NewGeneration, Update, UpdateHeaders

PATH: Final = "/api/generations"
ORDER_MOST: Final = 2 * bodies.MOST
"""Bytes of an order: its workflow may have 1 MiB, as we would write it; others write more."""
NUMBER_MOST: Final = 2**64 - 1
"""Largest number in a workflow: a seed of ComfyUI's has 64 bits, none of them for a sign."""
_ONE: Final = f"{PATH}/{{id}}"
_TAG: Final = "generations"

_ORDER_ERRORS: Final = (
    errors.ConflictError,
    errors.EngineOffError,
    errors.IdempotencyMismatchError,
    errors.PausedError,
    errors.TelegramOffError,
    errors.UnavailableError,
    errors.WorkflowRefusedError,
)


class GenerationHandlers:
    """Answers for generations."""

    def __init__(
        self,
        desk: Desk,
        generations: Generations,
        hook_desk: HookDesk,
        link: Link,
        deadline: timedelta,
    ) -> None:
        self._desk = desk
        self._hook_desk = hook_desk
        self._generations = generations
        self._link = link
        self._deadline = deadline

    async def create(self, call: Call) -> Response:
        """Take an order."""
        headers = reading.headers(CreateHeaders, call.request)
        raw = await self._body(call.request, ORDER_MOST)
        order = reading.body(NewGeneration, raw, NUMBER_MOST)
        key, digest = reading.idempotency(call, headers, reading.json(raw, NUMBER_MOST))
        hook, secret = own_hooks.minted(order.webhook)
        order = order.model_copy(update={"webhook": hook})
        made, new = await self._desk.create(order, key=key, digest=digest)
        if secret is not None and not new:
            secret = await self._hook_desk.first_secret(made.id)
        return self._created(call, made, new=new, secret=secret)

    async def list(self, call: Call) -> Response:
        """Show a page of records."""
        query = reading.query(GenerationQuery, call.request.scope["query_string"])
        page = await self._generations.page(query.wanted(), query.cursor, query.limit)
        items = [shown.internal(each, self._link) for each in page.items]
        return _json({"items": items, "next": page.next})

    async def read(self, call: Call) -> Response:
        """Show one record."""
        return self._record(call, await self._seen(call))

    async def update(self, call: Call) -> Response:
        """Change the little that can be changed."""
        named = _id(call.request)
        version = reading.headers(UpdateHeaders, call.request).version()
        change = updates.parse(reading.json(await self._body(call.request)))
        return self._record(call, await self._desk.update(named, change, if_match=version))

    async def cancel(self, call: Call) -> Response:
        """Want a generation cancelled."""
        if not call.sight.internal:
            await self._seen(call)
        return self._record(call, await self._desk.cancel(_id(call.request)))

    async def rerun(self, call: Call) -> Response:
        """Order the same again."""
        named = _id(call.request)
        headers = reading.headers(CreateHeaders, call.request)
        key, digest = reading.idempotency(call, headers, None)
        made, new = await self._desk.rerun(named, key=key, digest=digest)
        return self._created(call, made, new=new)

    async def _seen(self, call: Call) -> Generation:
        """Return the record that is asked for, if whoever calls may see it."""
        found = await self._generations.get(_id(call.request))
        if found is None or not sees(call.sight, found):
            raise errors.NotFoundError("generation")
        return found

    async def _body(self, request: Request, most: int = bodies.MOST) -> bytes:
        return await bodies.taken(request.scope, request.receive, self._deadline, most)

    def _created(
        self, call: Call, generation: Generation, *, new: bool, secret: str | None = None
    ) -> Response:
        response = self._record(call, generation, status=201, secret=secret)
        response.headers["Location"] = f"{PATH}/{generation.id}"
        if not new:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    def _record(
        self, call: Call, generation: Generation, *, status: int = 200, secret: str | None = None
    ) -> Response:
        show = shown.internal if call.sight.internal else shown.public
        response = _json(own_hooks.told(show(generation, self._link), secret), status)
        response.headers["ETag"] = f'"{generation.version}"'
        return response


def sees(sight: Sight, generation: Generation) -> bool:
    """Return whether somebody sees a generation."""
    return sight.sees(
        user=generation.metadata.user_id, job=generation.job_id, generation=generation.id
    )


def routes(
    desk: Desk, generations: Generations, hook_desk: HookDesk, link: Link, deadline: timedelta
) -> tuple[Route, ...]:
    """Return what can be done with generations."""
    do = GenerationHandlers(desk, generations, hook_desk, link, deadline)
    return (
        Route(
            Operation(
                method="POST",
                path=PATH,
                name="createGeneration",
                tag=_TAG,
                summary="Order a generation; the engine is asked after the answer",
                headers=CreateHeaders,
                body=NewGeneration,
                status=201,
                answer=own_hooks.generation(),
                errors=(*bodies.ERRORS, errors.HookRefusedError, *_ORDER_ERRORS),
            ),
            do.create,
        ),
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="listGenerations",
                tag=_TAG,
                summary="List generations, newest first",
                query=GenerationQuery,
                answer=shown.page(),
                errors=(errors.BadFieldError, errors.UnavailableError),
            ),
            do.list,
        ),
        Route(
            Operation(
                method="GET",
                path=_ONE,
                name="readGeneration",
                tag=_TAG,
                summary="Read a generation",
                access=Access.VIEW,
                answer=shown.generation(),
                errors=(errors.NotFoundError, errors.UnavailableError),
            ),
            do.read,
        ),
        Route(
            Operation(
                method="PUT",
                path=_ONE,
                name="updateGeneration",
                tag=_TAG,
                summary="Change a generation's reason, labels, or unknown cost",
                headers=UpdateHeaders,
                body=Update,
                answer=shown.generation(),
                errors=(
                    *bodies.ERRORS,
                    errors.ConflictError,
                    errors.NotFoundError,
                    errors.StaleVersionError,
                ),
            ),
            do.update,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/cancel",
                name="cancelGeneration",
                tag=_TAG,
                summary="Want a generation cancelled; one that has ended stays as it is",
                access=Access.VIEW,
                answer=shown.generation(),
                errors=(errors.NotFoundError, errors.UnavailableError),
            ),
            do.cancel,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/rerun",
                name="rerunGeneration",
                tag=_TAG,
                summary="Order the same again, as a new generation",
                headers=CreateHeaders,
                status=201,
                answer=shown.generation(),
                errors=(errors.BadFieldError, errors.NotFoundError, *_ORDER_ERRORS),
            ),
            do.rerun,
        ),
    )


def _id(request: Request) -> GenerationId:
    return GenerationId(reading.identity(request, "generation"))


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
