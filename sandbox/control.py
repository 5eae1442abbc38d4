"""The control calls, below `/control`: what tests and the curious turn and look at."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.comfyui import acts as comfyui
from sandbox.comfyui.server import Server
from sandbox.controls import (
    ComfyDeployControls,
    ComfyUIControls,
    ReplicateControls,
    TelegramControls,
)
from sandbox.telegram import seen
from sandbox.telegram.acts import Act, Wish
from sandbox.telegram.faults import Fault
from sandbox.telegram.refusals import Refusal
from sandbox.world import World

_Model = TypeVar("_Model", bound=BaseModel)
_Handler = Callable[[Request], Awaitable[Response]]
_COMFYUI = "/control/comfyui/{server}"


class _End(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Literal["success", "failed", "timeout", "cancelled"]
    silent: bool = False


class _ReplicateEnd(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Literal["succeeded", "failed", "canceled", "aborted", "lost"]
    silent: bool = False
    error: str | None = None


class _Again(BaseModel):
    model_config = ConfigDict(extra="forbid")

    times: Annotated[int, Field(ge=1, le=1_000)] = 1


class _Look(BaseModel):
    """What of all that people have seen is asked for.

    Attributes:
        after: The number of the event before.
        wait: How long for the next one, in seconds, if there is none yet.
    """

    model_config = ConfigDict(extra="forbid")

    chat_id: int | None = None
    after: int = 0
    wait: Annotated[float, Field(ge=0, le=seen.LONGEST_WAIT)] = 0.0


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
            Route(_COMFYUI, _open(self._comfyui), methods=["GET", "POST"]),
            Route(f"{_COMFYUI}/acts", _open(self._comfyui_act), methods=["POST"]),
            Route(f"{_COMFYUI}/prompts", _open(self._comfyui_prompts)),
            Route(f"{_COMFYUI}/sockets", _open(self._comfyui_sockets)),
            Route(f"{_COMFYUI}/requests", _open(self._comfyui_requests)),
            Route("/control/replicate", _open(self._replicate), methods=["GET", "POST"]),
            Route("/control/replicate/secrets", _open(self._replicate_secrets)),
            Route("/control/replicate/predictions", _open(self._predictions)),
            Route(
                "/control/replicate/predictions/{prediction_id}",
                _open(self._end_prediction),
                methods=["POST"],
            ),
            Route("/control/replicate/requests", _open(self._replicate_requests)),
            Route("/control/telegram", _open(self._telegram), methods=["GET", "POST"]),
            Route("/control/telegram/faults", _open(self._fault), methods=["POST"]),
            Route("/control/telegram/chats/{chat_id}", _open(self._chat)),
            Route("/control/telegram/requests", _open(self._telegram_requests)),
            Route("/control/telegram/updates", _open(self._updates)),
            Route("/control/telegram/updates", _open(self._update), methods=["POST"]),
            Route("/control/telegram/updates/{number:int}", _open(self._again), methods=["POST"]),
            Route("/control/telegram/acts", _open(self._act), methods=["POST"]),
            Route("/control/telegram/seen", _open(self._seen)),
            Route("/control/telegram/files/{file_id}", _open(self._file)),
        ]

    async def _reset(self, _: Request) -> Response:
        self._world().cloud.reset()
        self._world().telegram.reset()
        self._world().comfyui.reset()
        self._world().replicate.reset()
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

    def _server(self, request: Request) -> Server:
        server = self._world().comfyui.get(request.path_params["server"])
        if server is None:
            raise HTTPException(404, "no server has that name")
        return server

    async def _comfyui(self, request: Request) -> Response:
        server = self._server(request)
        if request.method == "POST":
            server.merge(await _body(request, ComfyUIControls))
        return JSONResponse(server.controls.model_dump(mode="json"))

    async def _comfyui_act(self, request: Request) -> Response:
        act = await _body(request, comfyui.Act)
        return JSONResponse(comfyui.do(self._server(request), act))

    async def _comfyui_prompts(self, request: Request) -> Response:
        return JSONResponse([item.told() for item in self._server(request).posted])

    async def _comfyui_sockets(self, request: Request) -> Response:
        return JSONResponse(self._server(request).sockets.told())

    async def _comfyui_requests(self, request: Request) -> Response:
        return JSONResponse(list(self._server(request).requests))

    async def _replicate(self, request: Request) -> Response:
        cloud = self._world().replicate
        if request.method == "POST":
            cloud.merge(await _body(request, ReplicateControls))
        return JSONResponse(cloud.controls.model_dump(mode="json"))

    async def _replicate_secrets(self, _: Request) -> Response:
        known = self._world().replicate.secrets
        return JSONResponse({"now": known.now, "old": known.old})

    async def _predictions(self, _: Request) -> Response:
        return JSONResponse(self._world().replicate.told())

    async def _end_prediction(self, request: Request) -> Response:
        cloud, wish = self._world().replicate, await _body(request, _ReplicateEnd)
        prediction = cloud.predictions.get(request.path_params["prediction_id"])
        if prediction is None:
            return JSONResponse({"detail": "Prediction not found"}, 404)
        cloud.lives.end(prediction, wish.status, silent=wish.silent, error=wish.error)
        return JSONResponse({"id": prediction.id, "status": prediction.status})

    async def _replicate_requests(self, _: Request) -> Response:
        return JSONResponse(list(self._world().replicate.requests))

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
        ours = [each for each in chat.messages.values() if each.author is None]
        return JSONResponse([seen.told(message) for message in ours])

    async def _telegram_requests(self, _: Request) -> Response:
        return JSONResponse(list(self._world().telegram.requests))

    async def _updates(self, _: Request) -> Response:
        return JSONResponse(list(self._world().telegram.updates.deliveries))

    async def _update(self, request: Request) -> Response:
        return JSONResponse(await self._world().telegram.inject(await _body(request, Wish)))

    async def _again(self, request: Request) -> Response:
        wish, number = await _body(request, _Again), request.path_params["number"]
        answered = await self._world().telegram.updates.again(number, wish.times)
        if answered is None:
            return JSONResponse({"detail": "Update not found"}, 404)
        return JSONResponse({"answered": answered})

    async def _act(self, request: Request) -> Response:
        act = await _body(request, Act)
        return JSONResponse(await self._world().telegram.people.act(act.root))

    async def _seen(self, request: Request) -> Response:
        look, all_seen = (
            _Look.model_validate(dict(request.query_params)),
            self._world().telegram.seen,
        )
        events = await all_seen.after(look.after, look.chat_id, look.wait)
        last = events[-1]["n"] if events else all_seen.last
        return JSONResponse({"events": events, "last": last})

    async def _file(self, request: Request) -> Response:
        try:
            file = self._world().telegram.files.known(request.path_params["file_id"])
        except Refusal as refused:
            return JSONResponse({"detail": refused.description}, 404)
        data = self._world().telegram.files.data(file.file_id)
        if data is None:
            return JSONResponse({"detail": "the file is forgotten"}, 404)
        return Response(data, media_type=file.content_type)


async def _body(request: Request, model: type[_Model]) -> _Model:
    return model.model_validate_json(await request.body())


def _open(handler: _Handler) -> _Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ValidationError as error:
            # A typo in a control call must be seen, not be ignored.
            return JSONResponse({"detail": str(error)}, 422)
        except Refusal as error:
            return JSONResponse({"detail": error.description}, 400)

    return answer
