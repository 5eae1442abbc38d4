"""`runrelay indexes`, `migrate`, `backup` and `restore`: what keeps the database well."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from app.cli import opening, speaking
from app.cli.settling import refusing
from app.clock import Clock
from app.main import database
from app.store import backup as copies
from app.store.connection import READER


async def indexes() -> None:
    """Make the indexes that are missing, and name all there are."""
    with refusing():
        settings = opening.quietly_settled()
        async with (
            opening.address(settings) as uri,
            database.opened(settings, uri, Clock()) as store,
        ):
            names = await store.connection.index(store.keep)
    speaking.say(f"{len(names)} indexes are there: {', '.join(names)}")


async def migrate() -> None:
    """Check that the database is of the shape we read; there is no older one."""
    with refusing():
        settings = opening.quietly_settled()
        async with (
            opening.address(settings) as uri,
            database.opened(settings, uri, Clock()) as store,
        ):
            await store.connection.check_reader()
    speaking.say(f"Nothing to migrate: shape {READER} is the first there is. The indexes are made.")


async def backup(target: Path) -> None:
    """Write the database to a file."""
    with refusing():
        settings = opening.quietly_settled()
        async with opening.address(settings) as uri:
            with _shown() as progress:
                counts = await copies.backup(
                    uri, settings.mongodb_database, target, progress=progress
                )
    speaking.say(f"{_counted(counts)} are in {target}")


async def restore(source: Path, *, replace: bool) -> None:
    """Make the database what a file holds; no service may run on the same data folder."""
    with refusing():
        settings = opening.quietly_settled()
        async with opening.address(settings, alone=True) as uri:
            with _shown() as progress:
                counts = await copies.restore(
                    uri, settings.mongodb_database, source, replace=replace, progress=progress
                )
    speaking.say(f"{_counted(counts)} were restored from {source}")


@contextmanager
def _shown() -> Generator[copies.Progress]:
    """Yield what shows how far each collection is, where somebody watches."""
    columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn())
    tasks = dict[str, TaskID]()
    with Progress(*columns, console=speaking.console_of_errors()) as bars:

        def progress(collection: str, done: int, total: int) -> None:
            if collection not in tasks:
                tasks[collection] = bars.add_task(collection, total=total)
            bars.update(tasks[collection], completed=done, total=total)

        yield progress


def _counted(counts: Mapping[str, int]) -> str:
    named = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
    return f"{sum(counts.values()):,} documents" + (f" ({named})" if named else "")
