"""The file a backup is: whole, or refused."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from app.store.backup_file import BackupWriter, Kind, frames
from app.store.embedded.errors import BackupTargetError, BackupUnreadableError

Change: TypeAlias = Callable[[bytes], bytes]

_FRAMES = [(Kind.HEADER, b"header"), (Kind.DOCUMENTS, bytes(range(256)) * 40)]


def a_backup_file(folder: Path) -> Path:
    """Write a file of two frames."""
    path = folder / "backup.gz"
    with BackupWriter(path) as writer:
        for kind, payload in _FRAMES:
            writer.write(kind, payload)
        writer.commit()
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Frames come back in order; the file is private and nothing else is left in the folder."""
    path = a_backup_file(tmp_path)

    assert list(frames(path)) == _FRAMES
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600


def test_one_that_is_not_committed_leaves_nothing(tmp_path: Path) -> None:
    """A backup that fails half-way leaves the one that was there before."""
    path = a_backup_file(tmp_path)
    before = path.read_bytes()
    with BackupWriter(path) as writer:
        writer.write(Kind.HEADER, b"another")

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def _damages() -> dict[str, Change]:
    return {
        "cut in the middle": lambda data: data[: len(data) // 2],
        "cut by a byte": lambda data: data[:-1],
        "bytes flipped": lambda data: data[:60] + b"\xff\xff" + data[62:],
        "empty": lambda _: b"",
        "a zip": lambda _: b"PK\x03\x04 something else",
        "another gzip": lambda _: gzip.compress(b"some log"),
        "end missing": _inside(lambda data: data[:-37]),
        "end cut": _inside(lambda data: data[:-1]),
        "something after the end": _inside(lambda data: data + b"more"),
        "edited": _inside(lambda data: data.replace(b"header", b"reader")),
        "unknown frame": _inside(lambda data: data.replace(b"\nH", b"\nQ")),
        "a frame beyond reason": _inside(lambda data: data.replace(b"\nH\0", b"\nH\xff")),
        "another version": _inside(lambda data: data.replace(b"backup 1", b"backup 2")),
    }


def _inside(change: Change) -> Change:
    """Change what was compressed, so that gzip's own checksum is right again."""
    return lambda data: gzip.compress(change(gzip.decompress(data)))


@pytest.mark.parametrize("damage", _damages())
def test_a_damaged_or_foreign_file_is_refused(tmp_path: Path, damage: str) -> None:
    """Nobody comes to the end of a file that is not exactly what was written."""
    path = a_backup_file(tmp_path)
    path.write_bytes(_damages()[damage](path.read_bytes()))

    with pytest.raises(BackupUnreadableError, match="nothing was restored"):
        list(frames(path))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The message names the file and the reason."""
    with pytest.raises(BackupUnreadableError, match=r"nothing\.gz: it cannot be read"):
        list(frames(tmp_path / "nothing.gz"))


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A missing folder is said at once, a name that is a folder's at the end."""
    with pytest.raises(BackupTargetError, match="No such file or directory"):
        BackupWriter(tmp_path / "missing/backup.gz")

    (tmp_path / "taken").mkdir()
    with BackupWriter(tmp_path / "taken") as writer, pytest.raises(BackupTargetError):
        writer.commit()
