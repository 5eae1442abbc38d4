"""Failures ordered for coming calls: every row of what a Bot API may answer, on demand."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from sandbox.endings import Cut, Hang, Reset

Kind = Literal[
    "429",
    "429-bare",
    "429-zero",
    "403-blocked",
    "403-kicked",
    "403-deactivated",
    "400-migrate",
    "400",
    "401",
    "404",
    "409",
    "413-json",
    "413-html",
    "500",
    "500-restart",
    "500-no-description",
    "502-html",
    "504-empty",
    "200-empty",
    "200-unparsable",
    "200-invalid-utf8",
    "sent-then-hang",
    "sent-then-reset",
    "hang",
    "reset",
    "cut",
]

_SENT: Final = frozenset(
    {"200-unparsable", "200-invalid-utf8", "sent-then-hang", "sent-then-reset", "cut"}
)

_SENTENCES: Final[dict[str, str]] = {
    "403-blocked": "Forbidden: bot was blocked by the user",
    "403-kicked": "Forbidden: bot was kicked from the supergroup chat",
    "403-deactivated": "Forbidden: user is deactivated",
    "400-migrate": "Bad Request: group chat was upgraded to a supergroup chat",
    "400": "Bad Request: the sandbox was told to refuse this",
    "401": "Unauthorized",
    "404": "Not Found",
    "409": "Conflict: terminated by other getUpdates request;"
    " make sure that only one bot instance is running",
    "413-json": "Request Entity Too Large",
    "429-bare": "Too Many Requests",
    "500": "Internal Server Error",
    "500-restart": "Internal Server Error: restart",
}


class Fault(BaseModel):
    """A failure for the next calls that it fits.

    Attributes:
        method: A method of the Bot API, or `*` for any.
        chat_id: The chat called about, or nothing for any.
        times: How many calls fail before it is used up.
        kind: What happens. After `sent-then-…`, `cut`, `200-unparsable` and `200-invalid-utf8` the
            call has been done nevertheless.
        retry_after: In seconds, for `429`.
        description: Another sentence than Telegram's usual one.
        migrate_to_chat_id: For `400-migrate`.
    """

    model_config = ConfigDict(extra="forbid")

    method: str = "*"
    chat_id: int | None = None
    times: Annotated[int, Field(ge=1)] = 1
    kind: Kind
    retry_after: Annotated[int, Field(ge=0)] = 1
    description: str | None = None
    migrate_to_chat_id: int = -1_001_234_567_890_123

    @property
    def lets_through(self) -> bool:
        """Say whether the call is done all the same."""
        return self.kind in _SENT


class Faults:
    """The failures ordered, first come first served."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Have the next fitting calls fail."""
        self._ordered.append(fault)

    def take(self, method: str, chat_id: str) -> Fault | None:
        """Return the first failure that fits a call, used up by one, or nothing."""
        for fault in self._ordered:
            fits = fault.method.lower() in {"*", method.lower()}
            if fits and fault.chat_id in {None, _chat(chat_id)}:
                fault.times -= 1
                if fault.times == 0:
                    self._ordered.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Order nothing any more."""
        self._ordered.clear()


def answer(fault: Fault, usual: Response | None) -> Response:
    """Return what the caller gets instead of the usual answer, which it may need a part of."""
    if fault.kind in _BARE:
        bare = _BARE[fault.kind]
        return Response(bare.body, bare.status, media_type=bare.media_type)
    if fault.kind in _BROKEN:
        return _BROKEN[fault.kind]()
    if fault.kind == "cut":
        return Cut(b"{}" if usual is None else bytes(usual.body), media_type="application/json")
    return _refusal(fault)


def refusal(code: int, description: str, parameters: dict[str, int] | None = None) -> Response:
    """Return a call's refusal in the form of the Bot API."""
    body: dict[str, object] = {"ok": False, "error_code": code, "description": description}
    return JSONResponse(body | ({"parameters": parameters} if parameters else {}), code)


def _refusal(fault: Fault) -> Response:
    code = int(fault.kind[:3])
    if fault.kind in {"429", "429-zero"}:
        seconds = fault.retry_after if fault.kind == "429" else 0
        said = fault.description or f"Too Many Requests: retry after {seconds}"
        return refusal(code, said, {"retry_after": seconds})
    said = fault.description or _SENTENCES[fault.kind]
    if fault.kind == "400-migrate":
        return refusal(code, said, {"migrate_to_chat_id": fault.migrate_to_chat_id})
    return refusal(code, said)


@dataclass(frozen=True)
class _Bare:
    status: int
    body: bytes = b""
    media_type: str | None = None


def _page(sentence: str) -> bytes:
    head = f"<head><title>{sentence}</title></head>"
    body = f"<body><center><h1>{sentence}</h1></center></body>"
    return f"<html>\r\n{head}\r\n{body}\r\n</html>\r\n".encode()


def _chat(chat_id: str) -> int | None:
    return int(chat_id) if chat_id.removeprefix("-").isdecimal() else None


_BARE: Final[dict[str, _Bare]] = {
    "413-html": _Bare(413, _page("413 Request Entity Too Large"), "text/html"),
    "500-no-description": _Bare(500, b'{"ok":false,"error_code":500}', "application/json"),
    "502-html": _Bare(502, _page("502 Bad Gateway"), "text/html"),
    "504-empty": _Bare(504),
    "200-empty": _Bare(200),
    "200-unparsable": _Bare(
        200, json.dumps({"ok": True, "result": {"what": "unknown"}}).encode(), "application/json"
    ),
    "200-invalid-utf8": _Bare(200, b'{"ok":true,"result":"\xff\xfe"}', "application/json"),
}
_BROKEN: Final[dict[str, Callable[[], Response]]] = {
    "hang": Hang,
    "reset": Reset,
    "sent-then-hang": Hang,
    "sent-then-reset": Reset,
}
