"""The database at the start: waited for, and refused where waiting does not help."""

from datetime import timedelta
from pathlib import Path

import pytest

from app.bootstrap import open_store
from app.clock import Clock
from app.errors import SetupError, StoreDownError
from app.main import database
from app.settings import Settings
from tests.app.store.guarded import PASSWORD, a_guarded_mongod

pytestmark = pytest.mark.anyio


async def test_a_database_that_is_away_may_come_back() -> None:
    """So whoever gives up says that it was away, by the setting's name, and may try again."""
    store = open_store(Settings(), "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50")
    try:
        with pytest.raises(StoreDownError, match=r"MONGODB_URI: .*is it running"):
            await database.answering(store, Clock(), timedelta())
    finally:
        store.connection.close()


async def test_a_database_that_shuts_us_out_is_a_wrong_setting(tmp_path: Path) -> None:
    """No waiting makes a password right."""
    async with a_guarded_mongod(tmp_path) as uri:
        store = open_store(Settings(), uri.replace(PASSWORD, "wrong"))
        try:
            with pytest.raises(SetupError, match="MONGODB_URI: MongoDB refuses the user"):
                await database.answering(store, Clock())
        finally:
            store.connection.close()
