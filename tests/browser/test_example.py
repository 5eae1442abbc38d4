"""The example app: a page of one's own, from elsewhere, with a view token and the component."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Locator, expect

from app.store.embedded.address import choose
from tests.browser.chromium import PATIENCE, Look
from tests.browser.grave import grave
from tests.browser.shop import MODULES, a_shop, build
from tests.mongo import SharedMongod
from tests.peers import Peers
from tests.service import API_KEY, Service, a_service

pytestmark = pytest.mark.anyio

SHOP_KEY: Final = "the-key-that-the-shop-has"
_README: Final = Path(__file__).parents[2] / "README.md"
_RENDER: Final = """
import {{ createRoot }} from "react-dom/client";
import {{ useEffect, useState }} from "react";

function Page() {{
  const [rendered, again] = useState(1);
  useEffect(() => {{ if (rendered < {times}) again(rendered + 1); }});
  return <main data-rendered={{rendered}}><Run /></main>;
}}
createRoot(document.getElementById("root")!).render(<Page />);
"""
"""A page that renders its run anew a number of times, as pages do."""

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def shop() -> str:
    """Where the shop listens."""
    return f"http://127.0.0.1:{choose(None)}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shop, and what belongs to it, is built."""
    return tmp_path_factory.mktemp("example")


@pytest.fixture(scope="module")
async def service(
    sandbox: Peers, mongod: SharedMongod, shop: str, folder: Path
) -> AsyncGenerator[Service]:
    """A service that lets the shop's page in, and the shop."""
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


async def test_one_component_watches_a_run_on_somebody_elses_page(
    look: Look, service: Service, shop: str, folder: Path
) -> None:
    """The lines that the README prints, with a token and an id, over one stream."""
    page, run = look.page, _run(look)
    watched = await service.order(prompt="a boat", sandbox_end="none")
    answer = await service.call("POST", "/api/tokens", {"generation": watched})
    token = answer.raise_for_status().json()["token"]
    await _build_as_printed(folder, service.url, token, watched)
    streams: list[str] = []
    page.on("request", lambda each: streams.append(each.url) if "/events" in each.url else None)

    await page.goto(f"{shop}/printed/")
    await expect(page.locator("main")).to_have_attribute("data-rendered", "5")
    await expect(run).to_have_attribute("data-status", "running")
    await expect(run.get_by_role("progressbar", name="a boat")).to_be_visible()
    await expect(run).to_have_css("border-top-style", "solid")
    # Its token only sees, so nothing else is offered.
    await expect(run.get_by_role("button")).to_have_count(0)
    await service.call("POST", f"/api/generations/{watched}/cancel")
    await expect(run).to_have_attribute("data-status", "cancelled")
    assert len(streams) == 1


async def _build_as_printed(folder: Path, url: str, token: str, generation_id: str) -> None:
    """Build a page of the README's lines, beside the shop."""
    (lines,) = re.findall(r"```tsx\n(.*?)```", _README.read_text(), flags=re.DOTALL)
    filled = lines.replace("http://127.0.0.1:8000", url).replace('"TOKEN"', f'"{token}"')
    source = folder / "printed"
    source.mkdir()
    (source / "node_modules").symlink_to(MODULES)
    (source / "main.tsx").write_text(filled.replace("ID", generation_id) + _RENDER.format(times=5))
    (source / "index.html").write_text(
        '<!doctype html><div id="root"></div><script type="module" src="main.tsx"></script>'
    )
    await build(source, folder / "shop/printed")
