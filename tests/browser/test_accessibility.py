"""The dashboard is for everybody: axe finds nothing serious, in light and in dark."""

from pathlib import Path
from typing import Any, Final, Literal, cast

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import DESK, PHONE, a_look
from tests.service import API_KEY, Service

pytestmark = pytest.mark.anyio

GRAVE: Final = {"serious", "critical"}


async def _grave(page: Page) -> list[str]:
    """Return what axe finds grave on a page, with what it is about."""
    # The package has no types of its own.
    found = cast("dict[str, Any]", (await Axe().run(page)).response)  # pyright: ignore[reportUnknownMemberType]
    return [
        f"{each['id']}: {node['html']}"
        for each in found["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_grave(
    browser: Browser, service: Service, pictures: Path, theme: Literal["light", "dark"]
) -> None:
    """Before the door, with something running, with results, and with one of them open."""
    size = DESK if theme == "light" else PHONE
    async with a_look(browser, pictures, theme=theme, size=size) as look:
        page = look.page
        await page.goto(f"{service.url}/")
        await expect(page.get_by_label("API key")).to_be_visible()
        at_the_door = await _grave(page)

        await look.sign_in(f"{service.url}/", API_KEY)
        endless, _ = await service.order_running()
        done = await service.order(prompt="a lighthouse")
        await expect(page.locator(f'.card[data-generation="{endless}"]')).to_be_visible()
        await expect(page.locator(f'#results [data-generation="{done}"]')).to_be_visible()
        inside = await _grave(page)
        await look.keep(f"board-{theme}", whole=True)

        await page.locator(f'#results [data-generation="{done}"] button').click()
        closer = await _grave(page)
        await service.call("POST", f"/api/generations/{endless}/cancel")

    assert (at_the_door, inside, closer) == ([], [], [])
