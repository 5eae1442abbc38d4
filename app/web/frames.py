"""States and words as they go over the wire: each written once for all who are told the same."""

from typing import Any, Final

import orjson

from app.live.states import Beat, Bye, Ready, Reset, State, Word
from app.web import job_views, shown
from app.web.services import Link
from processors import projections
from schemas.base import rfc3339
from schemas.job import Job
from schemas.live import Kind

BEAT: Final = b": \n\n"
BEGINNING: Final = b"retry: 2000\n\n"
"""How many milliseconds a reader waits at first before it comes again."""


class Frames:
    """Writes out what readers of a projection are told."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def event(self, word: Word, *, internal: bool) -> bytes:
        """Return a word as an event of a stream (HTML Standard, 9.2.5)."""
        if isinstance(word, Beat):
            return BEAT
        if not isinstance(word, State):
            name, at, said = _said(word)
            return _event(name, at, orjson.dumps(said))
        as_what = f"event/{internal}"
        written = word.written.get(as_what)
        if written is None:
            written = _event(word.kind.value, _id(word), self._data(word, internal=internal))
            word.written[as_what] = written
        return written

    def message(self, word: Word, *, internal: bool) -> bytes:
        """Return a word as a message of a socket, in JSON; nothing for a beat."""
        if isinstance(word, Beat):
            return b""
        if not isinstance(word, State):
            name, at, said = _said(word)
            return _message(name, at, orjson.dumps(said))
        as_what = f"message/{internal}"
        written = word.written.get(as_what)
        if written is None:
            written = _message(word.kind.value, _id(word), self._data(word, internal=internal))
            word.written[as_what] = written
        return written

    def _data(self, state: State, *, internal: bool) -> bytes:
        as_what = f"data/{internal}"
        written = state.written.get(as_what)
        if written is None:
            written = state.written[as_what] = orjson.dumps(self._told(state, internal=internal))
        return written

    def _told(self, state: State, *, internal: bool) -> dict[str, Any]:
        record = state.record
        if isinstance(record, Job):
            told = job_views.listed(record)
            return told if internal else projections.job(told)
        if state.kind is Kind.PREVIEW:
            return {
                "id": record.id,
                "at": None if state.drawn is None else rfc3339(state.drawn),
                "url": f"/api/generations/{record.id}/preview",
            }
        return (shown.internal if internal else shown.public)(record, self._link)


def _id(state: State) -> str | None:
    """Return what a state may be resumed from; None where more may have to be told before.

    A preview is told when it is time to, and later changes may have been told before it.
    """
    return None if state.at is None or state.kind is Kind.PREVIEW else str(state.at)


def _said(word: Reset | Ready | Bye) -> tuple[str, str | None, dict[str, Any]]:
    """Return a word's name, its id and what it says."""
    if isinstance(word, Reset):
        return "reset", None, {"reason": word.why}
    if isinstance(word, Ready):
        return "ready", str(word.at), {}
    return "bye", None, {"reason": word.why, "again": word.again}


def _event(name: str, at: str | None, data: bytes) -> bytes:
    named = b"" if at is None else b"id: %s\n" % at.encode()
    # One line: JSON as we write it holds no line break.
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), named, data)


def _message(name: str, at: str | None, data: bytes) -> bytes:
    named = b"" if at is None else b'"id":"%s",' % at.encode()
    return b'{"event":"%s",%s"data":%s}' % (name.encode(), named, data)
