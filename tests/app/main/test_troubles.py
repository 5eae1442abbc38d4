"""Trouble of this machine, told once."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.main.troubles import DiskWatch, tell_deaths
from app.store.embedded.mongod import Death
from tests.app.telegram.conditions import until
from tests.fakes.alerts import FakeAlerts

pytestmark = pytest.mark.anyio


async def test_a_disk_is_told_of_once_each_time_it_fills_up() -> None:
    """Not while it stays so, nor when it cannot be looked at for a moment."""
    alerts, looks = FakeAlerts(), iter((False, True, True, None, True, False, True))
    watch = DiskWatch(lambda: _seen(looks), alerts)
    told = list[int]()
    for _ in range(7):
        await watch.look()
        told.append(len(alerts.raised))

    assert told == [0, 1, 1, 1, 1, 1, 2]
    assert set(alerts.raised) == {"disk_full"}


async def test_each_death_of_the_embedded_database_is_told_in_one_line() -> None:
    """Those from before anybody listened as well; the log's own lines are left to the log."""
    alerts, deaths = FakeAlerts(), asyncio.Queue[Death]()
    for why in ("mongod was ended by SIGKILL; its log ends:\nmongodb://", "not writable"):
        deaths.put_nowait(Death(why=why, deaths=1, again_in=timedelta()))
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(tell_deaths(deaths, alerts))
        await until(lambda: len(alerts.raised) == 2)
        telling.cancel()

    assert alerts.raised == ["mongod_died"] * 2
    assert alerts.messages == [
        "the embedded database is started again: mongod was ended by SIGKILL",
        "the embedded database is started again: not writable",
    ]


def _seen(looks: Iterator[bool | None]) -> bool:
    look = next(looks)
    if look is None:
        raise OSError("gone")
    return look
