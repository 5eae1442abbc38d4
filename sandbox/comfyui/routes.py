"""The HTTP and WebSocket routes of the servers, each with and without `/api`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from sandbox import multipart
from sandbox.comfyui import catalogue, doors, jobs, stats, versions, viewing
from sandbox.comfyui.jobs import RefusedQueryError
from sandbox.comfyui.server import RefusedPromptError, Server
from sandbox.comfyui.servers import Servers
from sandbox.comfyui.values import Json, a_list, an_object
from sandbox.comfyui.viewing import BrokenServerError
from sandbox.endings import Hang, Reset


class _Json(JSONResponse):
    media_type = "application/json; charset=utf-8"


_MOST_BYTES: Final = 104_857_600
_Handler = Callable[[Server, Request], Awaitable[Response]]


class Routes:
    """The handlers; `servers` gives the state, there from the start."""

    def __init__(self, servers: Callable[[], Servers]) -> None:
        self._servers = servers

    def routes(self) -> list[BaseRoute]:
        """Return the route table."""
        table: list[BaseRoute] = []
        for prefix in ("/comfyui/{server}", "/comfyui/{server}/api"):
            table += [
                Route(f"{prefix}{path}", self._at(handler), methods=methods)
                for path, methods, handler in _TABLE
            ]
            table.append(WebSocketRoute(f"{prefix}/ws", self._socket))
        base = "/comfyui/{server}/api/jobs"
        table += [
            Route(base, self._at(_jobs), methods=["GET"]),
            Route(f"{base}/cancel", self._at(_cancel_jobs), methods=["POST"]),
            Route(f"{base}/{{job_id}}", self._at(_job), methods=["GET"]),
            Route(f"{base}/{{job_id}}/cancel", self._at(_cancel_job), methods=["POST"]),
            Route(
                "/comfyui/{server}/{path:path}",
                self._at(_nothing),
                methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            ),
        ]
        return table

    def _at(self, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            server = self._servers().get(request.path_params["server"])
            if server is None:
                return _not_found()
            doors.note(server, request)
            refusal = doors.refusal(server, request)
            if refusal is not None:
                return refusal
            if int(request.headers.get("content-length") or 0) > _MOST_BYTES:
                words = f"Maximum request body size {_MOST_BYTES} exceeded."
                return PlainTextResponse(words, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            try:
                return await handler(server, request)
            except (BrokenServerError, TypeError, ValueError):
                return _broken()

        return answer

    async def _socket(self, websocket: WebSocket) -> None:
        server = self._servers().get(websocket.path_params["server"])
        if server is None:
            await websocket.send_denial_response(_not_found())
            return
        doors.note(server, websocket)
        refusal = doors.socket_refusal(server, websocket)
        if isinstance(refusal, (Hang, Reset)):
            await refusal(websocket.scope, websocket.receive, websocket.send)
            return
        if refusal is not None:
            await websocket.send_denial_response(refusal)
            return
        await websocket.accept()
        socket = server.sockets.meet(websocket)
        if not server.controls.idle:
            server.greet(socket)
        await server.sockets.serve(socket, server.features())


async def _stats(server: Server, _: Request) -> Response:
    return _Json(stats.told(server.version, server.controls.version))


async def _features(server: Server, _: Request) -> Response:
    return _Json(server.features())


async def _remaining(server: Server, _: Request) -> Response:
    return _Json(server.remaining())


async def _post(server: Server, request: Request) -> Response:
    fate = doors.fate(server)
    if fate is not None and not fate.startswith("taken-"):
        return doors.ending(fate)
    try:
        # A body that is JSON but no object has no `prompt` in it.
        body = an_object(json.loads(await request.body())) or {}
        answer = server.post(body)
    except RefusedPromptError as refused:
        return _Json(refused.body, HTTPStatus.BAD_REQUEST)
    await asyncio.sleep(server.controls.post_delay)
    if fate is not None:
        return doors.ending(fate.removeprefix("taken-"))
    return _Json(answer)


async def _queue(server: Server, _: Request) -> Response:
    running = [] if server.running is None else [server.running.queued()]
    pending = [item.queued() for *_, item in server.pending]
    return _Json({"queue_running": running, "queue_pending": pending})


async def _change_queue(server: Server, request: Request) -> Response:
    wish = await _body(request)
    if wish.get("clear"):
        server.delete()
    if "delete" in wish:
        server.delete(a_list(wish["delete"]) or [])
    return _ok()


async def _history(server: Server, request: Request) -> Response:
    await asyncio.sleep(server.controls.history_takes)
    entries = {item.prompt_id: item.history() for item in server.history.values()}
    keys = list(entries)
    query = request.query_params
    if "max_items" in query:
        most, offset = int(query["max_items"]), int(query.get("offset", -1))
        first = max(0, len(keys) - most) if offset < 0 else offset
        keys = keys[first : first + most]
    return _Json({key: entries[key] for key in keys})


async def _one_history(server: Server, request: Request) -> Response:
    await asyncio.sleep(server.controls.history_takes)
    item = server.history.get(request.path_params["prompt_id"])
    return _Json({} if item is None else {item.prompt_id: item.history()})


async def _change_history(server: Server, request: Request) -> Response:
    wish = await _body(request)
    if wish.get("clear"):
        server.history.clear()
    for prompt_id in a_list(wish.get("delete")) or []:
        server.history.pop(str(prompt_id), None)
    return _ok()


async def _interrupt(server: Server, request: Request) -> Response:
    try:
        wish = await _body(request)
    except ValueError:
        wish: Json = {}
    by_id = server.version >= versions.INTERRUPT_BY_ID
    server.interrupt(wish.get("prompt_id") if by_id else None)
    return _ok()


async def _free(server: Server, request: Request) -> Response:
    if (await _body(request)).get("free_memory"):
        server.free()
    return _ok()


async def _all_info(server: Server, _: Request) -> Response:
    known = {name: kind.told() for name, kind in catalogue.CLASSES.items()}
    return _Json(known | {"LoadImage": _loader(server)})


async def _info(server: Server, request: Request) -> Response:
    name = request.path_params["name"]
    kind = catalogue.CLASSES.get(name)
    if kind is None:
        return _Json({})
    return _Json({name: _loader(server) if name == "LoadImage" else kind.told()})


def _loader(server: Server) -> Json:
    """Return LoadImage with the uploads that it can load."""
    known: Json = {"image": [server.folders.inputs(), {"image_upload": True}]}
    told = catalogue.CLASSES["LoadImage"].told()
    return told | {"input": {"required": known}}


async def _upload(server: Server, request: Request) -> Response:
    try:
        form = await multipart.read(request)
    except ValueError:
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    return viewing.upload(form, server.folders)


async def _view(server: Server, request: Request) -> Response:
    return await viewing.view(request.query_params, server.folders, request.headers.get("range"))


async def _jobs(server: Server, request: Request) -> Response:
    if server.version < versions.JOBS:
        return _not_found()
    try:
        return _Json(jobs.listed(server, request.query_params))
    except RefusedQueryError as refused:
        return _Json({"error": str(refused)}, HTTPStatus.BAD_REQUEST)


async def _job(server: Server, request: Request) -> Response:
    if server.version < versions.JOBS:
        return _not_found()
    job = jobs.whole(server, request.path_params["job_id"])
    if job is None:
        return _Json({"error": "Job not found"}, HTTPStatus.NOT_FOUND)
    return _Json(job)


async def _cancel_job(server: Server, request: Request) -> Response:
    if server.version < versions.JOB_CANCEL:
        return _not_allowed()
    return _Json({"cancelled": jobs.cancel(server, [request.path_params["job_id"]])})


async def _cancel_jobs(server: Server, request: Request) -> Response:
    if server.version < versions.JOB_CANCEL:
        return _not_allowed()
    wish = await _body(request)
    job_ids = [str(one) for one in a_list(wish.get("job_ids")) or []]
    invalid = [one for one in job_ids if not versions.ID.fullmatch(one)]
    if invalid:
        words = "job_ids contains invalid id(s)"
        return _Json({"error": words, "invalid_ids": invalid}, HTTPStatus.BAD_REQUEST)
    return _Json({"cancelled": jobs.cancel(server, job_ids)})


async def _nothing(_: Server, request: Request) -> Response:
    return _not_found() if request.method in {"GET", "HEAD"} else _not_allowed()


async def _body(request: Request) -> Json:
    return an_object(json.loads(await request.body())) or {}


def _ok() -> Response:
    return Response(status_code=HTTPStatus.OK)


def _not_found() -> Response:
    return Response(status_code=HTTPStatus.NOT_FOUND, media_type="application/octet-stream")


def _not_allowed() -> Response:
    return PlainTextResponse("405: Method Not Allowed", HTTPStatus.METHOD_NOT_ALLOWED)


def _broken() -> Response:
    words = "500 Internal Server Error\n\nServer got itself in trouble"
    return PlainTextResponse(words, HTTPStatus.INTERNAL_SERVER_ERROR, {"Connection": "close"})


_TABLE: Final[tuple[tuple[str, list[str], _Handler], ...]] = (
    ("/system_stats", ["GET"], _stats),
    ("/features", ["GET"], _features),
    ("/prompt", ["GET"], _remaining),
    ("/prompt", ["POST"], _post),
    ("/queue", ["GET"], _queue),
    ("/queue", ["POST"], _change_queue),
    ("/history", ["GET"], _history),
    ("/history", ["POST"], _change_history),
    ("/history/{prompt_id}", ["GET"], _one_history),
    ("/interrupt", ["POST"], _interrupt),
    ("/free", ["POST"], _free),
    ("/object_info", ["GET"], _all_info),
    ("/object_info/{name}", ["GET"], _info),
    ("/upload/image", ["POST"], _upload),
    ("/view", ["GET", "HEAD"], _view),
)
