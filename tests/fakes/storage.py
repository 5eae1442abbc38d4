"""Files in memory, and files that peers have."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.errors import PeerError, PeerMissingError, PeerRefusedError
from app.ports import Source, Stored, StoredKey
from processors.protocols import sniffing
from processors.protocols.sniffing import Sniffed
from tests.builders import NOON
from tests.fakes.gates import Gate, ajar

PEER = "storage"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(1000)


def link_to(key: str) -> str:
    """Return a link to a file that is kept."""
    return f"https://us.example.com/media/{key}"


class FakeStorage:
    """See app.ports.Storage.

    Attributes:
        files: What is kept, by key.
        at: When each was written, where it was not at noon.
        gate: Passed before a file is written or read, and again before that is known.
    """

    def __init__(self, files: dict[str, bytes] | None = None, gate: Gate = ajar) -> None:
        self.files: dict[str, bytes] = {} if files is None else files
        self.at: dict[str, datetime] = {}
        self.gate = gate

    async def put(
        self, key: str, chunks: AsyncIterable[bytes], *, limit_bytes: int, limit: timedelta
    ) -> int:
        """See app.ports.Storage."""
        del limit
        await self.gate()
        content = b"".join([chunk async for chunk in chunks])
        if len(content) > limit_bytes:
            raise PeerRefusedError(PEER, "too large")
        self.files[key] = content
        await self.gate()
        return len(content)

    async def head(self, key: str) -> Stored | None:
        """See app.ports.Storage."""
        await self.gate()
        content = self.files.get(key)
        if content is None:
            return None
        sniffed = sniffing.kind_of(content)
        return Stored(len(content), sniffed.content_type if sniffed else None, '"a-tag"')

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """See app.ports.Storage."""
        await self.gate()
        if key not in self.files:
            raise PeerMissingError(PEER, "has no such file")
        yield self.files[key][start:end]

    async def delete(self, key: str) -> None:
        """See app.ports.Storage."""
        await self.gate()
        self.files.pop(key, None)

    async def listed(self, prefix: str) -> AsyncIterator[StoredKey]:
        """See app.ports.Storage."""
        await self.gate()
        for key in list(self.files):
            if key.startswith(prefix):
                yield StoredKey(key, self.at.get(key, NOON))


@dataclass(frozen=True)
class FakeSource:
    """See app.ports.Source."""

    chunks: AsyncIterator[bytes]
    sniffed: Sniffed | None


class FakeFiles:
    """See app.ports.Files.

    Attributes:
        files: What peers have, by URL; the reason why not, in place of the bytes. A picture
            where nothing is said.
        asked: Each URL that was asked for, in order.
    """

    def __init__(self, files: dict[str, bytes | PeerError] | None = None) -> None:
        self.files: dict[str, bytes | PeerError] = {} if files is None else files
        self.asked: list[str] = []

    @asynccontextmanager
    async def stream(
        self, url: str, *, hosts: tuple[str, ...], limit_bytes: int, timeout_seconds: float
    ) -> AsyncGenerator[Source]:
        """See app.ports.Files."""
        del hosts, limit_bytes, timeout_seconds
        self.asked.append(url)
        found = self.files.get(url, PICTURE)
        if isinstance(found, PeerError):
            raise found
        yield FakeSource(_one(found), sniffing.kind_of(found))


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
