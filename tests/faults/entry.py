"""`python -m tests.faults.entry`: `runrelay serve`, its limits given by `TIMING` as JSON."""

import os

import uvloop

from app.cli.settling import refusing, settled
from app.main.serving import serve
from app.observability import logs
from app.observability.terminal import Terminal
from app.settings import Settings
from schemas.timing import Timing


def main() -> None:
    """Serve until a signal; exit with 2 and the reasons where that cannot be."""
    timing = Timing.model_validate_json(os.environ["TIMING"], strict=False)
    with refusing():
        settings = settled()
        terminal = logs.configure(settings.log_level, settings.log_format)
        uvloop.run(serve(settings, terminal, _announce, timing))


def _announce(_: Settings, __: object, local: str, terminal: Terminal) -> None:
    terminal.write(f"listening on {local}\n")


if __name__ == "__main__":
    main()
