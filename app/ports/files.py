"""Files that peers have, and those that we keep."""

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
)
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from processors.protocols.sniffing import Sniffed


class Source(Protocol):
    """A file of a peer's, under way."""

    @property
    def chunks(self) -> AsyncIterator[bytes]:
        """The whole content, to be read once; may raise a PeerError."""
        ...

    @property
    def sniffed(self) -> Sniffed | None:
        """What its first bytes say it is; None where that is nothing we show."""
        ...


class Files(Protocol):
    """Files that peers have, from listed hosts only."""

    def stream(
        self, url: str, *, hosts: tuple[str, ...], limit_bytes: int, timeout_seconds: float
    ) -> AbstractAsyncContextManager[Source]:
        """Open a file; it is read while the context is open.

        Raises:
            PeerMissingError: Its host says that there is no such file.
            PeerError: It cannot be had; never, with the reasons ``too_large``, ``forbidden``
                (no address of a listed host), ``redirect`` and ``encoding`` (its host answers
                with something else); not under this address, with the reason ``refused``.
        """
        ...


class Stored(NamedTuple):
    """A file in storage."""

    size: int
    content_type: str | None
    """What its first bytes say it is; None where that is nothing we show in place."""
    etag: str | None
    """An entity tag, quoted, that changes with the content."""


class StoredKey(NamedTuple):
    """A file in storage, as a list names it."""

    key: str
    at: datetime
    """When it was written."""


class Storage(Protocol):
    """Files we keep, by key. Every method may raise PeerDownError."""

    async def put(
        self, key: str, chunks: AsyncIterable[bytes], *, limit_bytes: int, limit: timedelta
    ) -> int:
        """Store a file, in place of the one there is; return its size.

        It is seen whole or not at all, and is never held in memory whole. What `chunks` raises
        goes on to the caller.

        Raises:
            PeerRefusedError: It has more than `limit_bytes`.
        """
        ...

    async def head(self, key: str) -> Stored | None:
        """Return what there is to say about a file, or None where there is none."""
        ...

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes of a file from `start` up to and without `end`.

        Raises:
            PeerMissingError: There is no such file.
        """
        ...

    async def delete(self, key: str) -> None:
        """Delete a file; that there is none is no fault."""
        ...

    def listed(self, prefix: str) -> AsyncIterator[StoredKey]:
        """Yield the files whose key begins with `prefix`, a folder with its slash."""
        ...
