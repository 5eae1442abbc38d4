"""A database with people in it, for the commands about their credits."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from app.bootstrap import Store, open_store
from app.settings import Settings
from app.store.connection import Keep
from schemas.base import UserId
from schemas.generation import Generation
from schemas.job import Job
from schemas.ledger import Entry
from schemas.user import User
from tests.builders import CHAT, a_user, none_odd

OTHER = UserId("0198c0ffee0198c0ffee0198c0ffee98")


def a_filled_database(
    uri: str, name: str, entries: Sequence[Entry] = (), *, alike: bool = False
) -> dict[str, str]:
    """Settings that name a new database with two people and these entries.

    The second has no name, unless they shall be called nearly `alike`.
    """
    named = {"MONGODB_URI": uri, "MONGODB_DATABASE": name}
    asyncio.run(_fill(named, entries, alike=alike))
    return named


def with_job(named: dict[str, str], job: Job, *entries: Entry) -> None:
    """Put a job into a database, and what it moved."""
    asyncio.run(_with_job(named, job, entries))


def with_generations(named: dict[str, str], *generations: Generation) -> None:
    """Put generations into a database."""
    asyncio.run(_with_generations(named, generations))


def kept_job(named: dict[str, str], job_id: str) -> Job | None:
    """A job of a database."""
    return asyncio.run(_kept_job(named, job_id))


def kept_user(named: dict[str, str], user: UserId) -> User | None:
    """A person of a database."""
    return asyncio.run(_kept_user(named, user))


def change(named: dict[str, str], before: User, **fields: object) -> None:
    """Change a person of a database."""
    asyncio.run(_change(named, before, before.change(version=before.version + 1, **fields)))


def kept(named: dict[str, str]) -> list[Entry]:
    """All entries of a database."""
    return asyncio.run(_kept(named))


async def _kept(named: dict[str, str]) -> list[Entry]:
    async with opened(named) as store:
        return [each async for each in store.ledger.entries(odd=none_odd)]


async def _with_job(named: dict[str, str], job: Job, entries: Sequence[Entry]) -> None:
    async with opened(named) as store:
        assert await store.jobs.insert(job)
        for each in entries:
            assert await store.ledger.insert(each)


async def _with_generations(named: dict[str, str], generations: Sequence[Generation]) -> None:
    async with opened(named) as store:
        for each in generations:
            assert await store.generations.insert(each)


async def _kept_job(named: dict[str, str], job_id: str) -> Job | None:
    async with opened(named) as store:
        return await store.jobs.get(job_id)


async def _kept_user(named: dict[str, str], user: UserId) -> User | None:
    async with opened(named) as store:
        return await store.users.get(user)


async def _change(named: dict[str, str], before: User, after: User) -> None:
    async with opened(named) as store:
        assert await store.users.write(before, after)


async def _fill(named: dict[str, str], entries: Sequence[Entry], *, alike: bool) -> None:
    async with opened(named) as store:
        await store.connection.prepare("sandbox", Keep(timedelta(days=14)))
        names = ("ada", "adam", "Adam") if alike else (None, None, None)
        assert await store.users.insert(a_user(username=names[0]))
        other = a_user(id=OTHER, telegram_id=CHAT + 1, username=names[1], first_name=names[2])
        assert await store.users.insert(other)
        for each in entries:
            assert await store.ledger.insert(each)


@asynccontextmanager
async def opened(named: dict[str, str]) -> AsyncGenerator[Store]:
    """Yield the database."""
    settings = Settings.model_validate({"mongodb_database": named["MONGODB_DATABASE"]})
    store = open_store(settings, named["MONGODB_URI"])
    try:
        yield store
    finally:
        store.connection.close()
