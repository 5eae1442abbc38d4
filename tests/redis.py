"""A real redis-server of one's own, which tests may kill, stop, empty and start again."""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from app.store.embedded.address import HOST, choose

_PATIENCE: Final = 400
_LOOK: Final = 0.05


class SharedRedis:
    """One redis-server on a port of its own, the same from start to start; it keeps nothing."""

    def __init__(self, password: str | None = None) -> None:
        """Prepare one, which asks for a password if one is given."""
        self._folder = Path(tempfile.mkdtemp(prefix="runrelay-redis-"))
        self._port = choose(None)
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for a client."""
        word = f":{self._password}@" if self._password else ""
        return f"redis://{word}{HOST}:{self._port}/0"

    def start(self) -> None:
        """Start it, and return once it answers."""
        given = ["--requirepass", self._password] if self._password else []
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [
                    *("redis-server", "--port", str(self._port), "--bind", HOST),
                    *("--save", "", "--appendonly", "no", "--dir", str(self._folder), *given),
                ],
                stdout=log,
                stderr=log,
            )
        for _ in range(_PATIENCE):
            with suppress(OSError):
                self.say("PING")
                return
            assert self._process.poll() is None, (self._folder / "log").read_text()
            select.select([], [], [], _LOOK)  # nothing says when it listens
        raise AssertionError("redis-server does not answer")

    def pings(self) -> int:
        """Return how often it was asked for a sign of life."""
        told = self.say("INFO", "commandstats", lines=99)
        found = re.search(r"cmdstat_ping:calls=([0-9]+)", told)
        return int(found[1]) if found else 0

    def say(self, *words: str, lines: int = 1) -> str:
        """Send a command; return the first lines of what is answered."""
        with socket.create_connection((HOST, self._port), timeout=_PATIENCE * _LOOK) as line:
            first = f"AUTH {self._password}\r\n" if self._password else ""
            line.sendall(f"{first}{' '.join(words)}\r\nQUIT\r\n".encode())
            answers = line.makefile().read().splitlines()
            return "\n".join(answers[bool(first) :][:lines])

    def kill(self) -> None:
        """End it as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """Have it answer nobody, its connections standing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        # It may go on for a moment after that.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def go_on(self) -> None:
        """Have it answer again."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def remove(self) -> None:
        """End it, and remove its folder."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._folder)


@contextmanager
def a_redis(password: str | None = None) -> Generator[SharedRedis]:
    """Run a redis-server for the length of the block."""
    shared = SharedRedis(password)
    try:
        shared.start()
        yield shared
    finally:
        shared.remove()
