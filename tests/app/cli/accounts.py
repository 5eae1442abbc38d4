"""A database with people in it, for the commands about their credits."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from app.bootstrap import Store, open_store
from app.settings import Settings
from app.store.connection import Keep
from schemas.base import UserId
from schemas.ledger import Entry
from tests.builders import CHAT, a_user, none_odd

OTHER = UserId("0198c0ffee0198c0ffee0198c0ffee98")


def a_filled_database(uri: str, name: str, entries: Sequence[Entry] = ()) -> dict[str, str]:
    """Settings that name a new database with two people and these entries."""
    named = {"MONGODB_URI": uri, "MONGODB_DATABASE": name}
    asyncio.run(_fill(named, entries))
    return named


def kept(named: dict[str, str]) -> list[Entry]:
    """All entries of a database."""
    return asyncio.run(_kept(named))


async def _kept(named: dict[str, str]) -> list[Entry]:
    async with opened(named) as store:
        return [each async for each in store.ledger.entries(odd=none_odd)]


async def _fill(named: dict[str, str], entries: Sequence[Entry]) -> None:
    async with opened(named) as store:
        await store.connection.prepare("sandbox", Keep(timedelta(days=14)))
        assert await store.users.insert(a_user())
        assert await store.users.insert(a_user(id=OTHER, telegram_id=CHAT + 1, first_name=None))
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
