"""The API of jobs: order for somebody, watch, list, go on, order a step again, cancel.

A job moves its person's credits; a generation ordered by itself charges nobody. Orders repeated
under their Idempotency-Key are answered as those of generations are.
"""

import hashlib
from datetime import timedelta
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app import errors
from app.usecases.orders import JobView, Order
from app.usecases.own_hooks import HookWanted
from app.web import bodies, job_views, own_hooks, ranges, reading, shown
from app.web.operations import Access, Call, Operation, Route
from app.web.services import HookDesk, Link, OpenWork, Orders, People
from processors.chains import Ordered
from processors.errors import ChainRefusedError, InputRefusedError, InsufficientCreditsError
from schemas.base import UserId
from schemas.job import Job, JobChat, JobId
from schemas.user import User
from schemas.wire.api import CreateHeaders
from schemas.wire.jobs import JobQuery, NewJob, NewStep, ReadHeaders, StepChoice

PATH: Final = "/api/jobs"
_ONE: Final = f"{PATH}/{{id}}"
_TAG: Final = "jobs"
BY: Final = "api"

_TAG_DIGITS: Final = 32

_ORDER_ERRORS: Final = (
    ChainRefusedError,
    InputRefusedError,
    InsufficientCreditsError,
    errors.ConflictError,
    errors.EngineOffError,
    errors.IdempotencyMismatchError,
    errors.LimitReachedError,
    errors.NotAllowedError,
    errors.NotFoundError,
    errors.PausedError,
    errors.TelegramOffError,
    errors.UnavailableError,
    errors.UserBlockedError,
)


class JobHandlers:
    """Answers for jobs."""

    def __init__(
        self,
        orders: Orders,
        people: People,
        work: OpenWork,
        hook_desk: HookDesk,
        *,
        link: Link,
        deadline: timedelta,
    ) -> None:
        self._orders = orders
        self._people = people
        self._work = work
        self._hook_desk = hook_desk
        self._link = link
        self._deadline = deadline

    async def create(self, call: Call) -> Response:
        """Take an order."""
        request = call.request
        headers = reading.headers(CreateHeaders, request)
        raw = await bodies.taken(request.scope, request.receive, self._deadline)
        new = reading.body(NewJob, raw)
        key, digest = reading.idempotency(call, headers, reading.json(raw))
        user = await self._people.get(UserId(new.user))
        if user is None:
            raise errors.NotFoundError("user")
        hook, secret = own_hooks.minted(new.webhook)
        order = _order(new, user)
        if hook is not None:
            order = order._replace(webhook=HookWanted(hook.url, hook.events, hook.secret))
        job, made = await self._orders.place(order, key=key, digest=digest)
        if secret is not None and not made:
            secret = await self._hook_desk.first_secret(job.id)
        return self._taken(call, job, made=made, secret=secret)

    async def list(self, call: Call) -> Response:
        """Show a page of jobs."""
        query = reading.query(JobQuery, call.request.scope["query_string"])
        statuses = None if query.status is None else frozenset({query.status})
        user = None if query.user is None else UserId(query.user)
        if query.stuck:
            found = await self._work.stuck_jobs(query.limit, user=user, statuses=statuses)
            stuck = [job_views.listed(each) for each in found]
            return _unless_known(call.request, _json({"items": stuck, "next": None}))
        page = await self._orders.page(user, query.cursor, query.limit, statuses=statuses)
        items = [job_views.listed(each) for each in page.items]
        return _unless_known(call.request, _json({"items": items, "next": page.next}))

    async def read(self, call: Call) -> Response:
        """Show one job, with its generations."""
        return _unless_known(call.request, self._job(call, await self._seen(call)))

    async def cancel(self, call: Call) -> Response:
        """Want a job cancelled."""
        if not call.sight.internal:
            await self._seen(call)
        job = await self._orders.cancel(_id(call.request))
        return self._job(call, await self._orders.get(job.id) or JobView(job, ()))

    async def go_on(self, call: Call) -> Response:
        """Let a job go on that waits after a step."""
        raw = await bodies.taken(call.request.scope, call.request.receive, self._deadline)
        chosen = reading.body(StepChoice, raw)
        job = await self._orders.go_on(_id(call.request), chosen.step)
        return self._job(call, await self._orders.get(job.id) or JobView(job, ()))

    async def retry(self, call: Call) -> Response:
        """Order a step of a job again, with all that comes after it."""
        request = call.request
        headers = reading.headers(CreateHeaders, request)
        raw = await bodies.taken(request.scope, request.receive, self._deadline)
        chosen = reading.body(StepChoice, raw)
        key, digest = reading.idempotency(call, headers, reading.json(raw))
        job, made = await self._orders.retry(_id(request), chosen.step, key=key, digest=digest)
        return self._taken(call, job, made=made)

    async def _seen(self, call: Call) -> JobView:
        """Return the job that is asked for, if whoever calls may see it."""
        found = await self._orders.get(_id(call.request))
        if found is None or not call.sight.sees(user=found.job.user_id, job=found.job.id):
            raise errors.NotFoundError("job")
        return found

    def _taken(self, call: Call, job: Job, *, made: bool, secret: str | None = None) -> Response:
        """Answer an order: with its job, and where that is."""
        response = self._job(call, JobView(job, ()), status=201, secret=secret)
        response.headers["Location"] = f"{PATH}/{job.id}"
        if not made:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    def _job(
        self, call: Call, view: JobView, *, status: int = 200, secret: str | None = None
    ) -> Response:
        show = job_views.internal if call.sight.internal else job_views.public
        return _json(own_hooks.told(show(view, self._link), secret), status)


