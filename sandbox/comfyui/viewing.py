"""Files that clients send and fetch: `/upload/image` and `/view`."""

import asyncio
import email.utils
import io
import posixpath
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from PIL import Image
from starlette.responses import JSONResponse, Response

from sandbox.comfyui.folders import File, Folders
from sandbox.multipart import Form

_KINDS: Final = ("input", "temp", "output")
_LONGEST_NAME: Final = 255


class BrokenServerError(Exception):
    """What the server answers 500 to."""


def upload(form: Form, folders: Folders) -> Response:
    """Store a file of a form.

    Raises:
        BrokenServerError: Its type or its name is impossible.
    """
    file = form.files.get("image")
    if file is None:
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    kind = form.fields.get("type", "input")
    if kind not in _KINDS or not 0 < len(file.filename) <= _LONGEST_NAME:
        raise BrokenServerError
    path = posixpath.normpath(posixpath.join(form.fields.get("subfolder", ""), file.filename))
    if path.startswith("../"):
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    if path.startswith("/"):
        raise BrokenServerError
    over = form.fields.get("overwrite") in {"true", "1"}
    subfolder, _, name = path.rpartition("/")
    item = folders.upload(kind, subfolder, name, file.data, over=over)
    asked = form.fields.get("subfolder", "")
    if subfolder != asked:
        item = {**item, "name": f"{subfolder}/{item['name']}", "subfolder": asked}
    return JSONResponse(item)


async def view(query: Mapping[str, str], folders: Folders, asked: str | None) -> Response:
    """Answer with a file.

    Args:
        query: Says which.
        folders: Where it is.
        asked: The range of bytes that is asked for.
    """
    name, kind = _annotated(query.get("filename", ""), query.get("type", "output"))
    if not name:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    if ".." in name or name.startswith("/") or kind not in _KINDS:
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    subfolder = posixpath.normpath(query.get("subfolder") or ".")
    if subfolder.startswith(("/", "..")):
        return Response(status_code=HTTPStatus.FORBIDDEN)
    folder = "" if subfolder == "." else subfolder
    file = folders.find(kind, folder, posixpath.basename(name))
    if file is None:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    await asyncio.to_thread(lambda: file.data)
    shown = query.get("preview")
    return _whole(file, asked) if shown is None else _encoded(file, shown.partition(";")[0])


def _annotated(name: str, kind: str) -> tuple[str, str]:
    """Return name and type, of `x.png [input]` too."""
    for each in _KINDS:
        if name.endswith(f"[{each}]"):
            return name.removesuffix(f"[{each}]").rstrip(), each
    return name, kind


def _whole(file: File, asked: str | None) -> Response:
    headers = {
        "X-Content-Type-Options": "nosniff",
        "ETag": file.etag,
        "Last-Modified": email.utils.formatdate(file.made_at, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    data, status = file.data, HTTPStatus.OK
    if asked is not None and asked.startswith("bytes="):
        first, _, last = asked.removeprefix("bytes=").partition("-")
        begin, end = int(first or 0), min(int(last or len(data)), len(data) - 1)
        headers["Content-Range"] = f"bytes {begin}-{end}/{len(data)}"
        data, status = data[begin : end + 1], HTTPStatus.PARTIAL_CONTENT
    return _response(file, data, file.content_type, headers, status)


def _encoded(file: File, kind: str) -> Response:
    kind = kind if kind in {"webp", "jpeg"} else "webp"
    out = io.BytesIO()
    Image.open(io.BytesIO(file.data)).convert("RGB").save(out, kind)
    return _response(file, out.getvalue(), f"image/{kind}", {}, HTTPStatus.OK)


def _response(
    file: File, data: bytes, content_type: str, headers: dict[str, str], status: HTTPStatus
) -> Response:
    response = Response(data, status, headers, content_type)
    # Unescaped UTF-8, which Starlette would encode as Latin-1.
    name = f'filename="{file.name}"'.encode()
    response.raw_headers.append((b"content-disposition", name))
    return response
