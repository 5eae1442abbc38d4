"""The MongoDB we run ourselves when MONGODB_URI is empty: a replica set of one under DATA_DIR.

    DATA_DIR/mongo/      its files
    DATA_DIR/mongo.log   its log; `mongo.log.1` is the one before
    DATA_DIR/mongo.json  the port, chosen once, and the pid

Whoever starts it holds the folder's `DataDirLock` first.
"""

import asyncio
import contextlib
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from pymongo.errors import PyMongoError

from app.store.embedded import address, process, replica_set
from app.store.embedded.errors import NO_AVX, MongodStartError, PortTakenError

_PORT_TAKEN: Final = 48
"""The exit code of a mongod that cannot listen (MongoDB manual, "Exit Codes and Statuses")."""
_PORTS_TO_TRY: Final = 5
_LOG_LIMIT_BYTES: Final = 10 * 2**20
_LOG_TAIL_BYTES: Final = 2_000
_WATCH_POLL: Final = 0.1
_FIRST_PAUSE: Final = timedelta(milliseconds=100)
_LONGEST_PAUSE: Final = timedelta(seconds=10)
_HEALTHY_AFTER: Final = 60.0
"""Seconds a mongod must have run for its next death to be taken as the first."""


@dataclass(frozen=True, kw_only=True)
class Death:
    """A mongod that ended, or did not come back, without our asking.

    Attributes:
        why: One sentence, with the log's last lines.
        deaths: How many in a row, from 1.
        again_in: The pause before it is started again.
    """

    why: str
    deaths: int
    again_in: timedelta


