"""Commands, and a service as a process of its own, on a data folder of the test's."""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
from typer.testing import CliRunner

from app.cli.commands import app
from app.settings import NAMES, load, sandbox_secrets

_ROOT = Path(__file__).parents[3]
_PATIENCE = 60.0
_LOOK = 0.05


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Service:
    """A service that listens.

    Attributes:
        data_dir: Its data folder.
        said: What it has printed until it listened.
        process: The process; its further words are in `log`.
        log: The file that its words go to.
    """

    data_dir: Path
    said: str
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        found = re.search(r"listens on (http://\S+)", self.said)
        assert found is not None
        return found[1]

    def stop(self) -> int:
        """End it as Ctrl-C does; return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(_PATIENCE)


def run(*arguments: str, data_dir: Path, typed: str = "", **settings: str) -> Answer:
    """Run a command to its end, in this process: starting one each time would take minutes.

    Args:
        arguments: What stands after `runrelay`.
        data_dir: Its data folder.
        typed: What somebody types meanwhile.
        settings: Its other settings.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(data_dir):  # no `.env` of ours is read
        done = CliRunner().invoke(app, list(arguments), input=typed, env=_own(data_dir, settings))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Answer(done.exit_code, done.stdout, done.stderr)


def answering(service: Service) -> httpx.Client:
    """Return a client of a service's API, with its key."""
    settings = load({"DATA_DIR": str(service.data_dir)}, Path("none"))
    key = settings.with_secrets(sandbox_secrets(service.data_dir)).internal_api_key[0]
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"}
    return httpx.Client(base_url=service.url, headers=headers, trust_env=False)


def begin_service(data_dir: Path, **settings: str) -> "subprocess.Popen[bytes]":
    """Start a service on a free port, its words going to `service.log` in its data folder."""
    data_dir.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "PYTHONPATH": str(_ROOT), **_own(data_dir, settings)}
    with (data_dir / "service.log").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port", "0"],
            cwd=data_dir,
            env={name: value for name, value in environ.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )


def start_service(data_dir: Path, **settings: str) -> Service:
    """Start a service on a free port, and wait until it has said where it listens."""
    process, log = begin_service(data_dir, **settings), data_dir / "service.log"
    while process.poll() is None and "API docs" not in log.read_text():
        # Its lines come when they come; a look now and then finds them.
        select.select([], [], [], _LOOK)
    said = log.read_text()
    assert "listens on" in said, said
    return Service(data_dir, said, process, log)


def _own(data_dir: Path, settings: dict[str, str]) -> dict[str, str | None]:
    """Return what differs from our environment; None takes a name out of it."""
    blank = dict.fromkeys(NAMES, None)
    return {**blank, "DATA_DIR": str(data_dir), "COLUMNS": "160", **settings}
