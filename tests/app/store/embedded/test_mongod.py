"""The mongod we run ourselves: started, found again, moved, restarted, stopped."""

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from app.store.embedded import address, process
from app.store.embedded.binary import find_mongod
from app.store.embedded.errors import MongodStartError, PortTakenError
from app.store.embedded.mongod import Death, EmbeddedMongod, running_uri
from tests.app.store.embedded.scripts import a_script

pytestmark = pytest.mark.anyio

_PATIENCE = 30
_SERVICE = """
import asyncio, os, pathlib, sys
from app.store.embedded.binary import find_mongod
from app.store.embedded.mongod import EmbeddedMongod
mongod = EmbeddedMongod(pathlib.Path(sys.argv[1]), binary=find_mongod(os.environ))
async def serve():
    await mongod.start()
    print(mongod.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(serve())
"""


def a_mongod_in(data_dir: Path, *, binary: Path | None = None) -> EmbeddedMongod:
    """Build one that keeps its files in `data_dir`, the real one unless told otherwise."""
    return EmbeddedMongod(data_dir, binary=binary or find_mongod(os.environ))


def a_moody_mongod(folder: Path, cases: str) -> Path:
    """Write a mongod whose n-th run does what the shell's `case` of n says, else the real thing."""
    real = find_mongod(os.environ)
    counted = f"echo run >> {folder}/runs; n=$(wc -l < {folder}/runs)"
    return a_script(folder, f'{counted}\ncase $n in {cases} esac\nexec "{real}" "$@"')


