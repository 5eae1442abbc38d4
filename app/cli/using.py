"""`runrelay usage`: what the nodes of runs took, added up."""

from datetime import timedelta
from typing import Final

from rich.text import Text

from app.cli import opening, speaking
from app.cli.settling import refuse, refusing
from app.clock import Clock
from schemas.usage import UsesBy
from schemas.wire.usage import Usage, UsageLine

_BAR: Final = 20
"""Cells of a bar that is the whole."""
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
"""What fills a cell by so many eighths (Unicode, Block Elements)."""


async def usage(since: str, by: UsesBy, *, as_json: bool) -> None:
    """Print what was executed since a time, for people or as one line of JSON."""
    clock = Clock()
    with refusing():
        async with opening.opened(opening.quietly_settled(), clock) as store:
            now = clock.now()
            begin = speaking.moment(since, now)
            if begin > now:
                refuse([f"--since: {since} is yet to come"])
            told = Usage.of(by, begin, now, await store.uses.report(begin, now, by))
    if as_json:
        speaking.say(told.model_dump_json(by_alias=True))
    elif not told.items:
        speaking.say(f"no node was executed since {speaking.clock(begin)} UTC")
    else:
        headings = (by, "share of time", "", "time", "nodes", "cached", "each", "longest")
        speaking.show(headings, map(_row, told.items))


def _row(line: UsageLine) -> tuple[str | Text, ...]:
    mean = line.mean_milliseconds
    return (
        line.name,
        Text(_bar(line.share), style="cyan"),
        f"{line.share:.1%}",
        _time(line.milliseconds),
        str(line.count),
        str(line.cached),
        "" if mean is None else _time(mean),
        _time(line.longest_milliseconds),
    )


def _bar(share: float) -> str:
    """Draw a share; what is more than nothing is seen."""
    eighths = round(share * _BAR * 8) or (1 if share else 0)
    whole, rest = divmod(eighths, 8)
    return f"{'█' * whole}{_EIGHTHS[rest]}".strip().ljust(_BAR)


def _time(milliseconds: int) -> str:
    """Write a time for people: ``345 ms``, ``12.5 s``, ``7 min``."""
    took = timedelta(milliseconds=milliseconds)
    if took < timedelta(seconds=1):
        return f"{milliseconds} ms"
    return f"{milliseconds / 1000:.1f} s" if took < timedelta(minutes=2) else speaking.span(took)
