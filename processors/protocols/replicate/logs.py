"""What a prediction's logs say of how far it is: there is no other word of it.

Models print bars in the manner of tqdm, `` 43%|####      | 12/28 [00:02<00:03, 5.2it/s]``, each
in place of the one before.
"""

import re
from typing import Final, NamedTuple

from processors.protocols import words

LINE_KEPT: Final = 200
"""Characters of a line that is shown."""
_LOOKED_AT: Final = 20_000
"""Characters of the logs that are looked at, the last ones."""
_MOST: Final = 0.99
"""A full bar need not be the last one: weights are loaded under one of their own."""
_PERCENT: Final = re.compile(r"(?<![0-9.])([0-9]{1,3})%\|")
_BAR_AT_MOST: Final = 1_000
"""Characters of a line that a bar is looked for in."""
_BAR: Final = re.compile(r":?[ ]{0,4}[0-9]{1,3}%\|[^|]*\|[ ]*(?P<count>[0-9]+/[0-9]+)?.*")


class Seen(NamedTuple):
    """What logs say."""

    progress: float
    """0.0 where they say nothing."""
    line: str | None
    """The last one that says something; of a bar, what it counts and how far."""


def seen(logs: object) -> Seen:
    """Read logs, which may be anything."""
    end = logs[-_LOOKED_AT:] if isinstance(logs, str) else ""
    shares = [int(each) for each in _PERCENT.findall(end)]
    progress = min(shares[-1] / 100, _MOST) if shares and shares[-1] <= 100 else 0.0  # noqa: PLR2004 - a percentage
    told = (_shown(each) for each in reversed(end.splitlines()))
    return Seen(progress, next((each for each in told if each), None))


def _shown(line: str) -> str:
    bar = _BAR.search(line[:_BAR_AT_MOST])
    if bar is None:
        return words.line(line, LINE_KEPT)
    return words.line(f"{line[: bar.start()]} {bar['count'] or ''}", LINE_KEPT)
