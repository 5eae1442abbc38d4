"""Whether we serve."""

import shutil
from pathlib import Path
from typing import Final

from app.bootstrap.store import Store
from app.errors import StoreDownError

LEAST_DISK: Final = 0.05
"""Share of the disk below which nothing new is taken on."""


class Readiness:
    """Whether orders and webhooks are served: the database, the disk, and our own state.

    Attributes:
        closing: Set while the service shuts down.
    """

    def __init__(self, store: Store, data_dir: Path) -> None:
        self._store = store
        self._data_dir = data_dir
        self.closing = False

    async def problems(self) -> tuple[str, ...]:
        """Return what keeps us from being ready, each in one sentence."""
        said = ["the service is shutting down"] if self.closing else []
        if self.disk_full():
            said.append("the disk is nearly full")
        try:
            said += await self._store.connection.problems()
        except StoreDownError as error:
            said.append(str(error))
        return tuple(said)

    def disk_full(self) -> bool:
        """Return whether less than a twentieth of the disk is left."""
        usage = shutil.disk_usage(self._data_dir)
        return usage.free < LEAST_DISK * usage.total
