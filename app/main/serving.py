"""`runrelay serve`: start everything, serve until a signal, and leave nothing half done."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

import structlog

from app.bootstrap import Peers, Service, build, count_debts
from app.clock import Clock
from app.errors import UnavailableError
from app.main import database
from app.main.instance import name_of
from app.main.sandboxed import KEY, TOKEN, SandboxPeers
from app.main.server import Server, listen, make_server
from app.observability import journal
from app.observability.metrics import Metrics
from app.observability.terminal import Terminal
from app.settings import Settings
from app.store.embedded.lock import DataDirLock
from schemas.timing import Timing

COUNT_EVERY: Final = timedelta(seconds=15)
"""How often what is owed is counted for the metrics."""
READER_EVERY: Final = timedelta(seconds=60)
"""How often it is looked at whether a newer version has changed what records look like."""

Announce = Callable[[Settings, Peers, Terminal], None]
"""Says where the service listens, once it does."""


async def serve(
    settings: Settings, terminal: Terminal, announce: Announce, timing: Timing | None = None
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        settings: What the operator decided, its secrets complete.
        terminal: Where people watch.
        announce: Called once the service listens.
        timing: Limits and intervals; the usual ones if not given.

    Raises:
        SetupError: It cannot start as it is set up.
        EmbeddedMongoError: The embedded database cannot start.
    """
    stop = _signals()
    async with AsyncExitStack() as stack:
        stack.enter_context(DataDirLock(settings.data_dir))
        name = name_of(settings.data_dir)
        bound = stack.enter_context(listen(settings.host, settings.port))
        sandbox = None if settings.live else await _sandbox(stack, terminal)
        uri = await stack.enter_async_context(database.database_uri(settings, dict(os.environ)))
        clock = Clock()
        store = await stack.enter_async_context(database.opened(settings, uri, clock))
        peers = _peers(settings, sandbox, bound)
        service = build(
            settings,
            store,
            peers,
            name=name,
            clock=clock,
            timing=timing or Timing(),
            journal=journal.show(terminal, settings.log_format, live=settings.live),
            metrics=Metrics(),
        )
        stack.push_async_callback(service.client.aclose)
        await service.sweep.release(name)
        server = make_server(service.app, settings.trusted_proxies)
        await _run(service, server, bound, stop, lambda: announce(settings, peers, terminal))


async def _run(
    service: Service,
    server: Server,
    bound: socket.socket,
    stop: asyncio.Event,
    announce: Callable[[], None],
) -> None:
    """Run everything until `stop`; then end it in the order that loses nothing."""
    endless = list[asyncio.Task[Any]]()
    async with asyncio.TaskGroup() as group:
        flushed = [
            group.create_task(each)
            for each in (service.acceptor.run(), service.applier.run(), service.discharger.run())
        ]
        sweeping = group.create_task(service.sweep.run())
        endless += [group.create_task(each) for each in _endless(service)]
        serving = group.create_task(server.serve(sockets=[bound]))
        await server.listening.wait()
        announce()
        await stop.wait()
        service.readiness.closing = True
        server.should_exit = True
        await serving
        service.sweep.close()
        await sweeping
        for part, task in zip(
            (service.acceptor, service.applier, service.discharger), flushed, strict=True
        ):
            part.close()
            await task
        for task in endless:
            task.cancel()
    await _give_back(service)


def _endless(service: Service) -> list[Coroutine[Any, Any, Any]]:
    running: list[Coroutine[Any, Any, Any]] = [
        _every(service.timing.clock_every, lambda: _sample(service)),
        _every(COUNT_EVERY, lambda: count_debts(service)),
        _every(READER_EVERY, service.store.connection.check_reader),
    ]
    if service.sender is not None:
        running += [service.sender.run(), service.alerts.run(service.sender)]
    return running


async def _every(interval: timedelta, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do something now and then; a database that does not answer is asked the next time."""
    log: Any = structlog.get_logger()
    while True:
        try:
            await do()
        except UnavailableError as error:
            log.warning("not now", error=str(error))
        await asyncio.sleep(interval.total_seconds())


async def _sample(service: Service) -> None:
    off = service.clock.sample(await service.store.connection.time())
    if abs(off) > timedelta(seconds=5):
        log: Any = structlog.get_logger()
        log.warning("the database's clock jumped; it is followed slowly", off=str(off))


async def _give_back(service: Service) -> None:
    """Release every claim of ours, so that others, or we after a restart, go on at once."""
    log: Any = structlog.get_logger()
    try:
        await service.sweep.release(service.taking.name)
    except UnavailableError as error:
        log.warning("claims could not be released; they run out by themselves", error=str(error))


async def _sandbox(stack: AsyncExitStack, terminal: Terminal) -> SandboxPeers:
    sandbox = await SandboxPeers.start()
    stack.push_async_callback(sandbox.stop)
    group = await stack.enter_async_context(asyncio.TaskGroup())
    relaying = group.create_task(sandbox.relay(terminal.write))
    stack.callback(relaying.cancel)
    return sandbox


def _peers(settings: Settings, sandbox: SandboxPeers | None, bound: socket.socket) -> Peers:
    """Return where everybody is: what was set, or the stand-ins."""
    host, port = bound.getsockname()[:2]
    base = settings.webhook_url or f"http://{_reachable(host)}:{port}"
    key, token = settings.comfydeploy_api_key, settings.telegram_bot_token
    if sandbox is None:
        return Peers(
            webhook_base=base,
            comfydeploy_url=settings.comfydeploy_api_url if key else None,
            comfydeploy_key=key.get_secret_value() if key else "",
            comfydeploy_hosts=settings.comfydeploy_hosts,
            telegram_url=settings.telegram_api_url if token else None,
            telegram_token=token.get_secret_value() if token else "",
            allow_private=settings.allow_private_targets,
        )
    at = sandbox.addresses
    return Peers(
        webhook_base=base,
        comfydeploy_url=settings.comfydeploy_api_url or at.comfydeploy,
        comfydeploy_key=key.get_secret_value() if key else KEY,
        comfydeploy_hosts=(*settings.comfydeploy_hosts, at.outputs_host),
        telegram_url=settings.telegram_api_url or at.telegram,
        telegram_token=token.get_secret_value() if token else TOKEN,
        allow_private=True,
    )


def _reachable(host: str) -> str:
    """Return the address by which a process on this machine reaches what listens on `host`."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _signals() -> asyncio.Event:
    """Return an event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    return stop
