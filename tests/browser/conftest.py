"""One browser, one database, one sandbox and one service for all pages; each page is its own."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import Look, a_browser, a_look
from tests.mongo import SharedMongod
from tests.peers import Peers, a_sandbox
from tests.service import API_KEY, Service, a_service


@pytest.fixture(scope="package")
async def browser() -> AsyncGenerator[Browser]:
    """A browser."""
    async with a_browser() as started:
        yield started


@pytest.fixture(scope="package")
async def mongod() -> AsyncGenerator[SharedMongod]:
    """A mongod of the pages' own."""
    shared = SharedMongod()
    try:
        await shared.start_again()
        yield shared
    finally:
        await shared.remove()


@pytest.fixture(scope="package")
async def sandbox() -> AsyncGenerator[Peers]:
    """The peers; runs take long enough to be seen."""
    async with a_sandbox(seconds=1) as peers:
        yield peers


@pytest.fixture(scope="package")
async def shared_service(
    sandbox: Peers, mongod: SharedMongod, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Service]:
    """The service that all tests share."""
    folder = tmp_path_factory.mktemp("browser") / "data"
    async with a_service(folder, sandbox, mongod.uri, "browser") as service:
        await service.start()
        yield service


@pytest.fixture
async def service(shared_service: Service) -> Service:
    """The shared service, which runs; a test may kill it, and start it again or not."""
    if not shared_service.runs:
        await shared_service.start()
    return shared_service


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures of pages are kept, unless BROWSER_ARTEFACTS names another place."""
    return tmp_path / "pictures"


@pytest.fixture
async def look(browser: Browser, pictures: Path) -> AsyncGenerator[Look]:
    """A page that shows nothing yet."""
    async with a_look(browser, pictures) as opened:
        yield opened


@pytest.fixture
async def signed_in(look: Look, service: Service) -> Look:
    """A page whose person has signed in, and which is live."""
    await look.sign_in(f"{service.url}/", API_KEY)
    return look
