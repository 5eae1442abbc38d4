"""The ComfyDeploy API over HTTP, below `/comfydeploy/api`, and the place where outputs are kept."""

import asyncio
import mimetypes
import secrets
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import multipart
from sandbox.comfydeploy import orders, outputs, runs
from sandbox.comfydeploy.cloud import Cloud
from sandbox.comfydeploy.orders import InvalidOrderError, Order
from sandbox.comfydeploy.runs import Run
from sandbox.endings import Hang, Reset

UNKNOWN_DEPLOYMENT: Final = "00000000-0000-0000-0000-000000000404"
_MAX_UPLOAD_BYTES: Final = 250 * 1024 * 1024
_PREFIXES: Final = {"image": "img", "video": "vid", "audio": "audio", "application": "file"}

PRICES: Final = {
    "T4": 0.00018,
    "L4": 0.00032,
    "A10G": 0.000337,
    "L40S": 0.000596,
    "A100": 0.00114,
    "A100-80GB": 0.001708,
    "H100": 0.002338,
    "H200": 0.001891,
    "B200": 0.002604,
    "CPU": 4.2e-05,
}
"""USD per second of container time (comfy-deploy/api `platform.py:1236-1252`)."""

_REFUSED: Final = {
    "": (401, "Invalid or missing token"),
    "revoked": (401, "Revoked token"),
    "expired": (401, "Invalid or expired token"),
    "suspended": (
        403,
        (
            "Your account has been suspended."
            " Please contact support at founders@comfydeploy.com for assistance."
        ),
    ),
}
_NO_CREDITS: Final = "Insufficient deployment owner's GPU credits to create run"

Handler = Callable[[Request], Awaitable[Response]]