def routes(
    orders: Orders,
    people: People,
    work: OpenWork,
    hook_desk: HookDesk,
    *,
    link: Link,
    deadline: timedelta,
) -> tuple[Route, ...]:
    """Return what can be done with jobs."""
    do = JobHandlers(orders, people, work, hook_desk, link=link, deadline=deadline)
    return (
        Route(
            Operation(
                method="POST",
                path=f"{PATH}/create",
                name="createJob",
                tag=_TAG,
                summary="Order for somebody; their credits are held before anything is made",
                headers=CreateHeaders,
                body=NewJob,
                status=201,
                answer=own_hooks.job(),
                errors=(*bodies.ERRORS, errors.HookRefusedError, *_ORDER_ERRORS),
            ),
            do.create,
        ),
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="listJobs",
                tag=_TAG,
                summary="List jobs, newest first; all there are, or those that are stuck",
                headers=ReadHeaders,
                query=JobQuery,
                answer=shown.job_page(),
                errors=(errors.BadFieldError, errors.UnavailableError),
            ),
            do.list,
        ),
        Route(
            Operation(
                method="GET",
                path=_ONE,
                name="readJob",
                tag=_TAG,
                summary="Read a job with its generations; 304 where If-None-Match names it",
                access=Access.VIEW,
                headers=ReadHeaders,
                answer=shown.job(),
                errors=(errors.BadFieldError, errors.NotFoundError, errors.UnavailableError),
            ),
            do.read,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/cancel",
                name="cancelJob",
                tag=_TAG,
                summary="Want a job cancelled; one that has ended stays as it is",
                access=Access.VIEW,
                answer=shown.job(),
                errors=(errors.NotFoundError, errors.UnavailableError),
            ),
            do.cancel,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/continue",
                name="continueJob",
                tag=_TAG,
                summary="Let a manual job go on after a step; to stop it there, cancel it",
                body=StepChoice,
                answer=shown.job(),
                errors=(
                    *bodies.ERRORS,
                    errors.ConflictError,
                    errors.NotFoundError,
                    errors.UnavailableError,
                ),
            ),
            do.go_on,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/retry",
                name="retryJob",
                tag=_TAG,
                summary="Order a step again with all that comes after it: a job that goes on",
                headers=CreateHeaders,
                body=StepChoice,
                status=201,
                answer=shown.job(),
                errors=(*bodies.ERRORS, *_ORDER_ERRORS),
            ),
            do.retry,
        ),
    )


def _order(new: NewJob, user: User) -> Order:
    wanted = new.wanted()
    return Order(
        user=user,
        preset=wanted[0].preset,
        inputs=wanted[0].inputs,
        chat=_chat(new, user),
        by=BY,
        steps=() if new.steps is None else tuple(map(_ordered, wanted)),
        manual=new.manual,
    )


def _ordered(step: NewStep) -> Ordered:
    return Ordered(step.preset, step.inputs, step.bindings, step.over, step.engine)


def _chat(new: NewJob, user: User) -> JobChat | None:
    if new.notify is None:
        return None
    return JobChat(
        telegram_chat_id=new.notify.telegram_chat_id,
        telegram_message_id=new.notify.telegram_message_id,
        language=new.notify.language or user.language,
    )


def _id(request: Request) -> JobId:
    return JobId(reading.identity(request, "job"))


def _json(value: object, status: int = 200) -> Response:
    """Return JSON with an ETag of its own: links to copies are others from day to day."""
    content = orjson.dumps(value)
    tag = f'"{hashlib.sha256(content).hexdigest()[:_TAG_DIGITS]}"'
    return Response(content, status, {"ETag": tag}, "application/json")


def _unless_known(request: Request, response: Response) -> Response:
    """Return an answer, or none where the client says that it has it (RFC 9110, 13.1.2)."""
    given = reading.headers(ReadHeaders, request).if_none_match
    tag = response.headers["ETag"]
    return Response(None, 304, {"ETag": tag}) if ranges.known(given, tag) else response
