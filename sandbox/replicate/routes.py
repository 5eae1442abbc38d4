"""The Replicate API over HTTP, below `/replicate/v1`, and the place where outputs are kept."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.controls import ReplicateFate
from sandbox.endings import Hang, Reset
from sandbox.replicate import listing, orders, outputs, predictions, problems
from sandbox.replicate.cloud import Cloud
from sandbox.replicate.orders import Order
from sandbox.replicate.plans import Plan
from sandbox.replicate.predictions import Json, Prediction
from sandbox.replicate.problems import ProblemError

API: Final = "/replicate/v1"
FILES: Final = "/replicate/files"
TOKEN: Final = "r8_sandbox"  # noqa: S105 - of a stand-in on loopback
_NO_TOKEN: Final = "You did not pass an authentication token"  # noqa: S105 - what is said of none
_INVALID: Final = "Invalid or expired API token."

_Handler = Callable[[Request], Awaitable[Response]]


class Routes:
    """The handlers of one Replicate.

    Args:
        cloud: Gives the state; it exists from the start of the app on.
        base_url: Address under which everything is shown; empty means that of the request.
    """

    def __init__(self, cloud: Callable[[], Cloud], base_url: str) -> None:
        self._cloud = cloud
        self._base_url = base_url

    def routes(self) -> list[BaseRoute]:
        """Return the route table."""
        name, one = "{owner}/{name}", f"{API}/predictions/{{prediction_id}}"
        create = self._open(self._create, creation=True)
        return [
            Route(f"{API}/predictions", create, methods=["POST"]),
            Route(f"{API}/models/{name}/predictions", create, methods=["POST"]),
            Route(f"{API}/deployments/{name}/predictions", create, methods=["POST"]),
            Route(f"{API}/predictions", self._open(self._list)),
            Route(one, self._open(self._show)),
            Route(f"{one}/cancel", self._open(self._cancel), methods=["POST"]),
            Route(f"{API}/webhooks/default/secret", self._open(self._secret)),
            Route(f"{API}/{{rest:path}}", self._open(self._nothing)),
            Route(f"{FILES}/{{prediction_id}}/{{name}}", self._file),
        ]

    def _open(self, handler: _Handler, *, creation: bool = False) -> _Handler:
        async def answer(request: Request) -> Response:
            cloud = self._cloud()
            cloud.note(request.method, request.url.path, request.url.query)
            if cloud.controls.hang:
                return Hang()
            if cloud.controls.down:
                return PlainTextResponse("Service Unavailable", 503)
            try:
                self._check(request, creation=creation)
                if not creation:
                    await asyncio.sleep(cloud.controls.others_delay)
                    self._meet(cloud.fate(creation=False))
                return await handler(request)
            except ProblemError as error:
                return error.response

        return answer

    def _check(self, request: Request, *, creation: bool) -> None:
        """Raise what keeps a request from being looked at: a wrong token, or too many requests."""
        cloud = self._cloud()
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip() if kind.lower() in {"bearer", "token"} else ""
        kind_of_token = cloud.controls.auth or token
        if kind_of_token in {"", "invalid"}:
            detail = _INVALID if kind_of_token else _NO_TOKEN
            raise ProblemError(problems.unauthenticated(detail))
        seconds = cloud.too_soon(creation=creation)
        if seconds is not None:
            raise ProblemError(problems.throttled(seconds, cloud.controls.retry_after))
        if creation and kind_of_token == "no-credits":  # noqa: S105 - a kind of them
            raise ProblemError(problems.no_credit())

    async def _create(self, request: Request) -> Response:
        cloud = self._cloud()
        ordered = cloud.fate(creation=True)
        self._meet(ordered)
        wait, seconds = orders.wait_of(request.headers), orders.deadline_of(request.headers)
        name = "/".join(request.path_params.get(part, "") for part in ("owner", "name"))
        order, plan = orders.read(
            await request.body(), versioned=name == "/", required=cloud.controls.required
        )
        if orders.unknown(name):
            return problems.not_found()
        self._meet(plan.create)
        prediction = self._created(request, order, plan, seconds)
        first = predictions.shown(prediction)
        cloud.lives.begin(prediction)
        await asyncio.sleep(cloud.controls.create_delay)
        for wish in (ordered, plan.create):
            self._meet(wish, taken=True)
        longest = None if wait is None else wait * cloud.controls.deadline_scale
        return await _answer(prediction, first, longest)

    def _created(
        self, request: Request, order: Order, plan: Plan, seconds: float | None
    ) -> Prediction:
        cloud, base = self._cloud(), self._base(request)
        name = "/".join(request.path_params.get(part, "") for part in ("owner", "name"))
        model, version = orders.version_of(order.version or name)
        now, prediction_id = predictions.now(), predictions.new_id()
        scaled = None if seconds is None else seconds * cloud.controls.deadline_scale
        prediction = Prediction(
            id=prediction_id,
            model=model,
            version=version,
            deployment=name if f"{API}/deployments/" in request.url.path else None,
            inputs=order.input,
            webhook=order.webhook,
            events=frozenset(order.webhook_events_filter),
            plan=plan,
            shape=outputs.shape_of(plan, order.input, cloud.controls.output),
            base=f"{base}{API}",
            folder=f"{base}{FILES}/{prediction_id}/",
            created_at=now,
            deadline=None if scaled is None else now + timedelta(seconds=scaled),
        )
        cloud.predictions[prediction_id] = prediction
        return prediction

    def _meet(self, fate: ReplicateFate | None, *, taken: bool = False) -> None:
        """Raise what becomes of a call, if that is due now: before or after it was taken."""
        if fate is None or fate.startswith("taken-") != taken:
            return
        controls = self._cloud().controls
        answers: dict[str, Callable[[], Response]] = {
            "422": lambda: problems.invalid("input", "This input was refused on purpose"),
            "429": lambda: problems.throttled(controls.resets_in, controls.retry_after),
            "hang": Hang,
            "reset": Reset,
        }
        kind = fate.removeprefix("taken-")
        make = answers.get(kind)
        raise ProblemError(make() if make else PlainTextResponse("Server Error", int(kind)))

    async def _show(self, request: Request) -> Response:
        return JSONResponse(predictions.shown(self._found(request)))

    async def _cancel(self, request: Request) -> Response:
        prediction = self._found(request)
        self._cloud().lives.end(prediction, "canceled")
        return JSONResponse(predictions.shown(prediction))

    async def _list(self, request: Request) -> Response:
        cloud = self._cloud()
        page = listing.page_of(
            cloud.newest_first(),
            request.query_params,
            url=f"{self._base(request)}{API}/predictions",
            length=cloud.controls.page,
        )
        return JSONResponse(page)

    async def _secret(self, _: Request) -> Response:
        return JSONResponse({"key": self._cloud().secrets.now})

    async def _nothing(self, _: Request) -> Response:
        return problems.not_found()

    async def _file(self, request: Request) -> Response:
        cloud = self._cloud()
        if cloud.controls.files == "down":
            return PlainTextResponse("Service Unavailable", 503)
        prediction = cloud.find(request.path_params["prediction_id"])
        gone = cloud.controls.files == "gone" or prediction is None or prediction.output is None
        if prediction is None or gone:
            return PlainTextResponse("Not Found", 404)
        for file in outputs.files_of(prediction):
            if file.name == request.path_params["name"]:
                content = await outputs.content_of(prediction, file)
                return Response(content, media_type=file.content_type)
        return PlainTextResponse("Not Found", 404)

    def _found(self, request: Request) -> Prediction:
        prediction = self._cloud().find(request.path_params["prediction_id"])
        if prediction is None:
            raise ProblemError(problems.not_found())
        return prediction

    def _base(self, request: Request) -> str:
        return self._base_url or str(request.base_url).rstrip("/")


async def _answer(prediction: Prediction, first: Json, wait: float | None) -> Response:
    """Return the answer to a creation: at once, or once the output is there.

    Args:
        prediction: What was created.
        first: How it was shown then, which is what is shown where time runs out, too.
        wait: How long to wait for the output, in seconds; nothing: not at all.
    """
    headers = {"Location": f"{prediction.base}/predictions/{prediction.id}"}
    if wait is None:
        return JSONResponse(first, 201, headers)
    try:
        async with asyncio.timeout(wait):
            await prediction.made.wait()
    except TimeoutError:
        return JSONResponse(first, 202, headers)
    return JSONResponse(predictions.shown(prediction), 201, headers)
