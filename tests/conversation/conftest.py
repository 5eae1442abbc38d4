"""The whole bot: a service, its database and the sandbox as processes; people write to it."""

from collections.abc import AsyncGenerator
from itertools import count
from typing import Final

import pytest

from app.bootstrap import Store, open_store
from app.ports import PresetWrite
from app.settings import Settings
from tests.conversation.presets import PRESETS, drawn_presets
from tests.conversation.scenes import Bot
from tests.peers import Peers, a_sandbox
from tests.sandbox.telegram.person import Person
from tests.service import Service, a_service

DATABASE: Final = "conversation"
_PEOPLE = count(7001)


@pytest.fixture(scope="package")
async def sandbox() -> AsyncGenerator[Peers]:
    """The peers, in one process for all tests; a run takes a moment."""
    async with a_sandbox(seconds=0.2) as peers:
        yield peers


@pytest.fixture(scope="package")
async def store(mongo_uri: str) -> AsyncGenerator[Store]:
    """The service's database, for what tests do behind its back."""
    store = open_store(Settings.model_validate({"mongodb_database": DATABASE}), mongo_uri)
    drawn, workflows = drawn_presets()
    for digest, raw in workflows.items():
        await store.workflows.put(digest, raw)
    writes = [PresetWrite(None, each) for each in (*PRESETS, *drawn)]
    assert await store.presets.write(writes)
    yield store
    store.connection.close()


@pytest.fixture(scope="package")
async def service(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Peers, mongo_uri: str, store: Store
) -> AsyncGenerator[Service]:
    """The service, which everybody is welcomed by with 100 credits."""
    del store
    folder = tmp_path_factory.mktemp("conversation") / "data"
    async with a_service(folder, sandbox, mongo_uri, DATABASE, handle_limit=20) as service:
        service.environ |= {
            "TELEGRAM_UPDATES": "polling",
            "WELCOME_GRANT": "100",
            "COMFYUI_SERVERS": sandbox.comfyui[0],
        }
        await service.start()
        # It listens before it has loaded what handles updates.
        first = Person(sandbox, next(_PEOPLE), patience=60)
        await first.write("/start")
        await first.next()
        yield service
        await service.stop()


@pytest.fixture
def bot(sandbox: Peers, service: Service, store: Store) -> Bot:
    """The bot, and whoever writes to it."""
    return Bot(sandbox, service, store, _PEOPLE)
