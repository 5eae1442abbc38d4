"""The mongod as a process: started so that it dies with us, and found again if it did not.

It runs in a session of its own, so that the terminal's Ctrl-C reaches the service but not the
database, which is stopped after our last write. The kernel sends it SIGTERM when we die
(prctl(2), PR_SET_PDEATHSIG). Mind that "we" is the *thread* that started it: start it from a thread
that lives as long as the service, which the event loop's does.
"""

import asyncio
import contextlib
import itertools
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

POLL: Final = 0.01
"""Seconds between two looks at a process or a port, while somebody waits for it."""

# A process of its own sets the signal and then becomes mongod, keeping its pid: code between fork
# and exec (`preexec_fn`) can deadlock in a process with threads, and the driver has threads. The
# parent may die before the signal is set; whoever adopts us then is not the parent we were told of.
_LAUNCHER: Final = f"""
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, {int(signal.SIGTERM)})
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def spawn(command: Sequence[str], log_path: Path) -> subprocess.Popen[bytes]:
    """Start `command`, its words before the log is open going to the log all the same."""
    if sys.platform == "linux":
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
        command = [*launcher, *command]
    with open(log_path, "ab", opener=_private) as log:
        # The words are a path found by `binary` and options of our own.
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,
        )


async def stop(process: subprocess.Popen[bytes], limit: timedelta) -> int:
    """Ask the process to end, and make it after `limit`; return its code, negative for a signal."""
    process.terminate()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit.total_seconds()):
            return await ended(process)
    process.kill()
    return await ended(process)


async def ended(process: subprocess.Popen[bytes], poll: float = POLL) -> int:
    """Wait, looking every `poll` seconds, until the process has ended; return its code.

    Looking is what works on every platform, in every event loop, and from one loop to the next.
    """
    while True:
        code = process.poll()
        if code is not None:
            return code
        await asyncio.sleep(poll)


def serves(pid: int, dbpath: Path) -> bool:
    """Say whether `pid` is, now, a process that was given `dbpath` as its `--dbpath`."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        cwd = Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return False
    return any(
        (cwd / os.fsdecode(given)).resolve() == dbpath.resolve() for given in _dbpaths_in(words)
    )


async def stop_leftover(pid: int, dbpath: Path, limit: timedelta) -> bool:
    """Stop the mongod a crash left on `dbpath`, and wait until it is gone.

    Returns:
        False if `pid` is nothing of ours; it is then left alone. Only Linux can tell; elsewhere a
        mongod that is left over makes the new one fail on its lock, and say so.
    """
    if sys.platform != "linux":
        return False
    try:
        # The descriptor stays with this very process: a pid given to another one in the meantime
        # can be neither mistaken for it nor killed.
        pidfd = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not serves(pid, dbpath):
            return False
        await _stop_pidfd(pidfd, limit)
    finally:
        os.close(pidfd)
    return True


async def _stop_pidfd(pidfd: int, limit: timedelta) -> None:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, ending)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit.total_seconds()):
                await _gone(pidfd)
                return


async def _gone(pidfd: int) -> None:
    # A pidfd becomes readable when its process ends, its parent having reaped it or not.
    while not select.select([pidfd], [], [], 0)[0]:  # noqa: ASYNC110 - nothing here can set an event
        await asyncio.sleep(POLL)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _dbpaths_in(words: Sequence[bytes]) -> list[bytes]:
    spelled = [word.removeprefix(b"--dbpath=") for word in words if word.startswith(b"--dbpath=")]
    apart = [after for word, after in itertools.pairwise(words) if word == b"--dbpath"]
    return spelled + apart
