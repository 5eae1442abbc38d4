"""Nobody to wake, and nobody who wakes us: every process sweeps by itself."""

import asyncio
from collections.abc import Callable
from typing import NoReturn


class Alone:
    """An `app.ports.Waker` where there is no way to the other processes."""

    def wake(self) -> None:
        """See app.ports.Waker."""

    def heed(self, look: Callable[[], None]) -> None:
        """See app.ports.Waker."""

    async def run(self) -> NoReturn:
        """Last as long as the others of its kind do."""
        await asyncio.get_running_loop().create_future()
        raise AssertionError  # pragma: no cover - it waits for ever
