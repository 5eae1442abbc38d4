"""The pages that we serve ourselves: self-contained, and held to that by their CSP."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Final

import orjson
from starlette.responses import HTMLResponse, Response

from app.web import assets, openapi
from app.web.operations import Access, Call, Operation, Route

_HOME: Final = {"Content-Security-Policy": assets.POLICY, "Cache-Control": "no-cache"}


def routes(operations: Callable[[], tuple[Operation, ...]]) -> tuple[Route, ...]:
    """Return the pages.

    Args:
        operations: Gives all operations there are, these pages included, once all are known.
    """

    @cache
    def document() -> bytes:
        return orjson.dumps(openapi.document(operations()))

    async def home(_call: Call) -> Response:
        return HTMLResponse(assets.shell(), headers=_HOME)

    async def docs(_call: Call) -> Response:
        html, policy = _docs()
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

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


@cache
def _docs() -> tuple[str, str]:
    """Return the page and the policy that lets its own script and style run, and no other."""
    folder = files("app.web") / "docs"
    style, script, page = (
        (folder / name).read_text("utf-8") for name in ("docs.css", "docs.js", "docs.html")
    )
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page.replace("/*style*/", style).replace("/*script*/", script), policy


def _hash(text: str) -> str:
    """Return a source expression of CSP for an inline text."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