class Routes:
    """The handlers of one ComfyDeploy.

    Args:
        cloud: Gives the state; it exists from the start of the app on.
        base_url: Address under which outputs are shown; empty means that of the request.
    """

    def __init__(self, cloud: Callable[[], Cloud], base_url: str) -> None:
        self._cloud = cloud
        self._base_url = base_url

    def routes(self) -> list[BaseRoute]:
        """Return the route table."""
        api = "/comfydeploy/api"
        return [
            Route(f"{api}/run/deployment/queue", self._open(self._queue), methods=["POST"]),
            Route(f"{api}/run", self._open(self._show)),
            Route(f"{api}/run/{{run_id}}", self._open(self._show)),
            Route(f"{api}/run/{{run_id}}/cancel", self._open(self._cancel), methods=["POST"]),
            Route(f"{api}/deployment/{{deployment_id}}/runs", self._open(self._list)),
            Route(f"{api}/file/upload", self._open(self._upload), methods=["POST"]),
            Route(f"{api}/platform/gpu-pricing", self._open(self._prices, free=True)),
            Route("/outputs/runs/{run_id}/{name}", self._output),
            Route("/inputs/{name}", self._input),
        ]

    def _open(self, handler: Handler, *, free: bool = False) -> Handler:
        async def answer(request: Request) -> Response:
            cloud = self._cloud()
            cloud.note(request.method, request.url.path)
            if cloud.controls.hang:
                return Hang()
            if cloud.controls.down:
                return PlainTextResponse("Service Unavailable", 503)
            refused = None if free else self._refusal(request)
            if refused is not None:
                return refused
            try:
                return await handler(request)
            except InvalidOrderError as error:
                return JSONResponse({"detail": error.detail}, 422)

        return answer

    def _refusal(self, request: Request) -> Response | None:
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip() if kind.lower() == "bearer" else ""
        refused = _REFUSED.get(self._cloud().controls.auth or key)
        return None if refused is None else _problem(*refused)

    async def _queue(self, request: Request) -> Response:
        order, plan = orders.read(await request.body())
        failed = _failure(plan.submit or "")
        if failed is not None:
            return failed
        key = self._cloud().controls.auth or request.headers["authorization"].split()[-1]
        if key == "no-credits":
            return _problem(403, _NO_CREDITS)
        if str(order.deployment_id) == UNKNOWN_DEPLOYMENT:
            return _problem(404, "Deployment not found")
        run = self._created(order, plan, request)
        await asyncio.sleep(plan.slow_seconds)
        await self._cloud().lives.begin(run)
        answer = _failure((plan.submit or "").removeprefix("created-then-"))
        return answer or JSONResponse({"run_id": run.id})

    def _created(self, order: Order, plan: orders.Plan, request: Request) -> Run:
        run_id, now = str(uuid.uuid4()), runs.now()
        run = Run(
            id=run_id,
            deployment_id=str(order.deployment_id),
            inputs=dict(order.inputs),
            webhook=order.webhook,
            intermediate=order.webhook_intermediate_status,
            gpu=plan.gpu or order.gpu or "L40S",
            plan=plan,
            folder=f"{self._base(request)}/outputs/runs/{run_id}/",
            created_at=now,
            updated_at=now,
        )
        self._cloud().runs[run_id] = run
        return run

    async def _show(self, request: Request) -> Response:
        run_id = request.path_params.get("run_id") or request.query_params.get("run_id", "")
        run = self._cloud().runs.get(orders.read_id(run_id, "path", "run_id"))
        if run is None:
            return _problem(404, "Run not found")
        position = None
        if request.query_params.get("queue_position", "").lower() in {"true", "1"}:
            position = self._position(run)
        return JSONResponse(runs.shown(run, queue_position=position))

    def _position(self, run: Run) -> int | None:
        if not run.waiting:
            return None
        others = list(self._cloud().runs.values())
        return sum(other.waiting for other in others[: others.index(run)])

    async def _cancel(self, request: Request) -> Response:
        run = self._cloud().runs.get(request.path_params["run_id"])
        if run is None or run.function_call_id is None:
            reason = "404: Run not found or has no modal function call ID"
            return _problem(500, f"Error cancel function {reason}")
        if not run.ended:
            self._cloud().lives.end(run, "cancelled")
        return JSONResponse({"status": "success", "message": "Function cancelled"})

    async def _list(self, request: Request) -> Response:
        deployment_id = orders.read_id(
            request.path_params["deployment_id"], "path", "deployment_id"
        )
        if deployment_id == UNKNOWN_DEPLOYMENT:
            return _problem(404, "Deployment not found")
        newest_first = [
            run
            for run in reversed(self._cloud().runs.values())
            if run.deployment_id == deployment_id
        ]
        first = _number(request, "offset", 0)
        page = newest_first[first : first + _number(request, "limit", 60)]
        # The counts are always zero in the backend, too.
        meta: runs.Json = {"totalRowCount": 0, "filterRowCount": 0, "chartData": []}
        return JSONResponse({"data": [runs.listed(run) for run in page], "meta": meta})

    async def _upload(self, request: Request) -> Response:
        upload = (await multipart.read(request)).files.get("file")
        if upload is None:
            missing = {"type": "missing", "loc": ["body", "file"], "msg": "Field required"}
            raise InvalidOrderError([{**missing, "input": None}])
        guessed = mimetypes.guess_type(upload.filename)[0] or "application/octet-stream"
        kind = guessed.partition("/")[0]
        if kind not in _PREFIXES:
            return _problem(400, "Unsupported file type")
        if len(upload.data) > _MAX_UPLOAD_BYTES:
            return _problem(400, "File size exceeds 250MB limit")
        prefix = "zip" if guessed == "application/zip" else _PREFIXES[kind]
        file_id = f"{prefix}_{secrets.token_hex(8)}"
        _, dot, extension = upload.filename.rpartition(".")
        name = f"{file_id}{dot}{extension if dot else ''}"
        self._cloud().uploads[name] = (guessed, upload.data)
        return JSONResponse(
            {
                "message": "File uploaded successfully",
                "file_id": file_id,
                "file_name": upload.filename,
                "file_url": f"{self._base(request)}/inputs/{name}",
            }
        )

    async def _prices(self, _: Request) -> Response:
        return JSONResponse(PRICES)

    async def _output(self, request: Request) -> Response:
        if self._cloud().controls.outputs_down:
            return PlainTextResponse("Service Unavailable", 503)
        run = self._cloud().runs.get(request.path_params["run_id"])
        files = [] if run is None else outputs.files_of(run.plan, run.inputs, self._given(run))
        for file in files:
            if file.name == request.path_params["name"]:
                return Response(await asyncio.to_thread(file.make), media_type=file.content_type)
        return PlainTextResponse("NoSuchKey", 404)

    def _given(self, run: Run) -> bytes | None:
        """Return the first file that was uploaded here and is among the inputs of a run."""
        names = [str(value).rpartition("/inputs/")[2] for value in run.inputs.values()]
        uploads = self._cloud().uploads
        return next((uploads[name][1] for name in names if name in uploads), None)

    async def _input(self, request: Request) -> Response:
        kind, data = self._cloud().uploads.get(request.path_params["name"], ("", b""))
        return Response(data, media_type=kind) if kind else PlainTextResponse("NoSuchKey", 404)

    def _base(self, request: Request) -> str:
        return self._base_url or str(request.base_url).rstrip("/")


def _failure(wish: str) -> Response | None:
    match wish:
        case "hang":
            return Hang()
        case "reset":
            return Reset()
        case "500":
            return PlainTextResponse("Internal Server Error", 500)
        case "503":
            return PlainTextResponse("Service Unavailable", 503)
        case "429":
            return JSONResponse({"detail": "Too Many Requests"}, 429, {"Retry-After": "1"})
        case _:
            return None


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() else default
