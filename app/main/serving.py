"""`runrelay serve`: start everything, serve until a signal, and leave nothing half done.

A start has three slow parts: the stand-ins' process, the embedded mongod, and our own modules.
They go on side by side, which is why this module imports hardly anything, and takes the rest
from a thread.
"""

import asyncio
import importlib
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from app.main.instance import name_of
from app.main.listening import listen, local_url, noted
from app.main.sandboxed import SandboxPeers
from app.main.stopping import until_signal
from app.observability.terminal import Terminal
from app.settings import Settings
from app.store.embedded.lock import DataDirLock
from schemas.timing import Timing

if TYPE_CHECKING:
    from app.bootstrap import Peers
    from app.store.embedded.mongod import Death

Announce = Callable[[Settings, "Peers", str, Terminal], None]
"""Says where the service listens, given its URL on this machine, once it does."""


async def serve(
    settings: Settings, terminal: Terminal, announce: Announce, timing: Timing | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; one that comes before we listen ends the start.

    Args:
        settings: What the operator decided, its secrets complete.
        terminal: Where people watch.
        announce: Called once the service listens.
        timing: Limits and intervals; the usual ones if not given.

    Raises:
        SetupError: It cannot start as it is set up; it may come in an ExceptionGroup.
        UnavailableError: The database does not answer; likewise.
        EmbeddedMongoError: The embedded database cannot start; likewise.
    """
    stop, listening = asyncio.Event(), asyncio.Event()

    def listens(peers: "Peers", local: str) -> None:
        listening.set()
        announce(settings, peers, local, terminal)

    with until_signal(stop, listening):
        await _serve(settings, terminal, listens, timing or Timing(), stop)


async def _serve(
    settings: Settings,
    terminal: Terminal,
    listens: Callable[["Peers", str], None],
    timing: Timing,
    stop: asyncio.Event,
) -> None:
    async with AsyncExitStack() as stack:
        stack.enter_context(DataDirLock(settings.data_dir))
        name = name_of(settings.data_dir)
        bound = stack.enter_context(listen(settings.host, settings.port))
        sandbox = None if settings.live else await SandboxPeers.start(settings.data_dir)
        if sandbox is not None:
            stack.push_async_callback(sandbox.stop)
        deaths = asyncio.Queue["Death"]()
        uri = await _database(stack, settings, deaths)
        from app.main import running  # noqa: PLC0415 - loaded meanwhile, see above
        from app.main.peers import peers_of  # noqa: PLC0415 - as above

        stand_ins = None
        if sandbox is not None:
            stand_ins = await sandbox.listening()
            group = await stack.enter_async_context(asyncio.TaskGroup())
            relaying = group.create_task(sandbox.relay(terminal.write))
            stack.callback(relaying.cancel)
        local = local_url(bound)
        peers = peers_of(settings, stand_ins, local)
        stack.enter_context(noted(settings.data_dir, local))
        await running.run(
            settings,
            uri,
            peers,
            bound,
            name=name,
            terminal=terminal,
            timing=timing,
            deaths=deaths,
            stop=stop,
            announce=lambda: listens(peers, local),
        )


async def _database(
    stack: AsyncExitStack, settings: Settings, deaths: asyncio.Queue["Death"]
) -> str:
    """Return the database's address, our own modules being loaded meanwhile.

    Deaths of the embedded one are put into the queue.
    """
    if settings.mongodb_uri is not None:
        await asyncio.to_thread(importlib.import_module, "app.main.running")
        return settings.mongodb_uri.get_secret_value()
    await asyncio.to_thread(importlib.import_module, "app.main.embedding")
    from app.main import embedding  # noqa: PLC0415 - loaded just now, for it loads the driver

    mongod = embedding.prepared(settings, dict(os.environ))
    # A start that is ended between its own end and the watch leaves none running.
    stack.push_async_callback(mongod.stop)
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(importlib.import_module, "app.main.running"))
        group.create_task(embedding.start(mongod))
    return await stack.enter_async_context(embedding.watched(mongod, deaths.put_nowait))
