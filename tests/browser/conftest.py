"""One browser, one database, one sandbox and one service for all pages; each page is its own."""

from collections.abc import AsyncGenerator, Generator
from itertools import count
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import READ_KEY, Look, a_browser, a_look, find
from tests.browser.elsewhere import Elsewhere, an_elsewhere
from tests.faults.chains import Tailor, a_tailor
from tests.mongo import SharedMongod
from tests.peers import Peers, a_sandbox
from tests.service import API_KEY, Service, a_service

_CHATS = count(200_001)
_FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="package")
async def browser() -> AsyncGenerator[Browser]:
    """A browser; without one there is nothing to be seen."""
    if find() is None:
        pytest.skip("there is no Chromium; as root, scripts/test installs Debian's")
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
    sandbox: Peers,
    mongod: SharedMongod,
    elsewhere: Elsewhere,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Service]:
    """The service that all tests share."""
    folder = tmp_path_factory.mktemp("browser") / "data"
    async with a_service(folder, sandbox, mongod.uri, "browser") as service:
        service.environ["COMFYUI_SERVERS"] = ",".join(sandbox.comfyui)
        service.environ["INTERNAL_API_KEY"] = f"{API_KEY},watcher:read:{READ_KEY}"
        service.environ["CORS_ORIGINS"] = elsewhere.origin
        # Who is signed out elsewhere is told with the next sign of life.
        service.timing["live_beat"] = 1
        await service.start()
        yield service


@pytest.fixture(scope="package")
async def elsewhere() -> AsyncGenerator[Elsewhere]:
    """Somebody else's site."""
    async with an_elsewhere() as site:
        yield site


@pytest.fixture
async def tailor(service: Service, sandbox: Peers, mongod: SharedMongod) -> AsyncGenerator[Tailor]:
    """Who orders jobs of several steps."""
    async with a_tailor(service, sandbox, mongod.uri, "browser") as ordering:
        yield ordering


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test has failed, for what is taken down after it."""
    report = yield
    item.stash[_FAILED] = report.failed
    return report


@pytest.fixture
async def look(
    request: pytest.FixtureRequest, browser: Browser, pictures: Path
) -> AsyncGenerator[Look]:
    """A page that shows nothing yet; where its test fails, a picture of it is kept."""
    test: pytest.Item = request.node
    async with a_look(browser, pictures) as opened:
        yield opened
        if test.stash.get(_FAILED, False):
            await opened.keep(f"failed-{test.name}", whole=True)


@pytest.fixture
async def signed_in(look: Look, service: Service) -> Look:
    """A page whose person has signed in, and which is live."""
    await look.sign_in(f"{service.url}/", API_KEY)
    return look


@pytest.fixture
def chat() -> int:
    """A chat that no other test writes to."""
    return next(_CHATS)
