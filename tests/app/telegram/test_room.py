"""Memory for uploads."""

import asyncio
from datetime import timedelta

import pytest

from app.errors import PeerBusyError
from app.telegram.room import Room

pytestmark = pytest.mark.anyio


async def test_room_is_given_out_while_there_is_some() -> None:
    """Whoever finds none in time is sent away with a wait, and what is given back is free."""
    room = Room(10, timedelta(milliseconds=10))
    async with room.share(6):
        async with room.share(4):
            with pytest.raises(PeerBusyError) as caught:
                async with room.share(1):
                    raise AssertionError
        async with room.share(4):
            pass
    async with room.share(10):
        pass

    assert caught.value.retry_after == timedelta(milliseconds=10)


async def test_what_is_not_needed_is_free_at_once() -> None:
    """A share that keeps less than it asked for makes room for others, once."""
    room = Room(10, timedelta(milliseconds=10))
    async with room.share(10) as share:
        share.keep(3)
        share.keep(5)
        async with room.share(7):
            pass
        with pytest.raises(PeerBusyError):
            async with room.share(8):
                raise AssertionError
    async with room.share(10):
        pass


async def test_small_wishes_do_not_overtake_a_large_one() -> None:
    """Room goes to those who wait in the order they came."""
    room, order = Room(10, timedelta(seconds=20)), list[int]()

    async def wants(size: int) -> None:
        async with room.share(size):
            order.append(size)

    async with asyncio.TaskGroup() as group, room.share(5):
        waiting = [group.create_task(wants(size)) for size in (8, 1, 2)]
        # Each has come as far as it can.
        for _ in range(5):
            await asyncio.sleep(0)
        assert not any(each.done() for each in waiting)
    assert order == [8, 1, 2]
