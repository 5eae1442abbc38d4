"""app.usecases.take_image: pictures come in plain, a few at once, and are kept under one name."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future
from datetime import timedelta
from typing import Any

import pytest

from app.errors import DiskFullError, OverloadedError, PeerDownError
from app.usecases.take_image import AT_ONCE, WAITS, TakeImage
from processors.errors import ImageFault, ImageRefusedError
from processors.images import keys
from processors.images.preparing import LIMITS
from schemas.base import UserId
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Turnstile
from tests.fakes.storage import FakeStorage
from tests.pictures import a_picture, an_exif, opened

pytestmark = pytest.mark.anyio

ADA = UserId("a" * 32)


class AtOnce(Executor):
    """Does everything at once, in no thread: a loop of virtual time waits for none."""

    def submit(
        self,
        fn: Callable[..., Any],
        /,
        *args: Any,  # noqa: ANN401 - as in the base class
        **kwargs: Any,  # noqa: ANN401 - as in the base class
    ) -> Future[Any]:
        """Do it, and return what came of it."""
        done = Future[Any]()
        try:
            done.set_result(fn(*args, **kwargs))
        except ImageRefusedError as error:
            done.set_exception(error)
        return done


class Desk:
    """What takes pictures, and where they are kept."""

    def __init__(self, *, disk_full: bool = False) -> None:
        self.clock = FakeClock()
        self.storage = FakeStorage()
        self.take = TakeImage(
            self.storage,
            self.clock,
            threads=AtOnce(),
            disk_full=lambda: disk_full,
            limits=LIMITS.change(size=100_000),
        )


async def pieces(content: bytes, size: int = 100) -> AsyncIterator[bytes]:
    """Yield a file piece by piece."""
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def test_a_picture_is_kept_plain() -> None:
    """Turned, without a word of where it was taken, under a name of our own."""
    desk = Desk()
    image = await desk.take(pieces(a_picture("JPEG", exif=an_exif(6))), owner=ADA)
    kept = desk.storage.files[image.key]

    assert keys.is_key(image.key)
    assert image.key.endswith(".jpg")
    assert image.key.startswith(keys.owned(ADA))
    assert image.value == f"media:{image.key}"
    assert (image.content_type, image.width, image.height) == ("image/jpeg", 48, 64)
    assert (image.size, opened(kept).size) == (len(kept), (48, 64))
    assert b"A telephone" not in kept


async def test_the_same_picture_of_one_day_is_kept_once() -> None:
    """Another person's, and another day's, is another."""
    desk = Desk()
    content = a_picture()
    first = await desk.take(content, owner=ADA)

    assert await desk.take(pieces(content), owner=ADA) == first
    assert (await desk.take(content, owner=None)).key != first.key
    desk.clock.move(timedelta(days=1))
    assert (await desk.take(content, owner=ADA)).key != first.key
    assert len(desk.storage.files) == 3


async def test_what_is_no_picture_leaves_nothing() -> None:
    """It is refused, and its place is free again."""
    desk = Desk()
    for _ in range(AT_ONCE + 1):
        with pytest.raises(ImageRefusedError):
            await desk.take(b"only text, named .png", owner=ADA)

    assert desk.storage.files == {}


async def test_no_more_is_read_than_a_picture_may_have() -> None:
    """However much is sent."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1000
            yield bytes(1000)

    with pytest.raises(ImageRefusedError) as caught:
        await Desk().take(endless(), owner=None)

    assert (caught.value.fault, caught.value.bounds) == (
        ImageFault.TOO_LARGE,
        {"maxBytes": 100_000},
    )
    assert read == 101_000


async def test_only_a_few_are_taken_at_once() -> None:
    """Who comes then waits a while; one that is done makes room."""
    desk = Desk()
    go = asyncio.Event()

    async def slow() -> None:
        await go.wait()

    async with asyncio.TaskGroup() as tasks:
        desk.storage.gate = slow
        held = [tasks.create_task(desk.take(a_picture(), owner=None)) for _ in range(AT_ONCE)]
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        with pytest.raises(OverloadedError):
            await desk.take(a_picture(), owner=ADA)
        waited = asyncio.get_running_loop().time() - began
        go.set()

    assert waited >= WAITS.total_seconds()
    assert len({each.result().key for each in held}) == 1
    assert await desk.take(a_picture(), owner=ADA)


async def test_whoever_sends_slowly_is_in_nobodys_way() -> None:
    """A place is taken once the whole picture is there."""
    desk = Desk()
    go = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        await go.wait()
        yield a_picture()

    async with asyncio.TaskGroup() as tasks:
        held = [tasks.create_task(desk.take(slow(), owner=None)) for _ in range(AT_ONCE)]
        await asyncio.sleep(1)
        assert await desk.take(a_picture(), owner=ADA)
        go.set()

    assert len({each.result().key for each in held}) == 1


async def test_a_full_disk_takes_nothing() -> None:
    """It is not even read."""
    with pytest.raises(DiskFullError):
        await Desk(disk_full=True).take(a_picture(), owner=ADA)


async def test_a_storage_that_is_away_is_told() -> None:
    """The picture was not kept."""
    desk = Desk()
    desk.storage.gate = Turnstile([PeerDownError("storage", "away")])
    with pytest.raises(PeerDownError):
        await desk.take(a_picture(), owner=ADA)
