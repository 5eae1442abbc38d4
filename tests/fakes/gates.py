"""Gates: what a call passes before it takes effect, and again before its answer arrives.

A gate that raises before makes a call that was never done, one that raises after makes a call
that was done and whose answer was lost; one that waits makes a slow peer or a stalled process.
"""

from collections.abc import Awaitable, Callable, Iterable

Gate = Callable[[], Awaitable[None]]


async def ajar() -> None:
    """Let everybody through."""


class Turnstile:
    """A gate that lets through or fails as it is told.

    Attributes:
        down: Raised by every passing while it is set.
        passed: How often it was passed.
    """

    def __init__(self, faults: Iterable[Exception | None] = ()) -> None:
        """Set up with the outcomes of the first passings; None lets one through."""
        self._faults = list(faults)
        self.down: Exception | None = None
        self.passed = 0

    def script(self, *faults: Exception | None) -> None:
        """Set the outcomes of the next passings."""
        self._faults = list(faults)

    async def __call__(self) -> None:
        """Pass, or fail."""
        self.passed += 1
        fault = self._faults.pop(0) if self._faults else self.down
        if fault is not None:
            raise fault
