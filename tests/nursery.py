"""Processes of ours that begin with everything imported: forked off one that has done it.

Importing what a service consists of takes seconds of a processor, which a test run would spend a
hundred times over. Everything else about such a process is as usual: its pid, its session, its
environment, its exit code.

Run as `python -m tests.nursery FD`, this is the process that they are forked off. It takes orders
from the socket with that number, and ends when nobody can order any more.
"""

import gc
import importlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import anyio

_ROOT: Final = Path(__file__).parents[1]
_ENTRY: Final = "tests.faults.entry"
_LATER: Final = (
    "app.main.embedding",
    "app.main.peers",
    "app.main.running",
    "app.signals.redis",
    "app.telegram.dispatching",
    "app.telegram.inbound",
    "app.telegram.star_calls",
)
"""What a service imports only once it runs."""
_NUMBER: Final = struct.Struct("<i")


class Born:
    """A process that was forked off; used from any event loop."""

    def __init__(self, news: socket.socket) -> None:
        """Wait until it is there.

        Args:
            news: Tells its pid, then its exit code.
        """
        self._news = news
        self.pid = _read(news)
        self._code: int | None = None
        news.settimeout(0)

    @property
    def returncode(self) -> int | None:
        """Its exit code, None while it runs; a signal that killed it counts as negative."""
        if self._code is None:
            with suppress(BlockingIOError):
                self._code = _read(self._news)
                self._news.close()
        return self._code

    def kill(self) -> None:
        """Kill it if it runs.

        Raises:
            ProcessLookupError: It has ended this moment.
        """
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Wait until it has ended; return its exit code."""
        while (code := self.returncode) is None:
            await anyio.wait_readable(self._news)
        return code


class Nursery:
    """The process that others are forked off, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None

    def bear(self, arguments: Sequence[str], environ: Mapping[str, str], printed: BinaryIO) -> Born:
        """Start a process in a session of its own, the root of the repository its folder.

        Args:
            arguments: Of `python -m tests.faults.entry`.
            environ: Its whole environment.
            printed: Where its words go.
        """
        orders = self._orders or self._start(environ)
        ours, theirs = socket.socketpair()
        with theirs:
            body = json.dumps({"arguments": arguments, "environ": dict(environ)}).encode()
            files = [printed.fileno(), theirs.fileno()]
            socket.send_fds(orders, [_NUMBER.pack(len(body))], files)
            orders.sendall(body)
        return Born(ours)

    def end(self) -> None:
        """End it, and return when it is gone; those that it bore live on."""
        if self._orders is not None and self._process is not None:
            self._orders.close()
            self._process.wait()
        self._orders = self._process = None

    def _start(self, environ: Mapping[str, str]) -> socket.socket:
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [sys.executable, "-m", "tests.nursery", str(theirs.fileno())],
                cwd=_ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return self._orders


NURSERY: Final = Nursery()
"""The one of this process."""


def main() -> None:
    """Fork off what is ordered; a process that was forked off goes on from here as ordered."""
    entry = importlib.import_module(_ENTRY)
    for name in _LATER:
        importlib.import_module(name)
    # What is never collected need not be copied into each process.
    gc.freeze()
    if _is_ordered(socket.socket(fileno=int(sys.argv[1]))):
        entry.main()


def _is_ordered(orders: socket.socket) -> bool:
    """Take orders until nobody can give any more; return True in a process that was ordered."""
    with orders:
        while True:
            head, files, _, _ = socket.recv_fds(orders, _NUMBER.size, 2)
            if not head:
                return False
            body = orders.recv(_NUMBER.unpack(head)[0], socket.MSG_WAITALL)
            if os.fork() == 0:
                break
            for each in files:
                os.close(each)
            _reap()
    return _is_born(json.loads(body), *files)


def _is_born(order: dict[str, Any], printed: int, news: int) -> bool:
    """Become what was ordered, and leave behind who tells of its end."""
    if (pid := os.fork()) != 0:
        os.close(printed)
        _, status = os.waitpid(pid, 0)
        os.write(news, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
        # Nothing of ours is to run at its end, such as what measures the coverage.
        os._exit(0)
    os.setsid()
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    os.close(printed)
    os.environ.clear()
    os.environ.update(order["environ"])
    sys.argv[1:] = order["arguments"]
    os.write(news, _NUMBER.pack(os.getpid()))
    os.close(news)
    return True


def _reap() -> None:
    """Let go of those that had somebody's end to tell and have told it."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _read(news: socket.socket) -> int:
    told = news.recv(_NUMBER.size)
    assert told, "the nursery is gone"
    return _NUMBER.unpack(told)[0]


if __name__ == "__main__":
    main()
