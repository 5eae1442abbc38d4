"""Trouble of this machine that somebody should know of: its disk, and the database on it."""

import asyncio
from collections.abc import Callable
from typing import NoReturn

import structlog

from app.ports import Alerts
from app.store.embedded.mongod import Death


class DiskWatch:
    """Alerts once each time that the disk becomes nearly full."""

    def __init__(self, full: Callable[[], bool], alerts: Alerts) -> None:
        """Watch the disk by `full`, which may raise an OSError."""
        self._full = full
        self._alerts = alerts
        self._was_full = False
        self._log = structlog.get_logger()

    async def look(self) -> None:
        """Look at the disk once; one that cannot be looked at is as it was."""
        try:
            full = self._full()
        except OSError as error:
            self._log.warning("the disk could not be looked at", error=str(error))
            return
        if full and not self._was_full:
            self._alerts.alert(
                "disk_full", "the disk of DATA_DIR is nearly full; nothing new is taken on"
            )
        self._was_full = full


async def tell_deaths(deaths: asyncio.Queue[Death], alerts: Alerts) -> NoReturn:
    """Alert at each death of the embedded mongod, for ever; its log's lines stay in the log."""
    while True:
        death = await deaths.get()
        why = death.why.partition("\n")[0].partition(";")[0]
        alerts.alert("mongod_died", f"the embedded database is started again: {why}")
