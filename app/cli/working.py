"""`runrelay worker`: what it says when it works."""

from typing import Any

import structlog
import uvloop

from app.bootstrap import Peers
from app.cli.settling import refusing, settled
from app.main.working import work
from app.observability import logs
from app.observability.terminal import Terminal
from app.settings import Settings
from schemas.base import InstanceName


def worker() -> None:
    """Work until SIGINT or SIGTERM; what keeps it from starting is said at once."""
    with refusing():
        settings = settled()
        terminal = logs.configure(settings.log_level, settings.log_format)
        uvloop.run(work(settings, terminal, announce))


def announce(settings: Settings, peers: Peers, name: InstanceName, terminal: Terminal) -> None:
    """Say that the worker works, and on what."""
    if settings.log_format == "json":
        log: Any = structlog.get_logger()
        log.info("working", name=name, warnings=list(settings.warnings))
        return
    embedded = f"that of the service on {settings.data_dir}"
    rows = {
        "MongoDB": embedded if settings.mongodb_uri is None else "yours (MONGODB_URI)",
        "Redis": "off: it looks each second" if settings.redis_url is None else "wakes it",
        "Webhooks": peers.webhook_base,
        "Stop": "Ctrl-C: what is under way is finished, the rest is given back",
    }
    table = "".join(f"  {row:<10} {value}\n" for row, value in rows.items())
    terminal.write(f"\n  Runrelay works as {name} ({settings.mode})\n\n{table}\n")
