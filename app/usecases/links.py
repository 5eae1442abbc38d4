"""Links to the files we keep, minted when they are shown."""

from collections.abc import Sequence

from app.clock import Clock
from processors.protocols import links
from schemas.run import Output


class Links:
    """Mints links to copies of outputs.

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

    def _link(self, output: Output, disposition: links.Disposition) -> str | None:
        if output.key is None:
            return None
        today = self._clock.now().date()
        return links.media_link(self._key, self._base, output.key, disposition, today)
