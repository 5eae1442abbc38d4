"""One service for one data folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.store.embedded.errors import DataDirInUseError
from app.store.embedded.lock import DataDirLock

_HOLDER = """
import pathlib, sys, time
from app.store.embedded.lock import DataDirLock
DataDirLock(pathlib.Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(600)
"""


def test_a_second_lock_is_refused_naming_the_first(tmp_path: Path) -> None:
    """Whoever comes second is told the pid of the first, and may have it afterwards."""
    data_dir = tmp_path / "data"
    with DataDirLock(data_dir):
        with pytest.raises(DataDirInUseError, match=f"pid {os.getpid()} ") as refused:
            DataDirLock(data_dir).acquire()
        assert refused.value.data_dir == data_dir

    lock = DataDirLock(data_dir)
    lock.acquire()
    lock.release()
    lock.release()


def test_the_folder_and_the_lock_are_private(tmp_path: Path) -> None:
    """Nobody else on the machine may look into a folder that we made."""
    with DataDirLock(tmp_path / "data"):
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "data/lock").stat().st_mode & 0o777 == 0o600


def test_a_holder_that_dies_releases_the_lock(tmp_path: Path) -> None:
    """The lock of another process holds while it lives, and falls with it, however it dies."""
    command = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:  # noqa: S603 - our own
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DataDirInUseError, match=f"pid {holder.pid} "):
            DataDirLock(tmp_path).acquire()
        holder.kill()

    with DataDirLock(tmp_path) as lock:
        assert lock is not None
