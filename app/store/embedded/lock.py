"""One service for one data folder: a file lock that dies with its holder.

flock(2) belongs to the open file, so the kernel releases it however the process ends, and a pid in
the file is only there to tell people whom they have run into.
"""

import fcntl
import os
import shlex
import sys
from pathlib import Path
from typing import Self

from app.store.embedded.errors import DataDirInUseError


class DataDirLock:
    """The right to use a data folder, held from `acquire` until `release` or the process's end."""

    def __init__(self, data_dir: Path) -> None:
        """Prepare to lock `data_dir`; the folder is made, readable only by us, if it is missing."""
        self._data_dir = data_dir
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock, at once or not at all.

        Raises:
            DataDirInUseError: Another process, or another lock of this one, holds it.
        """
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self._data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(fd, 1_000, 0).decode(errors="replace").strip()
            os.close(fd)
            raise DataDirInUseError(self._data_dir, holder) from error
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"pid {os.getpid()} ({_command_line()})\n".encode(errors="replace"), 0)
        self._fd = fd

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _command_line() -> str:
    # The words are ours to show: secrets are settings, never arguments.
    return shlex.join([sys.executable, *sys.argv])[:500]
