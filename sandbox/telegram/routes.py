"""The Bot API over HTTP, below `/telegram`."""

import asyncio
import re
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import multipart
from sandbox.multipart import Form
from sandbox.telegram import faults
from sandbox.telegram.calls import Call
from sandbox.telegram.faults import Fault
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.server import Server

_TOKEN: Final = re.compile(r"(\d+):([A-Za-z0-9_-]+)")


class Routes:
    """The handlers of one Bot API; `server` gives the state, there from the start of the app."""

    def __init__(self, server: Callable[[], Server]) -> None:
        self._server = server

    def routes(self) -> list[BaseRoute]:
        """Return the route table."""
        return [
            Route("/telegram/file/bot{token}/{path:path}", self._download),
            Route("/telegram/bot{token}/{method}", self._call, methods=["GET", "POST"]),
        ]

    async def _call(self, request: Request) -> Response:
        server = self._server()
        try:
            form = await multipart.read(request)
        except ValueError as error:
            return faults.refusal(400, f"Bad Request: {error}")
        method, chat_id = request.path_params["method"], form.fields.get("chat_id", "")
        noted = server.note(method, chat_id)
        response = await self._answer(request.path_params["token"], method, form)
        ok = response.status_code == 200 and bytes(response.body).startswith(b'{"ok":true')  # noqa: PLR2004
        noted |= {"ok": ok, "status": response.status_code}
        return response

    async def _answer(self, token: str, method: str, form: Form) -> Response:
        server = self._server()
        if server.controls.down:
            return faults.answer(Fault(kind="502-html"), None)
        fault = server.faults.take(method, form.fields.get("chat_id", ""))
        if fault is not None and not fault.lets_through:
            return faults.answer(fault, None)
        usual = await self._usual(token, method, form)
        await asyncio.sleep(self._delay(method))
        return usual if fault is None else faults.answer(fault, usual)

    async def _usual(self, token: str, method: str, form: Form) -> Response:
        match = _TOKEN.fullmatch(token)
        if match is None or match.group(2) == "notfound":
            return faults.refusal(404, "Not Found")
        if match.group(2) == "unauthorized":
            return faults.refusal(401, "Unauthorized")
        self._server().bot_id = int(match.group(1))
        try:
            result = await self._server().methods.call(method, Call(int(match.group(1)), form))
        except Refusal as refused:
            return faults.refusal(refused.code, refused.description, refused.parameters)
        return JSONResponse({"ok": True, "result": result})

    def _delay(self, method: str) -> float:
        controls, name = self._server().controls, method.lower()
        if name.startswith("edit"):
            return controls.edit_delay
        return controls.send_delay if name.startswith("send") else 0.0

    async def _download(self, request: Request) -> Response:
        data = self._server().files.data(request.path_params["path"])
        if data is None:
            return PlainTextResponse("Not Found", 404)
        return Response(data, media_type="application/octet-stream")
