"""What every storage does, be it a folder, a bucket or a fake."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from app.errors import PeerMissingError, PeerRefusedError
from app.ports import Storage
from app.store.objects import ObjectStorage
from tests.fakes.storage import PICTURE, FakeStorage

pytestmark = pytest.mark.anyio

KEY = "outputs/a/1-00000000-a.png"
LIMIT = timedelta(seconds=30)
LARGE = 12 * 2**20
"""More than two parts of an upload."""


@pytest.fixture(params=["fake", "folder", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A storage, empty."""
    if request.param == "fake":
        return FakeStorage()
    if request.param == "memory":
        return ObjectStorage(MemoryStore())
    return ObjectStorage.under(tmp_path / "media")


async def in_chunks(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    """Give bytes as a peer sends them."""
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def kept(storage: Storage, content: bytes, key: str = KEY) -> int:
    """Store a file."""
    return await storage.put(key, in_chunks(content), limit_bytes=2 * LARGE, limit=LIMIT)


async def read(storage: Storage, start: int, end: int) -> bytes:
    """Read a part of a file."""
    return b"".join([each async for each in storage.read(KEY, start, end)])


async def test_a_file_comes_back_as_it_was(storage: Storage) -> None:
    """What is stored is read again, whole and in parts, and is what its content shows."""
    content = PICTURE + bytes(range(256)) * (LARGE // 256)

    assert await kept(storage, content) == len(content)

    stored = await storage.head(KEY)
    assert stored is not None
    assert (stored.size, stored.content_type) == (len(content), "image/png")
    assert stored.etag
    assert await read(storage, 0, len(content)) == content
    assert await read(storage, 1_000_000, 4_000_001) == content[1_000_000:4_000_001]


async def test_a_file_takes_the_place_of_another(storage: Storage) -> None:
    """The same key again is the newer file; one of no bytes is a file, too."""
    await kept(storage, PICTURE)
    await kept(storage, b"")

    stored = await storage.head(KEY)
    assert stored is not None
    assert (stored.size, stored.content_type) == (0, None)
    assert await read(storage, 0, 0) == b""


async def test_a_file_that_breaks_off_is_not_seen(storage: Storage) -> None:
    """What its sender raises comes through, and what was there before stays as it was."""
    await kept(storage, PICTURE)

    async def broken() -> AsyncIterator[bytes]:
        async for each in in_chunks(bytes(LARGE)):
            yield each
        raise PeerMissingError("peer", "has gone")

    with pytest.raises(PeerMissingError):
        await storage.put(KEY, broken(), limit_bytes=2 * LARGE, limit=LIMIT)
    with pytest.raises(PeerMissingError):
        await storage.put("outputs/b", broken(), limit_bytes=2 * LARGE, limit=LIMIT)

    assert await read(storage, 0, len(PICTURE)) == PICTURE
    assert await storage.head("outputs/b") is None
    assert [each.key async for each in storage.listed("outputs/")] == [KEY]


async def test_a_file_over_the_limit_is_refused(storage: Storage) -> None:
    """Nothing is kept of a file that is larger than may be."""
    with pytest.raises(PeerRefusedError):
        await storage.put(KEY, in_chunks(bytes(LARGE)), limit_bytes=LARGE - 1, limit=LIMIT)

    assert await storage.head(KEY) is None


async def test_whoever_writes_may_be_cancelled(storage: Storage) -> None:
    """A writer that is stopped while it waits for its sender leaves nothing to be seen."""
    begun = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        async for each in in_chunks(bytes(LARGE)):
            yield each
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(storage.put(KEY, stuck(), limit_bytes=2 * LARGE, limit=LIMIT))
        await begun.wait()
        writing.cancel()

    assert await storage.head(KEY) is None


async def test_two_who_write_the_same_file_leave_one(storage: Storage) -> None:
    """Of two writes at once the file is what either of them wrote."""
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(kept(storage, PICTURE + bytes(LARGE)))

    stored = await storage.head(KEY)
    assert stored is not None
    assert stored.size == len(PICTURE) + LARGE


async def test_what_is_deleted_is_gone(storage: Storage) -> None:
    """A file that was deleted is not there; deleting what is not there is no fault."""
    await kept(storage, PICTURE)
    await storage.delete(KEY)
    await storage.delete(KEY)

    assert await storage.head(KEY) is None
    with pytest.raises(PeerMissingError):
        await read(storage, 0, 1)


async def test_files_are_listed_by_folder(storage: Storage) -> None:
    """Each file of a folder is named, with when it was written."""
    await kept(storage, PICTURE)
    await kept(storage, PICTURE, "uploads/a")

    (found,) = [each async for each in storage.listed("outputs/")]
    assert found.key == KEY
    assert found.at > datetime(2020, 1, 1, tzinfo=UTC)
