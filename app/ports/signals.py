"""Words to whoever should know."""

from collections.abc import (
    Callable,
)
from typing import Protocol


class Alerts(Protocol):
    """Trouble worth waking somebody for."""

    def alert(self, slug: str, message: str) -> None:
        """Log it, count it, and tell the administrator's chat, at most once in a while."""
        ...


class Waker(Protocol):
    """Wakes the other processes. A wake-up may be lost: who is not woken looks a little later."""

    def wake(self) -> None:
        """Have the other processes look at once whether there is something to do.

        It neither waits nor fails, and many in a moment are one.
        """
        ...

    def heed(self, look: Callable[[], None]) -> None:
        """Call `look` whenever another process wakes this one.

        To be said before the waker runs; `look` returns at once and raises nothing.
        """
        ...
