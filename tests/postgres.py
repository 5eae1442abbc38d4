"""A real PostgreSQL of one's own, on a socket in a folder of its own, which keeps nothing."""

import os
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_USUALLY: Final = Path("/usr/lib/postgresql")
"""Where Debian has the programs, by version; they are not on its PATH."""
_PATIENCE: Final = 400
_LOOK: Final = 0.05
_USER: Final = "runrelay"


class MissingPostgresError(Exception):
    """PostgreSQL is not installed."""


class Postgres:
    """One that runs, and `psql` to speak to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._psql = _program("psql")

    def run(self, script: str, **variables: str) -> list[list[str]]:
        """Run a script of `psql`; return the rows that it printed.

        Args:
            script: SQL, in which `:'name'` is a variable as a literal.
            variables: By name.

        Raises:
            AssertionError: It failed; says why.
        """
        named = [word for name, text in variables.items() for word in ("-v", f"{name}={text}")]
        told = subprocess.run(  # noqa: S603 - our own arguments
            [self._psql, *self._address(), "-v", "ON_ERROR_STOP=1", *named],
            input=script,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "PGCLIENTENCODING": "UTF8"},
            check=False,
            timeout=60,
        )
        assert told.returncode == 0, told.stderr
        return [line.split("\t") for line in told.stdout.split("\n") if line]

    def answers(self) -> bool:
        """Whether it can be spoken to."""
        asked = [self._psql, *self._address(), "-c", "SELECT 1"]
        told = subprocess.run(asked, capture_output=True, check=False, timeout=60)  # noqa: S603 - our own arguments
        return told.returncode == 0

    def _address(self) -> Sequence[str]:
        return ("-X", "-q", "-At", "-F", "\t", "-h", str(self._folder), "-U", _USER, "postgres")


@contextmanager
def a_postgres() -> Generator[Postgres]:
    """Run one for the length of the block.

    Raises:
        MissingPostgresError: It is not installed.
    """
    initdb, server = _program("initdb"), _program("postgres")
    folder = Path(tempfile.mkdtemp(prefix="runrelay-postgres-"))
    data = str(folder / "data")
    try:
        with (folder / "log").open("w+b") as log:
            somebody = _somebody(folder)
            subprocess.run(  # noqa: S603 - our own arguments
                [*somebody, initdb, "-D", data, "-U", _USER, *_PLAINLY],
                stdout=log,
                stderr=log,
                check=True,
                timeout=120,
            )
            process = subprocess.Popen(  # noqa: S603 - our own arguments
                [*somebody, server, "-D", data, "-k", str(folder), *_UNSAFELY],
                stdout=log,
                stderr=log,
            )
        try:
            yield _ready(Postgres(folder), process, folder / "log")
        finally:
            # At once, but not before all that belongs to it has ended.
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=60)
    finally:
        shutil.rmtree(folder)


_PLAINLY: Final = ("-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
_UNSAFELY: Final = (
    *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off"),
    *("-c", "shared_buffers=16MB", "-c", "autovacuum=off", "-c", "dynamic_shared_memory_type=mmap"),
)


def _program(name: str) -> str:
    """Return a program of PostgreSQL, its newest version where there are several."""
    found = [*_USUALLY.glob(f"*/bin/{name}")]
    path = shutil.which(name) or (str(max(found, key=_version)) if found else None)
    if path is None:
        raise MissingPostgresError(f"{name} is not installed: apt-get install postgresql")
    return os.path.realpath(path) if name != "psql" else path


def _version(path: Path) -> int:
    named = path.parts[-3]
    return int(named) if named.isdecimal() else 0


def _somebody(folder: Path) -> Sequence[str]:
    """Return what a command begins with, so that it does not run as root: PostgreSQL refuses to."""
    if os.geteuid():
        return ()
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")


def _ready(postgres: Postgres, process: subprocess.Popen[bytes], log: Path) -> Postgres:
    """Return it once it answers."""
    for _ in range(_PATIENCE):
        if postgres.answers():
            return postgres
        assert process.poll() is None, log.read_text()
        select.select([], [], [], _LOOK)  # nothing says when it listens
    raise AssertionError("PostgreSQL does not answer")
