"""Reading request bodies: JSON, urlencoded forms and multipart forms (RFC 7578)."""

import json
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import parse_qsl

from starlette.requests import Request


@dataclass(frozen=True)
class Upload:
    """One file of a multipart form."""

    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Form:
    """The fields of a request: plain ones as text, whatever the body's format, and the files."""

    fields: dict[str, str] = field(default_factory=dict[str, str])
    files: dict[str, Upload] = field(default_factory=dict[str, Upload])

    @classmethod
    def of(cls, value: object) -> "Form":
        """Return a JSON object as a form: what is no string is kept as JSON text.

        Raises:
            ValueError: It is no object.
        """
        if not isinstance(value, dict):
            # Of the wrong value, not of the wrong type: the caller sent it as JSON.
            raise ValueError("the body is not an object")  # noqa: TRY004
        # JSON objects have text for keys.
        items: dict[str, object] = dict(value)  # pyright: ignore[reportUnknownArgumentType]
        return cls(
            {
                key: item if isinstance(item, str) else json.dumps(item)
                for key, item in items.items()
                if item is not None
            }
        )


async def read(request: Request) -> Form:
    """Return the fields of the query string and the body together; the body wins.

    Values of a JSON object that are no strings are kept as JSON text, as a form would have them.

    Raises:
        ValueError: The body is not what its content type says.
    """
    form = Form(fields=dict(request.query_params))
    kind, options = _header(request.headers.get("content-type", ""))
    body = await request.body()
    match kind:
        case "multipart/form-data":
            _read_multipart(form, body, options.get("boundary", ""))
        case "application/json" if body:
            form.fields.update(Form.of(json.loads(body)).fields)
        case _:
            form.fields.update(parse_qsl(body.decode(), keep_blank_values=True))
    return form


def _header(value: str) -> tuple[str, dict[str, str]]:
    message = Message()
    message["content-type"] = value
    options = message.get_params(failobj=[], unquote=True)
    return message.get_content_type(), {key.lower(): text for key, text in options[1:]}


def _read_multipart(form: Form, body: bytes, boundary: str) -> None:
    if not boundary:
        raise ValueError("a multipart body without a boundary")
    marker = b"\r\n--" + boundary.encode()
    for part in (b"\r\n" + body).split(marker)[1:]:
        if part.startswith(b"--"):
            return
        head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        _read_part(form, head.decode(), data)
    raise ValueError("a multipart body without an end")


def _read_part(form: Form, head: str, data: bytes) -> None:
    headers = Message()
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        headers[name] = value.strip()
    options = dict(headers.get_params(failobj=[], header="content-disposition", unquote=True))
    name = options.get("name", "")
    if "filename" in options:
        content_type = headers.get("content-type", "application/octet-stream")
        form.files[name] = Upload(options["filename"], content_type, data)
    else:
        form.fields[name] = data.decode()
