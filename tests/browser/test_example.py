"""The example app: a page of one's own, from elsewhere, with a view token and the component."""

from collections.abc import AsyncGenerator
from typing import Final

import pytest
from playwright.async_api import Locator, expect

from app.store.embedded.address import choose
from tests.browser.chromium import PATIENCE, Look
from tests.browser.grave import grave
from tests.browser.shop import a_shop
from tests.mongo import SharedMongod
from tests.peers import Peers
from tests.service import API_KEY, Service, a_service

pytestmark = pytest.mark.anyio

SHOP_KEY: Final = "the-key-that-the-shop-has"

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def shop() -> str:
    """Where the shop listens."""
    return f"http://127.0.0.1:{choose(None)}"


@pytest.fixture(scope="module")
async def service(
    sandbox: Peers, mongod: SharedMongod, shop: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Service]:
    """A service that lets the shop's page in, and the shop."""
    folder = tmp_path_factory.mktemp("example")
    async with a_service(folder / "data", sandbox, mongod.uri, "example") as service:
        service.environ["CORS_ORIGINS"] = shop
        service.environ["INTERNAL_API_KEY"] = f"{API_KEY},shop:act:{SHOP_KEY}"
        await service.start()
        async with a_shop(folder / "shop", shop, service.url, SHOP_KEY):
            yield service


def _run(look: Look) -> Locator:
    """Return the card of the run that is watched."""
    return look.page.locator("main > article")


async def test_a_picture_is_ordered_and_watched_to_its_end(
    look: Look, service: Service, shop: str
) -> None:
    """Its picture is there, and what axe finds is not grave."""
    page, run = look.page, _run(look)
    await page.goto(shop)
    await page.get_by_label("What shall it show?").fill("a lighthouse in the rain")
    await page.get_by_role("button", name="Order").press("Enter")

    await expect(run.locator(".runrelay-standing")).to_contain_text("Done in")
    picture = run.get_by_role("link").get_by_role("img", name="a lighthouse in the rain")
    await expect(picture).to_have_js_property("complete", value=True)
    await look.keep("example-done")

    assert await picture.evaluate("each => each.naturalWidth") > 0
    assert await grave(page) == []
    assert service.url in str(await picture.get_attribute("src"))


async def test_a_run_is_cancelled_after_the_server_was_away(
    look: Look, service: Service, shop: str
) -> None:
    """The page says that it reconnects, finds the run as it is, and sees it end. No reload."""
    generation_id, _ = await service.order_running()
    page, run = look.page, _run(look)
    await page.goto(f"{shop}/#{generation_id}")
    await expect(run).to_have_attribute("data-status", "running")
    await expect(run.get_by_role("progressbar", name="a lighthouse at dusk")).to_be_visible()
    await expect(run.get_by_role("status")).to_contain_text("Running")
    await look.keep("example-running")
    at_work = await grave(page)

    await service.kill()
    await expect(run).to_contain_text("Reconnecting")
    await service.start()
    await expect(run).not_to_contain_text("Reconnecting")
    await run.get_by_role("button", name="Cancel").press("Enter")
    await expect(run).to_have_attribute("data-status", "cancelled")

    await expect(run).to_be_focused()
    assert at_work == []
    assert (await service.get(generation_id))["status"] == "cancelled"


async def test_what_others_order_is_listed_over_one_stream(
    look: Look, service: Service, shop: str
) -> None:
    """Runs of others come by themselves, and a page that comes late sees the same."""
    page = look.page
    await page.goto(shop)
    await service.order(prompt="a harbour in the fog")
    card = page.get_by_role("listitem").get_by_role("article", name="a harbour in the fog")
    await expect(card).to_have_attribute("data-status", "completed")
    await expect(card.get_by_role("img", name="a harbour in the fog")).to_be_visible()

    await page.reload()
    await expect(card).to_have_attribute("data-status", "completed")
