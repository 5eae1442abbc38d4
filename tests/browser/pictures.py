"""Makes the pictures of docs/dashboard.md: the real page before the stand-ins, in its main states.

python -m tests.browser.pictures FOLDER
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from tests.browser.chromium import PHONE, Look, a_browser, a_look
from tests.faults.chains import Tailor, a_line, a_tailor
from tests.faults.farm import GRAPH
from tests.mongo import SharedMongod
from tests.peers import a_sandbox
from tests.service import API_KEY, Service, a_service

SCENES: Final = (
    "a lighthouse at dusk",
    "a harbour in the fog, oil on canvas",
    "маяк в снегу",
    "um barco no rio ao amanhecer",
    "two foxes asleep under a maple",
    "the moon over a railway bridge",
)
TALL: Final[ViewportSize] = {"width": 1280, "height": 1400}
"""Of a window in which all but the plots is seen."""
COLOURS: Final = 200
"""Of a picture: few enough for a small file, as many as a page of ours and a sunset want."""
_PATIENCE: Final = 180


@asynccontextmanager
async def a_stage() -> AsyncGenerator[tuple[Service, Tailor, Browser]]:
    """Set up a service whose runs take their time."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runrelay-pictures-")))
        mongod = SharedMongod()
        stack.push_async_callback(mongod.remove)
        await mongod.start_again()
        peers = await stack.enter_async_context(a_sandbox(seconds=1))
        service = await stack.enter_async_context(
            a_service(folder / "data", peers, mongod.uri, "pictures")
        )
        service.environ["COMFYUI_SERVERS"] = peers.comfyui[0]
        await service.start()
        tailor = await stack.enter_async_context(a_tailor(service, peers, mongod.uri, "pictures"))
        yield service, tailor, await stack.enter_async_context(a_browser())


async def play(service: Service, tailor: Tailor) -> None:
    """Have results there, and something of every kind under way."""
    for each in SCENES:
        await service.until(await service.order(prompt=each), "completed")
    await service.until(await service.order(prompt="a storm", sandbox_end="failed"), "failed")
    job = await tailor.order(300_001, a_line(3), manual=True)
    await tailor.predictions(job, 1)
    steps = {"steps": 2_000, "step_seconds": 0.25}
    for name in ("a castle of sand", "a castle of glass"):
        slow = {**GRAPH["2"], "inputs": {**GRAPH["2"]["inputs"], **steps}}
        order = {"engine": "comfyui", "workflow": {**GRAPH, "2": slow}}
        label = {"metadata": {"preset": name}}
        (await service.call("POST", "/api/generations", order | label)).raise_for_status()
    await service.order(prompt="a lighthouse in the rain", sandbox_seconds=40)


async def ready(page: Page) -> None:
    """Wait until everything that was begun is seen, and every picture in sight is there."""
    await expect(page.locator(".card")).to_have_count(4)
    await expect(page.locator(".card .picture img.preview")).to_be_visible()
    await expect(page.get_by_text("Waits for you after step 1")).to_be_visible()
    await expect(page.locator(".card[data-status=running]")).to_have_count(2)
    await expect(page.locator("#results li")).to_have_count(8)
    for bar in await page.locator("[data-status=running] progress").all():
        await expect(bar).not_to_have_js_property("value", 0)
    await loaded(page.locator("#results img"))


async def loaded(images: Locator) -> None:
    """Wait until pictures are there."""
    for each in await images.all():
        await expect(each).to_have_js_property("complete", value=True)


async def take(service: Service, browser: Browser, folder: Path) -> None:
    """Take the pictures."""
    async with a_look(browser, folder, size=TALL) as look:
        await look.sign_in(f"{service.url}/", API_KEY)
        await ready(look.page)
        await look.keep("board-light")
        await look.page.get_by_role("heading", name="The last hours").scroll_into_view_if_needed()
        await _plots(look)
        await look.page.locator("#results li[data-status=completed] button").nth(2).click()
        await expect(look.page.get_by_role("dialog").get_by_role("img")).to_be_visible()
        await look.keep("result")
    async with a_look(browser, folder, theme="dark", size=PHONE) as look:
        await look.sign_in(f"{service.url}/", API_KEY)
        card = look.page.locator(".card", has_text="a castle of sand")
        await card.scroll_into_view_if_needed()
        await expect(card.locator(".picture img.preview")).to_be_visible()
        await look.keep("phone")


async def _plots(look: Look) -> None:
    plots = look.page.locator("#plots")
    await plots.scroll_into_view_if_needed()
    await loaded(plots.locator("img"))
    await look.keep("plots")


async def _all(folder: Path) -> None:
    async with asyncio.timeout(_PATIENCE), a_stage() as (service, tailor, browser):
        await play(service, tailor)
        await take(service, browser, folder)


def main() -> None:
    """Make them, and make them small."""
    folder = Path(sys.argv[1])
    asyncio.run(_all(folder))
    for each in folder.glob("*.png"):
        with Image.open(each) as picture:
            picture.convert("RGB").quantize(COLOURS).save(each, optimize=True)


if __name__ == "__main__":
    main()
