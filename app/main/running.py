"""The wired service, running: until a signal, and then ended in the order that loses nothing."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import structlog

from app.bootstrap import Chores, Peers, Service, build, count_debts, count_open, count_servers
from app.clock import Clock
from app.errors import UnavailableError
from app.main import collecting, database
from app.main.server import make_server
from app.main.troubles import DiskWatch, tell_deaths
from app.observability import journal
from app.observability.metrics import Metrics
from app.observability.terminal import Terminal
from app.settings import Settings
from app.store.embedded.mongod import Death
from schemas.base import InstanceName
from schemas.timing import Timing

COUNT_EVERY: Final = timedelta(seconds=15)
"""How often what is owed is counted for the metrics."""
EXPIRE_EVERY: Final = timedelta(hours=6)
"""How often media that is older than it is kept is looked for."""
FORGET_EVERY: Final = timedelta(seconds=15)
"""How often it is looked for people who are to be forgotten."""
FLUSH_SECONDS: Final = 20
"""Longest that what is under way is waited for at the end; nothing is lost by not waiting."""
ADD_UP_EVERY: Final = timedelta(minutes=5)
"""How often the totals of the last hours are looked after."""
AUDIT_EVERY: Final = timedelta(minutes=10)
"""How often it is looked whether it is time to audit the ledger; not in the rush of the start."""
COMPARE_EVERY: Final = timedelta(minutes=5)
"""How often it is looked whether it is time to compare payments with the provider's list."""
DISK_EVERY: Final = timedelta(seconds=15)
"""How often the disk is looked at."""
READER_EVERY: Final = timedelta(seconds=60)
"""How often it is looked at whether a newer version has changed what records look like."""

Endless = Coroutine[Any, Any, Any]
"""What runs until it is cancelled."""


async def run(
    settings: Settings,
    uri: str,
    peers: Peers,
    bound: socket.socket | None,
    *,
    name: InstanceName,
    terminal: Terminal,
    timing: Timing,
    deaths: asyncio.Queue[Death],
    stop: asyncio.Event,
    announce: Callable[[], None],
    watch: Callable[[], Endless] | None = None,
) -> None:
    """Serve, or only work, until `stop` is set.

    Args:
        settings: What the operator decided, its secrets complete.
        uri: The database's address.
        peers: Where everybody is.
        bound: The socket to serve; None where nobody is answered.
        name: This process, the same after a restart on the same data.
        terminal: Where people watch.
        timing: Limits and intervals.
        deaths: Those of the embedded database, to be told as they come.
        stop: Ends it.
        announce: Called once it listens, or works.
        watch: Makes what else goes on beside it; an error of its own ends everything.

    Raises:
        SetupError: The database is not for us, or has become a newer version's.
        UnavailableError: It does not answer.
    """
    clock = Clock()
    async with database.opened(settings, uri, clock) as store:
        metrics = Metrics()
        show = journal.show(terminal, settings.log_format, live=settings.live, metrics=metrics)
        service = build(
            settings,
            store,
            peers,
            name=name,
            clock=clock,
            timing=timing,
            journal=show,
            metrics=metrics,
        )
        async with service.client, _awake(service):
            await service.sweep.release(name)
            background = [*_endless(service), tell_deaths(deaths, service.alerts)]
            background += [] if watch is None else [watch()]
            answering = _answering(service, settings.trusted_proxies, bound)
            try:
                await _until(service, background, answering, stop=stop, announce=announce)
            finally:
                await _give_back(service)


async def _until(
    service: Service,
    background: Sequence[Endless],
    answering: AbstractAsyncContextManager[None],
    *,
    stop: asyncio.Event,
    announce: Callable[[], None],
) -> None:
    """Run everything until `stop`; then end it in the order that loses nothing."""
    endless = list[asyncio.Task[Any]]()
    async with asyncio.TaskGroup() as group:
        flushed = [
            group.create_task(each)
            for each in (
                service.acceptor.run(),
                service.applier.run(),
                service.discharger.run(),
                service.job_hands.run(),
                service.selling.hands.run(),
                service.hooking.hands.run(),
            )
        ]
        sweeping = group.create_task(service.sweep.run())
        endless += [group.create_task(each) for each in background]
        async with answering:
            collecting.settle()
            announce()
            await stop.wait()
        service.sweep.close()
        endless += [sweeping, *flushed]
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await _flush(service, flushed)
        except TimeoutError:
            log: Any = structlog.get_logger()
            log.warning("not everything could be finished; it goes on after the next start")
        for task in endless:
            task.cancel()