class EmbeddedMongod:
    """One mongod and what it takes to keep it.

    Nothing in it belongs to an event loop, so one loop may start it and another stop it. Start it
    from a thread that lives as long as the database shall (see `process`).
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        binary: Path,
        cache_gb: float = 0.25,
        start_limit: timedelta = timedelta(minutes=2),
        stop_limit: timedelta = timedelta(seconds=30),
    ) -> None:
        """Prepare; nothing is started or touched yet.

        Args:
            data_dir: DATA_DIR; made if missing.
            binary: The mongod to run, found by `binary.find_mongod`.
            cache_gb: WiredTiger's cache in GiB, at least 0.25.
            start_limit: How long it may take to become writable; most after a crash.
            stop_limit: How long it may take to end before it is killed.
        """
        self._data_dir = data_dir.absolute()
        self._dbpath = self._data_dir / "mongo"
        self._log_path = self._data_dir / "mongo.log"
        self._address_path = _address_path(self._data_dir)
        self._binary = binary
        self._cache_gb = cache_gb
        self._start_limit = start_limit
        self._stop_limit = stop_limit
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._unborn = False
        self._stopping = False

    @property
    def uri(self) -> str:
        """The address for a driver; stays the same while started."""
        return address.uri(self._port)

    @property
    def binary(self) -> Path:
        """The program that is run."""
        return self._binary

    @property
    def pid(self) -> int | None:
        """The running mongod's pid, None when there is none."""
        return None if self._process is None else self._process.pid

    async def start(self) -> str:
        """Start it, a leftover stopped first, and return its URI once it takes writes.

        Raises:
            MongodStartError: It ended, or took longer than `start_limit`.
        """
        await self.stop()
        self._stopping = False
        kept = address.read(self._address_path)
        await self._stop_leftovers(kept)
        self._prepare_folders(kept)
        self._port = kept.port if kept else 0
        for attempt in range(1, _PORTS_TO_TRY + 1):
            self._port = address.choose(self._port or None)
            try:
                await self._run()
            except PortTakenError:
                if attempt == _PORTS_TO_TRY:
                    raise
                self._port = 0
            else:
                break
        return self.uri

    async def stop(self) -> None:
        """End it cleanly, by force after `stop_limit`; nothing happens if it is not running."""
        self._stopping = True
        if self._process is not None:
            await process.stop(self._process, self._stop_limit)
            self._process = None

    async def watch(self, report: Callable[[Death], None]) -> None:
        """Start it again, on the same port, each time it dies; returns only after `stop`.

        Args:
            report: Told of each death before the pause; must not raise.
        """
        loop = asyncio.get_running_loop()
        deaths, pause, since = 0, _FIRST_PAUSE, loop.time()
        while not self._stopping:
            why = await self._death() if self._process else await self._run_again()
            if self._stopping or not why:
                continue
            if loop.time() - since > _HEALTHY_AFTER:
                deaths, pause = 0, _FIRST_PAUSE
            deaths += 1
            report(Death(why=why, deaths=deaths, again_in=pause))
            await asyncio.sleep(pause.total_seconds())
            pause, since = min(2 * pause, _LONGEST_PAUSE), loop.time()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _run_again(self) -> str:
        """Start it on the same port; return why that did not work, nothing if it did."""
        try:
            await self._run()
        except MongodStartError as error:
            return str(error)
        except OSError as error:
            # A full disk, most likely, which passes.
            return f"mongod could not be started: {error}"
        return ""

    async def _death(self) -> str:
        """Wait for its end, keeping the log short; return how it ended, nothing after `stop`."""
        while self._process is not None and not self._stopping:
            code = self._process.poll()
            if code is not None:
                self._process = None
                return f"mongod {_ending(code)}; its log ends:\n{self._log_tail()}"
            if self._rotate_log():
                # Told to reopen, mongod goes on in a new file of the old name.
                self._process.send_signal(signal.SIGUSR1)
            await asyncio.sleep(_WATCH_POLL)
        return ""

    async def _run(self) -> None:
        """Start it on `_port` and wait until it takes writes; whatever goes wrong, none is left."""
        self._rotate_log()
        self._keep_address(None)
        child = process.spawn(self._command(), self._log_path)
        self._process = child
        try:
            self._keep_address(child.pid)
            async with asyncio.timeout(self._start_limit.total_seconds()):
                await replica_set.become_writable(self._port, lambda: self._check(child))
            self._unborn = False
            self._keep_address(child.pid)
        except BaseException as error:
            self._process = None
            await process.stop(child, self._stop_limit)
            if isinstance(error, TimeoutError):
                why = f"not writable after {self._start_limit.total_seconds():.0f} s"
                raise self._failure(why) from error
            if isinstance(error, PyMongoError):
                raise self._failure(f"the replica set refused: {error}") from error
            raise

    def _keep_address(self, pid: int | None) -> None:
        kept = address.Address(port=self._port, pid=pid, unborn=self._unborn)
        address.write(self._address_path, kept)

    def _prepare_folders(self, kept: address.Address | None) -> None:
        if kept is not None and kept.unborn:
            shutil.rmtree(self._dbpath, ignore_errors=True)
        for folder in (self._data_dir, self._dbpath):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._unborn = not any(self._dbpath.iterdir())

    def _check(self, child: subprocess.Popen[bytes]) -> None:
        code = child.poll()
        if code is not None:
            kind = PortTakenError if code == _PORT_TAKEN else MongodStartError
            raise self._failure(f"mongod {_ending(code)}", kind)

    def _failure(self, why: str, kind: type[MongodStartError] = MongodStartError) -> Exception:
        return kind(why, self._log_path, self._log_tail())

    async def _stop_leftovers(self, kept: address.Address | None) -> None:
        pids = {kept.pid} if kept and kept.pid else set[int]()
        with contextlib.suppress(OSError, ValueError):
            # mongod keeps its pid here while it runs, whoever started it.
            pids.add(int((self._dbpath / "mongod.lock").read_text()))
        for pid in pids:
            await process.stop_leftover(pid, self._dbpath, self._stop_limit)

    def _command(self) -> list[str]:
        options = {
            "dbpath": self._dbpath,
            "replSet": address.REPLICA_SET,
            "bind_ip": address.HOST,
            "port": self._port,
            "logpath": self._log_path,
            "logRotate": "reopen",
            "wiredTigerCacheSizeGB": self._cache_gb,
            # MiB. Alone in its set, nobody reads the oplog back but a change stream.
            "oplogSize": 256,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        # The diagnostic archive would take up to 200 MB of disk and write every second.
        quieter = ["--quiet", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        return [str(self._binary), *words, "--logappend", "--nounixsocket", *quieter]

    def _rotate_log(self) -> bool:
        # One that cannot be put aside now is put aside later.
        with contextlib.suppress(OSError):
            if self._log_path.stat().st_size > _LOG_LIMIT_BYTES:
                self._log_path.replace(self._log_path.with_name("mongo.log.1"))
                return True
        return False

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError), self._log_path.open("rb") as log:
            log.seek(max(0, self._log_path.stat().st_size - _LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").strip()
        return ""


def running_uri(data_dir: Path) -> str | None:
    """Return the URI of the mongod that a service runs on `data_dir` now, None if there is none."""
    kept = address.read(_address_path(data_dir))
    if kept and kept.pid and process.serves(kept.pid, data_dir.absolute() / "mongo"):
        return address.uri(kept.port)
    return None


def _address_path(data_dir: Path) -> Path:
    return data_dir / "mongo.json"


def _ending(code: int) -> str:
    if code == -signal.SIGILL:
        return f"does not run here: {NO_AVX}"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"
