"""Stop at a signal, in whichever part of its life a process is."""

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def until_signal(stop: asyncio.Event, begun: asyncio.Event) -> Generator[None]:
    """Have SIGINT and SIGTERM set `stop`, and end what this block does before it is `begun`."""
    starting, loop = asyncio.current_task(), asyncio.get_running_loop()
    ended = False

    def end() -> None:
        nonlocal ended
        # Nobody waits for `stop` yet. Once is enough: a second signal must not end the ending.
        if starting is not None and not begun.is_set() and not stop.is_set():
            ended = starting.cancel()
        stop.set()

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, end)
    try:
        yield
    except asyncio.CancelledError:
        if starting is None or not ended:
            raise
        starting.uncancel()
