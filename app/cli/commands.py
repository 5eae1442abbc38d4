"""The commands; each is thin, and what it does is elsewhere."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import uvloop

from app.bootstrap import Peers
from app.errors import SetupError
from app.main.serving import serve as serve_service
from app.observability import logs
from app.observability.terminal import Terminal
from app.settings import Settings, SettingsError, load, sandbox_secrets
from app.store.embedded.errors import EmbeddedMongoError

app = typer.Typer(
    name="runrelay",
    help="Runs image and video generations on other people's engines and never loses one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Settings come from the environment and from `.env`; see docs/configuration.md."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; overrides HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks one. Overrides PORT.")] = None,
) -> None:
    """Start the service: sandbox mode, with stand-ins for all peers, unless MODE=live."""
    given = {"HOST": host, "PORT": None if port is None else str(port)}
    settings = _settings({name: value for name, value in given.items() if value is not None})
    terminal = logs.configure(settings.log_level, settings.log_format)
    for secret in settings.secret_values():
        logs.keep_secret(secret)
    try:
        uvloop.run(serve_service(settings, terminal, _announce))
    except* (SetupError, EmbeddedMongoError) as errors:
        _refuse([str(each) for each in errors.exceptions])


def _settings(overrides: dict[str, str]) -> Settings:
    try:
        settings = load({**os.environ, **overrides}, Path(".env"))
    except SettingsError as error:
        _refuse(list(error.problems))
    return settings if settings.live else settings.with_secrets(sandbox_secrets(settings.data_dir))


def _announce(settings: Settings, peers: Peers, terminal: Terminal) -> None:
    key = settings.internal_api_key[0].get_secret_value()
    terminal.write(f"listening on {peers.webhook_base}  key {key}\n")


def _refuse(problems: list[str]) -> NoReturn:
    for problem in problems:
        print(problem, file=sys.stderr)
    raise SystemExit(2)
