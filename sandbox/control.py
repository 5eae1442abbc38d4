"""The control calls, below `/control`: what tests and the curious turn and look at."""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.controls import ComfyDeployControls, TelegramControls
from sandbox.telegram import messages
from sandbox.telegram.faults import Fault
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.updates import Wish
from sandbox.world import World

_Model = TypeVar("_Model", bound=BaseModel)
_Handler = Callable[[Request], Awaitable[Response]]


class _End(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Literal["success", "failed", "timeout", "cancelled"]
    silent: bool = False


class Routes:
    """The handlers of the control calls; `world` gives the state, there from the start."""

    def __init__(self, world: Callable[[], World]) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """Return the route table."""
        return [
            Route("/control/reset", _open(self._reset), methods=["POST"]),
            Route("/control/comfydeploy", _open(self._cloud), methods=["GET", "POST"]),
            Route("/control/comfydeploy/runs", _open(self._runs)),
            Route("/control/comfydeploy/runs/{run_id}", _open(self._end), methods=["POST"]),
            Route("/control/comfydeploy/requests", _open(self._cloud_requests)),
            Route("/control/telegram", _open(self._telegram), methods=["GET", "POST"]),
            Route("/control/telegram/faults", _open(self._fault), methods=["POST"]),
            Route("/control/telegram/chats/{chat_id}", _open(self._chat)),
            Route("/control/telegram/requests", _open(self._telegram_requests)),
            Route("/control/telegram/updates", _open(self._updates)),
            Route("/control/telegram/updates", _open(self._update), methods=["POST"]),
        ]

    async def _reset(self, _: Request) -> Response:
        self._world().cloud.reset()
        self._world().telegram.reset()
        return JSONResponse({"ok": True})

    async def _cloud(self, request: Request) -> Response:
        cloud = self._world().cloud
        if request.method == "POST":
            cloud.merge(await _body(request, ComfyDeployControls))
        return JSONResponse(cloud.controls.model_dump())

    async def _runs(self, _: Request) -> Response:
        return JSONResponse(self._world().cloud.told())

    async def _end(self, request: Request) -> Response:
        cloud, wish = self._world().cloud, await _body(request, _End)
        run = cloud.runs.get(request.path_params["run_id"])
        if run is None:
            return JSONResponse({"detail": "Run not found"}, 404)
        cloud.lives.end(run, wish.status, silent=wish.silent)
        return JSONResponse({"run_id": run.id, "status": run.status})

    async def _cloud_requests(self, _: Request) -> Response:
        return JSONResponse(list(self._world().cloud.requests))

    async def _telegram(self, request: Request) -> Response:
        controls = self._world().telegram.controls
        if request.method == "POST":
            controls.merge(await _body(request, TelegramControls))
        return JSONResponse(controls.model_dump())

    async def _fault(self, request: Request) -> Response:
        fault = await _body(request, Fault)
        self._world().telegram.faults.order(fault)
        return JSONResponse(fault.model_dump())

    async def _chat(self, request: Request) -> Response:
        try:
            chat = self._world().telegram.chats.get(request.path_params["chat_id"])
        except Refusal:
            return JSONResponse([])
        return JSONResponse([messages.told(message) for message in chat.messages.values()])

    async def _telegram_requests(self, _: Request) -> Response:
        return JSONResponse(list(self._world().telegram.requests))

    async def _updates(self, _: Request) -> Response:
        return JSONResponse(self._world().telegram.updates.deliveries)

    async def _update(self, request: Request) -> Response:
        return JSONResponse(await self._world().telegram.inject(await _body(request, Wish)))


async def _body(request: Request, model: type[_Model]) -> _Model:
    return model.model_validate_json(await request.body())


def _open(handler: _Handler) -> _Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ValidationError as error:
            # A typo in a control call must be seen, not be ignored.
            return JSONResponse({"detail": str(error)}, 422)

    return answer
