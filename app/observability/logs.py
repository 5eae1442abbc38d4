"""The log: one line for one fact, for people or for machines, without any secret.

Secrets are taken out of the finished line, so that it does not matter how they came in: as a
field, inside a URL, in the text of somebody else's exception.
"""

import json
import logging
import re
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, Literal, TextIO

import orjson
import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from app.observability.terminal import Terminal, printable

HIDDEN: Final = "***"
"""What stands where a secret stood."""
MIN_KEPT: Final = 6
"""Characters; anything shorter would tear holes into ordinary words."""


def configure(
    level: str, fmt: Literal["console", "json"], stream: TextIO | None = None
) -> Terminal:
    """Send the log of our code and of the libraries to one place.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        fmt: For people or for machines.
        stream: Where to; stdout when None.

    Returns:
        What everything else that is printed goes through.
    """
    terminal = Terminal(sys.stdout if stream is None else stream)
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper("iso" if fmt == "json" else "%H:%M:%S", utc=fmt == "json"),
    ]
    closing = _closing(fmt, terminal)
    structlog.configure(
        processors=[*shared, *closing],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Lines(terminal),
        cache_logger_on_first_use=False,
    )
    _route_libraries(number, terminal, shared, closing)
    return terminal


def keep_secret(value: str) -> None:
    """Never print `value` again, in any spelling a log line may give it.

    One shorter than `MIN_KEPT` is passed over.
    """
    if len(value) < MIN_KEPT:
        return
    spellings = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    with _lock:
        known = {*_kept, *spellings, repr(value)[1:-1]}
        # The longest first: a secret may be the beginning of another.
        _kept[:] = sorted(known, key=len, reverse=True)


def forget_secrets() -> None:
    """Let every kept secret be printed again: for tests, which share a process."""
    with _lock:
        _kept.clear()


def scrub(text: str) -> str:
    """Return `text` with every secret in it hidden: those we keep, and whatever looks like one."""
    for secret in _kept:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    for mark, pattern, instead in _PATTERNS:
        if mark in text:
            text = pattern.sub(instead, text)
    return text


@contextmanager
def about(record_id: str, run: str | None = None, *, kind: str = "generation") -> Generator[None]:
    """Name a record of this kind, and its run, in every line that is logged inside."""
    named = {kind: record_id} | ({"run": run} if run else {})
    with structlog.contextvars.bound_contextvars(**named):
        yield


_lock: Final = threading.Lock()
_kept: Final[list[str]] = []
_VALUE: Final = r"[^\s&\"'\\<>;,)\]}]+"
_PATTERNS: Final = (
    # A bot's token; its number is no secret. Beginning with one letter makes it fast to look for.
    (":", re.compile(r":(?<=\d:)[A-Za-z0-9_-]{30,}"), f":{HIDDEN}"),
    (
        "=",
        re.compile(
            r"(?i)((?:token|secret|signature|password|credential|api_?key|[?&]sig)=)" + _VALUE
        ),
        rf"\g<1>{HIDDEN}",
    ),
    ("earer", re.compile(r"(?i)(bearer\s+)" + _VALUE), rf"\g<1>{HIDDEN}"),
    ("@", re.compile(r"(://)[^\s/@\"'\\]+@"), rf"\g<1>{HIDDEN}@"),
)
"""A mark without which it cannot be there, what it looks like, and what stands there instead."""

_QUIET: Final = (
    "aiogram",
    "aiohttp",
    "asyncio",
    "httpcore",
    "httpx",
    "motor",
    "pymongo",
    "websockets",
)
"""Libraries whose lower lines print URLs, headers, commands, or nothing that helps."""


class _Lines:
    """The logger at the end of the chain: each level writes one finished line."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def msg(self, line: str) -> None:
        """Write one line."""
        self._terminal.write(f"{line}\n")

    debug = info = warning = error = critical = fatal = exception = log = msg


def _closing(fmt: str, terminal: Terminal) -> list[Processor]:
    """The last steps of a line: its form, and the secrets taken out of it."""
    if fmt == "json":
        return [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_as_json),
            _scrubbed,
        ]
    form = structlog.dev.ConsoleRenderer(
        colors=terminal.coloured,
        pad_event_to=32,
        sort_keys=False,
        # The default prints local variables, and with them whatever they hold.
        exception_formatter=structlog.dev.plain_traceback,
    )
    return [structlog.processors.format_exc_info, _on_one_line, form, _scrubbed]


def _route_libraries(
    level: int, terminal: Terminal, shared: list[Processor], closing: list[Processor]
) -> None:
    """Write what libraries log as if we had logged it."""
    handler: logging.StreamHandler[Terminal] = logging.StreamHandler(terminal)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *closing],
        )
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if _is_ours(each)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # It prints the URL of every request, tokens included.
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False


def _is_ours(handler: logging.Handler) -> bool:
    return isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)


def _as_json(event: EventDict, **_: Any) -> str:  # noqa: ANN401 - structlog's own signature
    """One line of JSON; whatever JSON has no form for is written as text."""
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _on_one_line(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Take what moves a cursor out of a line for people."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            # A traceback keeps its lines.
            lines = value.split("\n") if key == "exception" else [value]
            event[key] = "\n".join(map(printable, lines))
    return event


def _scrubbed(_logger: WrappedLogger, _name: str, line: Any) -> str:  # noqa: ANN401 - a rendered line
    return scrub(str(line))
