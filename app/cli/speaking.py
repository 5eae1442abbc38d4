"""What commands print: tables and sentences on stdout, never a secret."""

import re
import sys
from collections.abc import AsyncIterable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.settling import refuse
from app.observability.logs import scrub
from app.observability.terminal import printable
from schemas.debt import Debt

_PIPED: Final = 400
_AGE: Final = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def say(text: str, style: str = "") -> None:
    """Print one line, with a blank one before it where the text begins so."""
    if text.startswith("\n"):
        print()
    put(safe(text.removeprefix("\n"), style))


def put(text: Text) -> None:
    """Print one line that has styles of its own."""
    console().print(text, soft_wrap=True)


def show(headings: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print a table."""
    table = Table(
        *headings, box=None, pad_edge=False, header_style="bold", show_header=any(headings)
    )
    for row in rows:
        table.add_row(*(safe(each) if isinstance(each, str) else each for each in row))
    console().print(table)


async def stream(
    headings: Sequence[str], rows: AsyncIterable[Sequence[str | Text]], most: int = 500
) -> int:
    """Print a table of any length, some rows at a time; return how many there were."""
    count, waiting = 0, list[Sequence[str | Text]]()
    async for row in rows:
        waiting.append(row)
        if len(waiting) == most:
            show(headings if not count else [""] * len(headings), waiting)
            count += len(waiting)
            waiting.clear()
    if waiting:
        show(headings if not count else [""] * len(headings), waiting)
    return count + len(waiting)


def safe(text: str, style: str = "") -> Text:
    """Return a text for the terminal: no markup, no control characters, no secrets."""
    return Text(printable(scrub(text)), style=style, overflow="fold")


def moment(given: str, now: datetime) -> datetime:
    """Return the time that somebody means by an age (``2h``) or a time.

    A time without a zone is UTC.
    """
    if age := _AGE.fullmatch(given):
        return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        refuse([f"--since: {given} is neither an age such as 2h nor a time such as 2026-01-31"])
    return at.replace(tzinfo=now.tzinfo) if at.tzinfo is None else at


def clock(at: datetime) -> str:
    """Write a time for people, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


def state(debt: Debt) -> str:
    """Say how a debt stands."""
    if debt.dead_at is not None:
        return "dead"
    return f"claimed by {debt.by}" if debt.by else "waits"


def span(age: timedelta) -> str:
    """Write an age for people: ``42 s``, ``7 min``, ``3 h``, ``2 d``."""
    seconds = int(age.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def console_of_errors() -> Console:
    """Return the console for what comes and goes, beside the results on stdout."""
    return Console(stderr=True, highlight=False)


def console() -> Console:
    """Return the console for results; what is piped on is not folded: each row stays a line."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED)
