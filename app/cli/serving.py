"""`runrelay serve`: what it prints is the first thing a newcomer reads."""

from typing import TYPE_CHECKING, Any, Final

import structlog
import uvloop

from app.cli.settling import refusing, settled
from app.main.serving import serve as serve_service
from app.observability import logs
from app.observability.terminal import Terminal
from app.settings import Settings

if TYPE_CHECKING:
    from app.bootstrap import Peers

_ORDER: Final = """\
{"engine":"comfydeploy","deployment_id":"c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",\
"inputs":{"prompt":"a lighthouse at dusk"},"metadata":{"telegramChatId":4711,\
"costRate":{"amount":"0.000337","unit":"second"}}}"""

LEFT: Final = "is left to others (RUN_BACKGROUND=off): start `runrelay worker`"
"""What is said where this process only answers."""
CALLED: Final = "is done in calls (CRON_KEY): have /api/cron/worker and /api/cron/checker called"
"""What is said where nothing runs between requests."""


def serve(host: str | None, port: int | None) -> None:
    """Serve until SIGINT or SIGTERM; what keeps it from starting is said at once."""
    given = {"HOST": host, "PORT": None if port is None else str(port)}
    with refusing():
        settings = settled({name: value for name, value in given.items() if value is not None})
        terminal = logs.configure(settings.log_level, settings.log_format)
        uvloop.run(serve_service(settings, terminal, announce))


def announce(settings: Settings, peers: "Peers", local: str, terminal: Terminal) -> None:
    """Say that the service listens, and what to know about it."""
    if settings.log_format == "json":
        # Whoever reads lines of JSON is no newcomer; and no key shall lie in a log.
        log: Any = structlog.get_logger()
        log.info("listening", address=local, warnings=list(settings.warnings))
        return
    text = _live(settings, peers, local) if settings.live else _welcome(settings, local)
    terminal.write(f"\n{text}{_warnings(settings)}\n")


def _welcome(settings: Settings, local: str) -> str:
    key = settings.own_key
    order = f"curl {local}/api/generations -H 'Authorization: Bearer {key}'"
    others = "" if settings.run_background else f"\n  Work      {_elsewhere(settings)}"
    return f"""\
  Runrelay listens on {local} (sandbox: ComfyDeploy, ComfyUI, Replicate and Telegram are stand-ins)

  API key   {key}
  API docs  {local}/docs
  Stop      Ctrl-C{others}

  Paste this into another terminal, and watch this one:

{order} -H 'Content-Type: application/json' -d '{_ORDER}'
"""


def _live(settings: Settings, peers: "Peers", local: str) -> str:
    on = {
        "ComfyDeploy": peers.comfydeploy_url,
        "ComfyUI": peers.comfyui_servers,
        "Replicate": peers.replicate_url,
    }
    engines = ", ".join(name for name, where in on.items() if where)
    database = "embedded, under " + str(settings.data_dir)
    rows = {
        "Engines": engines or "none",
        "Telegram": "on" if peers.telegram_url else "off",
        "MongoDB": database if settings.mongodb_uri is None else "yours (MONGODB_URI)",
        "Webhooks": peers.webhook_base,
        "API docs": f"{local}/docs",
    }
    if not settings.run_background:
        rows["Work"] = _elsewhere(settings)
    table = "".join(f"  {name:<10} {value}\n" for name, value in rows.items())
    return f"  Runrelay listens on {local} (live)\n\n{table}"


def _elsewhere(settings: Settings) -> str:
    """Say who does the work where this process does not by itself."""
    return CALLED if settings.by_calls else LEFT


def _warnings(settings: Settings) -> str:
    return "".join(f"\n  Warning: {warning}" for warning in settings.warnings) + (
        "\n" if settings.warnings else ""
    )
