"""The pages that we serve ourselves: of files of ours alone, and held to that by their CSP."""

from collections.abc import Callable
from functools import cache
from typing import Final

import orjson
from starlette.responses import HTMLResponse, Response

from app.web import assets, openapi
from app.web.operations import Access, Call, Operation, Route

_HEADERS: Final = {"Content-Security-Policy": assets.POLICY, "Cache-Control": "no-cache"}


def routes(operations: Callable[[], tuple[Operation, ...]]) -> tuple[Route, ...]:
    """Return the pages.

    Args:
        operations: Gives all operations there are, these pages included, once all are known.
    """

    @cache
    def document() -> bytes:
        return orjson.dumps(openapi.document(operations()))

    async def home(_call: Call) -> Response:
        return HTMLResponse(assets.shell(), headers=_HEADERS)

    async def docs(_call: Call) -> Response:
        return HTMLResponse(assets.docs(), headers=_HEADERS)

    async def described(_call: Call) -> Response:
        return Response(document(), media_type="application/json")

    return (
        Route(_page("/", "home", "The dashboard; it asks for a key"), home),
        Route(
            _page("/docs", "docs", "These pages; they ask for a key and read the document"), docs
        ),
        Route(
            Operation(
                method="GET",
                path="/api/openapi.json",
                name="openapi",
                tag="pages",
                summary="This document",
            ),
            described,
        ),
    )


def _page(path: str, name: str, summary: str) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        tag="pages",
        summary=summary,
        access=Access.OPEN,
        media_type="text/html",
    )
