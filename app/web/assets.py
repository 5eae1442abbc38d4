"""The files of our pages and the JavaScript client, as browsers load them.

All lie side by side under one path, so that modules find each other whatever prefix a proxy puts
before it, and under a version of them all, so that a browser keeps them until the next one. Without
the version they are asked for again each time: that is the address for other people's pages, which
may load them from anywhere, as there is nothing of anybody's in them.
"""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, NamedTuple

from starlette.responses import Response

from app import errors
from app.web import ranges, reading
from app.web.operations import Access, Call, Operation, Route
from schemas.wire.jobs import ReadHeaders

PATH: Final = "/assets"
SHELL: Final = "index.html"
"""The dashboard itself, which is had at ``/``."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""What our pages may do: run and show what we serve, and nothing that stands in a page itself."""

_PAGE: Final = files("app.web") / "dashboard"
_DOCS: Final = files("app.web") / "docs"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOREVER: Final = "public, max-age=31536000, immutable"
_AGAIN: Final = "public, no-cache"
_DIGITS: Final = 16


class Asset(NamedTuple):
    """A file that browsers load."""

    content: bytes
    media_type: str
    tag: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return all files, by name."""
    return {
        each.name: _asset(each) for folder in (_PAGE, _DOCS, _client()) for each in _files(folder)
    }


@cache
def version() -> str:
    """Return a word that is another as soon as any of the files is."""
    said = hashlib.sha256()
    for name, each in sorted(assets().items()):
        said.update(f"{name} {each.tag}\n".encode())
    return said.hexdigest()[:_DIGITS]


@cache
def shell() -> str:
    """Return the dashboard, which names its files by their version and all of its modules at once.

    A browser that had to read one module to learn of the next would ask for them one by one.
    """
    modules = "\n".join(
        f'<link rel="modulepreload" href="assets/{version()}/{name}">'
        for name in sorted(each.name for folder in (_PAGE, _client()) for each in _files(folder))
        if name.endswith(".js")
    )
    return _named(_PAGE / SHELL).replace("{modules}", modules)


@cache
def docs() -> str:
    """Return the page that tells what the API has; it names its files by their version."""
    return _named(_DOCS / "docs.html")


async def read(call: Call) -> Response:
    """Send a file, unless the browser has it."""
    named: str = call.request.path_params["name"]
    given, _, name = named.rpartition("/")
    found = assets().get(name)
    if found is None or "/" in given:
        raise errors.NotFoundError("asset")
    headers = {
        "ETag": found.tag,
        "Cache-Control": _FOREVER if given == version() else _AGAIN,
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if ranges.known(reading.headers(ReadHeaders, call.request).if_none_match, found.tag):
        return Response(None, 304, headers)
    return Response(found.content, 200, headers, found.media_type)


def routes() -> tuple[Route, ...]:
    """Return how files are had."""
    return (
        Route(
            Operation(
                method="GET",
                path=f"{PATH}/{{name:path}}",
                name="readAsset",
                tag="pages",
                summary="Have a file of a page of ours, or the JavaScript client",
                access=Access.OPEN,
                headers=ReadHeaders,
                media_type="text/javascript",
                errors=(errors.BadFieldError, errors.NotFoundError),
            ),
            read,
        ),
    )


def _client() -> Traversable:
    """Return where the client is: in the package, or beside it in the repository."""
    shipped = files("app.web") / "client"
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "clients" / "js"


def _named(page: Traversable) -> str:
    return page.read_text("utf-8").replace("{version}", version())


def _files(folder: Traversable) -> Iterator[Traversable]:
    return (each for each in folder.iterdir() if Path(each.name).suffix in _TYPES)


def _asset(file: Traversable) -> Asset:
    content = file.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:_DIGITS]}"'
    return Asset(content, _TYPES[Path(file.name).suffix], tag)
