"""Links to the files we keep, minted when they are shown."""

from collections.abc import Sequence

from app.clock import Clock
from processors.protocols import links
from schemas.run import Output


class Links:
    """Mints links to files: copies of outputs, and pictures that were given.

    Args:
        keys: Of the purpose "media", the signing one first.
        base: Where we are reached.
        clock: The time.
    """

    def __init__(self, keys: Sequence[bytes], base: str, clock: Clock) -> None:
        self._key = keys[0]
        self._base = base
        self._clock = clock

    def shown(self, output: Output) -> str | None:
        """Return a link under which a copy is shown in place, or None where there is no copy."""
        return self._link(output, "inline")

    def download(self, output: Output) -> str | None:
        """Return a link under which a copy is downloaded, or None where there is no copy."""
        return self._link(output, "attachment")

    def to(self, key: str) -> str:
        """Return a link under which a file is shown in place, where that is safe."""
        return self._minted(key, "inline")

    def _link(self, output: Output, disposition: links.Disposition) -> str | None:
        return None if output.key is None else self._minted(output.key, disposition)

    def _minted(self, key: str, disposition: links.Disposition) -> str:
        today = self._clock.now().date()
        return links.media_link(self._key, self._base, key, disposition, today)
