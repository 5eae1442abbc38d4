"""How figures are printed: tables for people, one JSON object for machines."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import orjson

Figures = dict[str, Any]
"""What a benchmark found, as JSON values: hence Any."""

_WIDTH: Final = 34


def machine() -> Figures:
    """Return what the figures were taken on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def middle(values: Sequence[float]) -> float:
    """Return the median, to two places."""
    return round(median(values), 2) if values else 0.0


def spread(values: Sequence[float], *, places: int = 1) -> Figures:
    """Return the median, the 99th of a hundred and the most, rounded; empty for none."""
    ranked = sorted(values)
    if not ranked:
        return {}
    at = {"p50": len(ranked) // 2, "p99": len(ranked) * 99 // 100, "most": len(ranked) - 1}
    return {name: round(ranked[place], places) for name, place in at.items()}


def show(title: str, figures: Mapping[str, Any]) -> None:
    """Print figures line by line."""
    print(f"\n{title}")
    for name, value in figures.items():
        print(f"  {name.replace('_', ' '):<{_WIDTH}} {value}")


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; the first column is text."""
    print(f"\n{title}")
    print("  " + f"{heads[0]:<{_WIDTH}}" + "".join(f"{head:>12}" for head in heads[1:]))
    for row in rows:
        print("  " + f"{row[0]!s:<{_WIDTH}}" + "".join(f"{each!s:>12}" for each in row[1:]))


def markdown(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table as the pages have it."""
    rule = f"|{'---|' * len(heads)}"
    first, *rest = (f"| {' | '.join(map(str, line))} |" for line in (heads, *rows))
    return "\n".join((first, rule, *rest))


def finish(figures: Figures, *, as_json: bool) -> None:
    """Print the JSON object where it is wanted, as the last line."""
    if as_json:
        print(orjson.dumps(figures, option=orjson.OPT_NON_STR_KEYS).decode(), flush=True)
