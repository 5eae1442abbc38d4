"""`runrelay worker`: do what is owed beside a `serve`, until a signal, and leave nothing half done.

A worker is the service without its door. Where nothing else is set it shares with the `serve` on
its DATA_DIR: that one's embedded database, its stand-ins, and the address it notes for webhooks.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from app.bootstrap import Peers
from app.errors import SetupError, UnavailableError
from app.main import beside, running
from app.main.instance import name_of
from app.main.peers import peers_of
from app.main.stopping import until_signal
from app.observability.terminal import Terminal
from app.settings import Settings
from app.store.embedded.errors import DataDirInUseError
from app.store.embedded.lock import DataDirLock
from app.store.embedded.mongod import running_uri
from schemas.base import InstanceName
from schemas.timing import Timing

MOST: Final = 64
"""Workers on one DATA_DIR."""

Announce = Callable[[Settings, Peers, InstanceName, Terminal], None]
"""Says that a worker of this name works, once it does."""


async def work(
    settings: Settings, terminal: Terminal, announce: Announce, timing: Timing | None = None
) -> None:
    """Work until SIGINT or SIGTERM; one that comes before we work ends the start.

    Args:
        settings: What the operator decided, its secrets complete; whatever they say of
            RUN_BACKGROUND, a worker works.
        terminal: Where people watch.
        announce: Called once it works.
        timing: Limits and intervals; the usual ones if not given.

    Raises:
        SetupError: It cannot start as it is set up; it may come in an ExceptionGroup.
        UnavailableError: The database does not answer, or the `serve` that we need something
            of does not run, or has come back elsewhere; likewise.
    """
    stop, begun = asyncio.Event(), asyncio.Event()
    with until_signal(stop, begun), a_place(settings.data_dir) as place:
        name, near = name_of(place, "worker"), beside.found(settings)
        peers = peers_of(settings, near.stand_ins, near.url or "")

        def works() -> None:
            begun.set()
            announce(settings, peers, name, terminal)

        await running.run(
            settings.model_copy(update={"run_background": True}),
            _database(settings),
            peers,
            None,
            name=name,
            terminal=terminal,
            timing=timing or Timing(),
            deaths=asyncio.Queue(),
            stop=stop,
            announce=works,
            watch=partial(beside.watch, settings, near),
        )


@contextmanager
def a_place(data_dir: Path) -> Generator[Path]:
    """Yield a folder that is this worker's alone: the first of its kind that nobody has.

    Whoever starts again mostly gets the folder that they had, and with it their name, so that
    what they left claimed is free at once.

    Raises:
        SetupError: There are too many workers.
    """
    for number in range(1, MOST + 1):
        folder = data_dir / f"worker-{number}"
        lock = DataDirLock(folder)
        try:
            lock.acquire()
        except DataDirInUseError:
            continue
        try:
            yield folder
        finally:
            lock.release()
        return
    raise SetupError([f"DATA_DIR: {MOST} workers run on {data_dir} already; use another folder"])


def _database(settings: Settings) -> str:
    """Return the database's address: what is set, or that of the one embedded in a `serve`.

    Raises:
        UnavailableError: There is neither.
    """
    if settings.mongodb_uri is not None:
        return settings.mongodb_uri.get_secret_value()
    uri = running_uri(settings.data_dir)
    if uri is None:
        raise UnavailableError(
            f"MONGODB_URI: is empty, and no service runs on {settings.data_dir} whose database "
            "this worker could share; start `runrelay serve` there first, or set MONGODB_URI"
        )
    return uri
