"""`python -m benchmarks NAME [--quick] [--json]`: measure on this machine, and print figures.

ingest   events taken in a second, beside endpoints that do less; then what `latency` measures
latency  from a run's final webhook to the request at Telegram
chains   from step to step, the checker's calls, 50 steps, a fan-out of 100
comfyui  runs at ComfyUI servers: ends known, 200 followed at once, 1,000 in line
live     a change at 1,000 readers, the page painted with 500 jobs, the size of the client
memory   resident after 100,000 and after 1,000,000 events
ledger   balance, history and `ledger check` over 1,000,000 entries
million  events taken in a second with 1,000,000 generations in the collection
orders   200 orders a second for 30 s, and 10,000 at once, until all are served
start    from `scripts/serve` until it answers, the first time and on the same data again
"""

import argparse
from collections.abc import Callable, Coroutine
from typing import Any, Final

import uvloop

from benchmarks import (
    chains,
    comfyui,
    ingest,
    latency,
    ledger,
    live,
    memory,
    million,
    orders,
    report,
    start,
)
from benchmarks.report import Figures

Measure = Callable[..., Coroutine[Any, Any, Figures]]


async def _ingest(*, quick: bool) -> Figures:
    figures = await ingest.measure(quick=quick)
    return {**figures, "latency": await latency.measure(quick=quick)}


NAMES: Final[dict[str, Measure]] = {
    "chains": chains.measure,
    "comfyui": comfyui.measure,
    "ingest": _ingest,
    "latency": latency.measure,
    "ledger": ledger.measure,
    "live": live.measure,
    "memory": memory.measure,
    "million": million.measure,
    "orders": orders.measure,
    "start": start.measure,
}


def main(arguments: list[str] | None = None) -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(
        "bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--quick", action="store_true", help="end within 50 s")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    given = parser.parse_args(arguments)
    figures = uvloop.run(NAMES[given.name](quick=given.quick))
    report.finish({"benchmark": given.name, "quick": given.quick, **figures}, as_json=given.json)


if __name__ == "__main__":
    main()
