"""Counting requests against Replicate's limits."""

import math
from collections import deque


class Rate:
    """How many requests of a kind came lately."""

    def __init__(self) -> None:
        self._came = deque[float]()

    def over(self, now: float, most: int, seconds: float) -> int | None:
        """Count one request, unless it is one too many: then say when the limit resets.

        Args:
            now: When it came, in seconds of any clock that only goes forward.
            most: How many are taken within `seconds`.
            seconds: The span in which they are counted.

        Returns:
            Nothing if the request is taken, else the seconds until the next one is.
        """
        while self._came and self._came[0] <= now - seconds:
            self._came.popleft()
        if len(self._came) < most:
            self._came.append(now)
            return None
        first = self._came[0] if self._came else now
        return math.ceil(first + seconds - now)

    def forget(self) -> None:
        """Count from zero."""
        self._came.clear()