@asynccontextmanager
async def _answering(
    service: Service, trusted_proxies: tuple[str, ...], bound: socket.socket | None
) -> AsyncGenerator[None]:
    """Answer requests inside this block; those that are open at its end are finished."""
    if bound is None:
        yield
        return
    refused = service.metrics.refused
    server = make_server(service.app, trusted_proxies, hooks=service.hooks, refused=refused)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[bound]))
        await server.listening.wait()
        yield
        service.readiness.closing = True
        # Streams have no end of their own, and would be waited for.
        service.live.close()
        server.should_exit = True


async def _flush(service: Service, flushed: Sequence[asyncio.Task[None]]) -> None:
    """Finish what was accepted, then what was heard, then what is being sent."""
    if service.sender is not None:
        service.sender.close()
    for drain in service.drains:
        await drain()
    parts = (
        service.acceptor,
        service.applier,
        service.discharger,
        service.job_hands,
        service.selling.hands,
        service.hooking.hands,
    )
    for part, task in zip(parts, flushed, strict=True):
        part.close()
        await asyncio.shield(task)


@asynccontextmanager
async def _awake(service: Service) -> AsyncGenerator[None]:
    """Wake others, and be woken, inside this block and once more at its end."""
    async with asyncio.TaskGroup() as group:
        waking = group.create_task(service.waker.run())
        yield
        # They may have what we have given back.
        service.waker.wake()
        waking.cancel()


def _endless(service: Service) -> list[Endless]:
    disk = DiskWatch(service.readiness.disk_full, service.alerts)
    running: list[Endless] = [
        _every(service.timing.clock_every, lambda: _sample(service)),
        _every(COUNT_EVERY, lambda: count_debts(service)),
        _every(COUNT_EVERY, lambda: count_open(service)),
        _every(COUNT_EVERY, lambda: count_servers(service)),
        _every(READER_EVERY, service.store.connection.check_reader),
        _every(DISK_EVERY, disk.look),
        service.live.run(),
    ]
    if service.taking.background:
        running += [*_chores(service.chores), _every(ADD_UP_EVERY, service.add_up.ahead)]
    if service.hooking.progress is not None:
        running.append(service.hooking.progress.run())
    if service.placing is not None:
        placing = service.placing
        running += [placing.fleet.run(), placing.choose(), placing.line.run()]
    if service.sender is not None:
        running += [service.sender.run(), service.alerts.run(service.sender)]
    if service.reception is not None:
        running.append(service.reception.run())
    return running


def _chores(chores: Chores) -> list[Endless]:
    """Return what is done now and then; where there is no background, calls do it."""
    running = list[Endless]()
    if chores.forgetting is not None:
        running.append(_every(FORGET_EVERY, chores.forgetting.sweep))
    if chores.auditing is not None:
        running.append(_every(AUDIT_EVERY, chores.auditing.once, begin=AUDIT_EVERY))
    if chores.expiry is not None:
        running.append(_every(EXPIRE_EVERY, chores.expiry.once))
    if chores.comparing is not None:
        running.append(_every(COMPARE_EVERY, chores.comparing.once))
    return running


async def _every(
    interval: timedelta,
    do: Callable[[], Coroutine[Any, Any, object]],
    *,
    begin: timedelta = timedelta(),
) -> None:
    """Do something now and then; a database that does not answer is asked the next time.

    Args:
        interval: Between one time and the next.
        do: What.
        begin: How long to wait before the first time.
    """
    log: Any = structlog.get_logger()
    await asyncio.sleep(begin.total_seconds())
    while True:
        try:
            await do()
        except UnavailableError as error:
            log.warning("not now", error=str(error))
        await asyncio.sleep(interval.total_seconds())


async def _sample(service: Service) -> None:
    off = service.clock.sample(await database.time_of(service.store))
    if abs(off) > timedelta(seconds=5):
        log: Any = structlog.get_logger()
        log.warning("the database's clock jumped; it is followed slowly", off=str(off))


async def _give_back(service: Service) -> None:
    """Close what we called by, and release every claim of ours, so that others go on at once."""
    log: Any = structlog.get_logger()
    if service.selling.stars is not None:
        await service.selling.stars.close()
    if service.placing is not None:
        await service.placing.line.give_up()
        await service.placing.fleet.give_up()
    try:
        await service.sweep.release(service.taking.name)
    except UnavailableError as error:
        log.warning("claims could not be released; they run out by themselves", error=str(error))
