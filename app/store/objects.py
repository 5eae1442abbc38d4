"""Files in storage: a folder on this machine, or a bucket of S3, Google Cloud or Azure.

Beside the database, since both hold what we keep, and nothing above may know how.
A file is written through a multipart upload of a few megabytes at a time, whose completion is
what makes it visible; one that breaks off leaves nothing to be seen. It is read window by
window, each a request of its own: a client that reads slowly holds no connection to the storage.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, cast

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from app.errors import PeerDownError, PeerMissingError, PeerRefusedError
from app.ports import Stored, StoredKey
from processors.protocols import sniffing

PEER: Final = "storage"
PART_BYTES: Final = 5 * 2**20
"""Held in memory for each file under way, and again while it is sent: S3 takes no smaller part."""
WINDOW_BYTES: Final = 2**20
"""Read at once."""
CALL_LIMIT: Final = timedelta(seconds=30)
"""Longest wait for one answer of the storage."""
RETRIED: Final = timedelta(seconds=10)
"""How long a call that failed is repeated."""
SAID_KEPT: Final = 200
"""Characters of what the storage says of a fault."""

_ADDRESS: Final = re.compile(r"[a-z]+://\S+")


class ObjectStorage:
    """See app.ports.Storage."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def at(cls, url: str) -> "ObjectStorage":
        """Open the storage at a URL; nothing is asked of it yet.

        Access to a bucket is taken from the environment, by the names that its maker's own
        tools use: ``AWS_ACCESS_KEY_ID``, ``GOOGLE_APPLICATION_CREDENTIALS``, ...

        Args:
            url: ``s3://bucket/prefix``, ``gs://...``, ``az://...``, or ``file:///folder``.

        Raises:
            PeerDownError: It cannot be opened.
        """
        if url.startswith("file:"):
            return cls.under(Path(url.removeprefix("file://")))
        with _answered():
            return cls(
                from_url(
                    url,
                    client_options={"timeout": CALL_LIMIT, "connect_timeout": RETRIED},
                    retry_config={"max_retries": 3, "retry_timeout": RETRIED},
                )
            )

    @classmethod
    def under(cls, folder: Path) -> "ObjectStorage":
        """Open a folder as storage; it is made if there is none.

        Raises:
            PeerDownError: It cannot be made.
        """
        with _answered():
            return cls(LocalStore(folder.absolute(), mkdir=True, automatic_cleanup=True))

    async def put(
        self, key: str, chunks: AsyncIterable[bytes], *, limit_bytes: int, limit: timedelta
    ) -> int:
        """See app.ports.Storage."""
        try:
            async with asyncio.timeout(limit.total_seconds()):
                with _answered():
                    return await self._put(key, chunks, limit_bytes)
        except TimeoutError as error:
            raise PeerDownError(PEER, "took too long to write a file") from error

    async def head(self, key: str) -> Stored | None:
        """See app.ports.Storage."""
        with _answered():
            try:
                meta = await obstore.head_async(self._store, key)
                begins = await self._part(key, 0, min(meta["size"], sniffing.HEAD_BYTES))
            except FileNotFoundError:
                return None
        sniffed = sniffing.kind_of(begins)
        return Stored(meta["size"], sniffed.content_type if sniffed else None, meta["e_tag"])

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """See app.ports.Storage."""
        for at in range(start, end, WINDOW_BYTES):
            with _answered():
                try:
                    part = await self._part(key, at, min(at + WINDOW_BYTES, end))
                except FileNotFoundError as error:
                    raise PeerMissingError(PEER, "has no such file") from error
            yield part

    async def delete(self, key: str) -> None:
        """See app.ports.Storage."""
        with _answered():
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                return

    async def listed(self, prefix: str) -> AsyncIterator[StoredKey]:
        """See app.ports.Storage."""
        with _answered():
            pages = obstore.list(self._store, prefix=prefix)  # pyright: ignore[reportUnknownMemberType] - its overloads for Arrow
            async for page in pages:
                for each in page:
                    yield StoredKey(each["path"], each["last_modified"])

    async def _put(self, key: str, chunks: AsyncIterable[bytes], limit_bytes: int) -> int:
        size = 0
        # Left by an error or a cancel, the writer aborts the upload: nothing is seen of it.
        async with obstore.open_writer_async(
            self._store, key, buffer_size=PART_BYTES, max_concurrency=1
        ) as writer:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit_bytes:
                    raise PeerRefusedError(PEER, f"takes at most {limit_bytes} bytes")
                await writer.write(chunk)
        if isinstance(self._store, LocalStore):
            root = cast("Path", self._store.prefix)
            await asyncio.to_thread(_settle, root, root / key)
        return size

    async def _part(self, key: str, start: int, end: int) -> bytes:
        if start == end:
            return b""
        return bytes(await obstore.get_range_async(self._store, key, start=start, end=end))


@contextmanager
def _answered() -> Generator[None]:
    """Turn what the storage raises into our error."""
    try:
        yield
    except (BaseError, OSError, ValueError, NotImplementedError) as error:
        said = _ADDRESS.sub("(address)", str(error).partition("\n")[0])[:SAID_KEPT]
        raise PeerDownError(PEER, f"{type(error).__name__}: {said}") from error


def _settle(root: Path, written: Path) -> None:
    """Have a file, and the folders that name it, on the disk before anybody relies on it."""
    for each in (written, *written.parents):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if each == root:
            return
