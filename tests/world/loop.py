"""An event loop whose time is virtual: where nothing is ready it jumps to what comes next."""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any, Final

TICK: Final = 1e-6
"""Seconds added to each jump, so that rounding never leaves a timer just short of its time."""


class StuckError(RuntimeError):
    """Everybody waits, and nothing will ever happen."""


class _Jumping(selectors.BaseSelector):
    """A selector for a world without I/O: waiting moves the time instead."""

    def __init__(self) -> None:
        self.time = 0.0
        self._files: dict[Any, selectors.SelectorKey] = {}

    def register(
        self,
        fileobj: Any,  # noqa: ANN401 - as in the base class
        events: int,
        data: Any = None,  # noqa: ANN401 - as in the base class
    ) -> selectors.SelectorKey:
        """Take note of a file; nothing ever happens to it."""
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._files[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401 - as in the base class
        """Forget a file."""
        return self._files.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let `timeout` seconds pass at once."""
        if timeout is None:
            raise StuckError
        if timeout > 0:
            self.time += timeout + TICK
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return the files."""
        return self._files


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._jumping.time
