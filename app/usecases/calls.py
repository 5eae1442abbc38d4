"""The calls that work is done in, on a host where nothing runs between requests."""

import asyncio


class Calls:
    """How many of them are open now."""

    def __init__(self) -> None:
        self._open = 0
        self._begun = asyncio.Event()
        self._over = asyncio.Event()
        self._over.set()

    @property
    def any(self) -> bool:
        """Whether any is open."""
        return self._open > 0

    def begin(self) -> None:
        """Count one more."""
        self._open += 1
        self._over.clear()
        self._begun.set()

    def end(self) -> None:
        """Count one less."""
        self._open -= 1
        if not self._open:
            self._begun.clear()
            self._over.set()

    async def begun(self) -> None:
        """Return once one is open."""
        await self._begun.wait()

    async def over(self) -> None:
        """Return once none is open."""
        await self._over.wait()
