"""`python -m tests.faults.entry`: `runrelay serve`, its limits given by `TIMING` as JSON.

With `worker` as its argument it is `runrelay worker`.
"""

import os
import sys

import uvloop

from app.cli.settling import refusing, settled
from app.main.serving import serve
from app.main.working import work
from app.observability import logs
from app.observability.terminal import Terminal
from app.settings import Settings
from schemas.base import InstanceName
from schemas.timing import Timing


def main() -> None:
    """Serve, or work, until a signal; exit with 2 and the reasons where that cannot be."""
    timing = Timing.model_validate_json(os.environ["TIMING"], strict=False)
    with refusing():
        settings = settled()
        terminal = logs.configure(settings.log_level, settings.log_format)
        if sys.argv[1] == "worker":
            uvloop.run(work(settings, terminal, _works, timing))
        else:
            uvloop.run(serve(settings, terminal, _listens, timing))


def _listens(_: Settings, __: object, local: str, terminal: Terminal) -> None:
    terminal.write(f"listening on {local}\n")


def _works(_: Settings, __: object, name: InstanceName, terminal: Terminal) -> None:
    terminal.write(f"working as {name}\n")


if __name__ == "__main__":
    main()