@asynccontextmanager
async def a_client(uri: str) -> AsyncGenerator["AsyncIOMotorClient[dict[str, Any]]"]:
    """Connect as the service does; Any, since documents hold anything."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        uri, serverSelectionTimeoutMS=_PATIENCE * 1000
    )
    try:
        yield client
    finally:
        client.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(_PATIENCE):
        while not condition():  # noqa: ASYNC110 - files and processes set no event
            await asyncio.sleep(process.POLL)


def has_ended(pidfd: int) -> bool:
    """Say whether the process behind the descriptor has ended."""
    return bool(select.select([pidfd], [], [], 0)[0])


async def test_it_starts_stops_and_starts_on_the_same_port(tmp_path: Path) -> None:
    """What was written is there after a restart, under the same address; all files are private."""
    data_dir = tmp_path / "data"
    mongod = a_mongod_in(data_dir)
    first = await mongod.start()
    try:
        async with a_client(first) as client:
            await client.db.things.insert_one({"_id": "kept"})
        assert running_uri(data_dir) == first
        assert mongod.pid is not None
        assert os.getsid(mongod.pid) == mongod.pid
    finally:
        await mongod.stop()
    assert mongod.pid is None
    assert running_uri(data_dir) is None

    async with a_mongod_in(data_dir) as again, a_client(again.uri) as client:
        assert again.uri == first
        assert await client.db.things.find_one() == {"_id": "kept"}
    made = [data_dir, *data_dir.iterdir()]
    assert [path for path in made if path.stat().st_mode & 0o077] == []


async def test_it_dies_with_the_service_that_started_it(tmp_path: Path) -> None:
    """A service that is killed outright takes its mongod along; the next one starts on its data."""
    command = [sys.executable, "-c", _SERVICE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as service:  # noqa: ASYNC220, S603 - a test
        assert service.stdout is not None
        pidfd = os.pidfd_open(int(service.stdout.readline()))
        service.kill()
    mongod = a_mongod_in(tmp_path)
    try:
        await until(lambda: has_ended(pidfd))
        await mongod.start()
    finally:
        os.close(pidfd)
        await _kill(mongod)


async def test_a_leftover_is_recognised_stopped_and_waited_for(tmp_path: Path) -> None:
    """A mongod on our files that nobody watches any more makes way for ours."""
    dbpath = tmp_path / "mongo"
    dbpath.mkdir()
    words = ["--dbpath", str(dbpath), "--port", "0", "--bind_ip", "127.0.0.1", "--nounixsocket"]
    command = [find_mongod(os.environ), *words, "--logpath", str(tmp_path / "other.log")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as leftover:  # noqa: ASYNC220, S603 - a test
        await until(lambda: "Waiting for connections" in _text(tmp_path / "other.log"))
        mongod = a_mongod_in(tmp_path)
        try:
            await mongod.start()
            assert leftover.wait() == 0
        finally:
            leftover.kill()
            await _kill(mongod)


async def test_a_stranger_with_the_leftovers_pid_is_left_alone(tmp_path: Path) -> None:
    """A pid that has gone to another program since is not killed for what it once was."""
    with subprocess.Popen(["/bin/sleep", "600"]) as stranger:  # noqa: ASYNC220 - a test
        dbpath = tmp_path / "mongo"
        try:
            assert not await process.stop_leftover(stranger.pid, dbpath, timedelta(seconds=1))
            assert stranger.poll() is None
        finally:
            stranger.kill()

    assert not await process.stop_leftover(stranger.pid, dbpath, timedelta(seconds=1))


async def test_a_leftover_that_will_not_end_is_killed(tmp_path: Path) -> None:
    """SIGTERM first, SIGKILL when the limit is over; `--dbpath=` is understood as well."""
    deaf = a_script(tmp_path, "trap '' TERM\necho deaf\nwhile :; do sleep 600; done")
    command = [str(deaf), f"--dbpath={tmp_path}/mongo"]
    with subprocess.Popen(  # noqa: ASYNC220, S603 - a test
        command, stdout=subprocess.PIPE, start_new_session=True
    ) as leftover:
        assert leftover.stdout is not None
        leftover.stdout.readline()
        limit = timedelta(milliseconds=50)
        assert await process.stop_leftover(leftover.pid, tmp_path / "mongo", limit)
        assert leftover.wait() == -signal.SIGKILL
        os.killpg(leftover.pid, signal.SIGKILL)


async def test_it_moves_when_another_program_has_its_port(tmp_path: Path) -> None:
    """On another port the replica set is reconfigured, and the data is still there."""
    mongod = a_mongod_in(tmp_path)
    first = await mongod.start()
    async with a_client(first) as client:
        await client.db.things.insert_one({"_id": "kept"})
    await mongod.stop()
    kept = address.read(tmp_path / "mongo.json")
    assert kept is not None

    async def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(slam, "127.0.0.1", kept.port):
        try:
            assert await mongod.start() != first
            async with a_client(mongod.uri) as client:
                assert await client.db.things.find_one() == {"_id": "kept"}
        finally:
            await _kill(mongod)


async def test_a_port_lost_at_the_last_moment_is_exchanged(tmp_path: Path) -> None:
    """A mongod that cannot listen on the port that was free a moment ago is given another."""
    mongod = a_mongod_in(tmp_path, binary=a_moody_mongod(tmp_path, "1) exit 48;;"))
    try:
        assert await mongod.start() == running_uri(tmp_path)
    finally:
        await _kill(mongod)


async def test_a_machine_without_ports_is_given_up(tmp_path: Path) -> None:
    """After a few ports it is said that none could be had."""
    with pytest.raises(PortTakenError, match="ended with code 48"):
        await a_mongod_in(tmp_path, binary=a_script(tmp_path, "exit 48")).start()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("echo what it said; exit 14", "ended with code 14; see .*\nwhat it said"),
        ("kill -ILL $$", "no AVX"),
        ("kill -ABRT $$", "was ended by SIGABRT"),
        ("exec sleep 600", "not writable after 0 s"),
    ],
)
async def test_a_start_that_fails_says_why(tmp_path: Path, body: str, sentence: str) -> None:
    """The error holds the end of the log, and nothing is left running."""
    script = a_script(tmp_path, body)
    mongod = EmbeddedMongod(tmp_path, binary=script, start_limit=timedelta(milliseconds=400))

    with pytest.raises(MongodStartError, match=sentence):
        await mongod.start()
    assert mongod.pid is None


async def test_a_replica_set_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """A mongod that belongs to a set of another name refuses, and that is said."""
    renamed = "set -- $(echo $* | sed 's/--replSet runrelay/--replSet other/')"
    binary = a_moody_mongod(tmp_path, f"1) {renamed};;")

    with pytest.raises(MongodStartError, match="replica set refused"):
        await a_mongod_in(tmp_path, binary=binary).start()


async def test_a_first_start_cut_short_is_made_anew(tmp_path: Path) -> None:
    """Files that were never writable hold nothing, and are no obstacle to the next start."""
    (tmp_path / "mongo").mkdir()
    (tmp_path / "mongo/WiredTiger").write_text("half")
    address.write(tmp_path / "mongo.json", address.Address(port=address.choose(None), unborn=True))
    mongod = a_mongod_in(tmp_path)
    try:
        await mongod.start()
    finally:
        await _kill(mongod)

    kept = address.read(tmp_path / "mongo.json")
    assert kept is not None
    assert not kept.unborn


async def test_files_that_were_once_writable_are_never_thrown_away(tmp_path: Path) -> None:
    """Damage is for people to look at."""
    (tmp_path / "mongo").mkdir()
    (tmp_path / "mongo/WiredTiger").write_text("damaged")
    for _ in range(2):
        with pytest.raises(MongodStartError):
            await a_mongod_in(tmp_path, binary=a_script(tmp_path, "exit 14")).start()

    assert _text(tmp_path / "mongo/WiredTiger") == "damaged"


async def test_one_that_dies_is_reported_and_started_again(tmp_path: Path) -> None:
    """After a kill, and a restart that fails too, it is back on the same port with its data."""
    binary = a_moody_mongod(tmp_path, "2) exit 1;;")
    mongod = a_mongod_in(tmp_path, binary=binary)
    deaths: list[Death] = []
    uri = await mongod.start()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(mongod.watch(deaths.append))
        async with a_client(uri) as client:
            await client.db.things.insert_one({"_id": "kept"})
            assert mongod.pid is not None
            os.kill(mongod.pid, signal.SIGKILL)
            await until(lambda: len(deaths) == 2)
            assert await client.db.things.find_one() == {"_id": "kept"}
        await mongod.stop()

    assert mongod.uri == uri
    assert [death.deaths for death in deaths] == [1, 2]
    assert "was ended by SIGKILL" in deaths[0].why
    assert "ended with code 1" in deaths[1].why
    assert deaths[0].again_in < deaths[1].again_in


async def test_a_disk_that_is_full_ends_no_watch(tmp_path: Path) -> None:
    """It is reported like a death, and the database is started once there is room."""
    mongod = a_mongod_in(tmp_path)
    note, deaths = tmp_path / "mongo.json", list[Death]()

    def report(death: Death) -> None:
        deaths.append(death)
        if len(deaths) == 1:  # what is a folder can be written as little as a full disk
            note.rename(tmp_path / "kept")
            note.mkdir()
        else:
            note.rmdir()
            (tmp_path / "kept").rename(note)

    uri = await mongod.start()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(mongod.watch(report))
        async with a_client(uri) as client:
            assert mongod.pid is not None
            os.kill(mongod.pid, signal.SIGKILL)
            await until(lambda: len(deaths) == 2)
            await client.db.things.insert_one({"_id": "kept"})
        await mongod.stop()

    assert "could not be started" in deaths[1].why


async def test_a_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    """Above its limit it is put aside: at a start, and while mongod runs."""
    log, old = tmp_path / "mongo.log", tmp_path / "mongo.log.1"
    _grow(log)
    mongod = a_mongod_in(tmp_path)
    await mongod.start()
    assert old.stat().st_size == 11 * 2**20
    old.unlink()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(mongod.watch(lambda _: None))
        _grow(log)
        await until(lambda: old.exists() and bool(_text(log)))
        await mongod.stop()


async def test_a_deaf_process_is_killed_at_the_limit(tmp_path: Path) -> None:
    """Stopping never waits for ever."""
    deaf = a_script(tmp_path, "trap '' TERM\necho deaf\nwhile :; do :; done")
    child = process.spawn([str(deaf)], tmp_path / "log")
    await until(lambda: "deaf" in _text(tmp_path / "log"))

    assert await process.stop(child, timedelta(milliseconds=50)) == -signal.SIGKILL


def test_a_port_is_kept_while_nobody_else_listens_there(tmp_path: Path) -> None:
    """A kept port is taken again, unless it is in use; a damaged note is no note."""
    port = address.choose(None)
    assert address.choose(port) == port
    with socket.create_server(("127.0.0.1", port)):
        assert address.choose(port) != port

    (tmp_path / "mongo.json").write_text("{")
    assert address.read(tmp_path / "mongo.json") is None


async def _kill(mongod: EmbeddedMongod) -> None:
    if mongod.pid is not None:
        os.kill(mongod.pid, signal.SIGKILL)
    await mongod.stop()


def _grow(log: Path) -> None:
    with log.open("ab") as file:
        file.truncate(11 * 2**20)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
