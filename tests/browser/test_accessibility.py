"""The dashboard is for everybody: axe finds nothing serious, in light and in dark."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import DESK, PHONE, a_look
from tests.browser.grave import grave
from tests.service import API_KEY, Service

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothinggrave(
    browser: Browser, service: Service, pictures: Path, theme: Literal["light", "dark"]
) -> None:
    """Before the door, with something running, with results, and with one of them open."""
    size = DESK if theme == "light" else PHONE
    async with a_look(browser, pictures, theme=theme, size=size) as look:
        page = look.page
        await page.goto(f"{service.url}/")
        await expect(page.get_by_label("API key")).to_be_visible()
        at_the_door = await grave(page)

        await look.sign_in(f"{service.url}/", API_KEY)
        endless, _ = await service.order_running()
        done = await service.order(prompt="a lighthouse")
        await expect(page.locator(f'.card[data-generation="{endless}"]')).to_be_visible()
        await expect(page.locator(f'#results [data-generation="{done}"]')).to_be_visible()
        inside = await grave(page)
        await look.keep(f"board-{theme}", whole=True)

        await page.locator(f'#results [data-generation="{done}"] button').click()
        closer = await grave(page)
        await service.call("POST", f"/api/generations/{endless}/cancel")

    assert (at_the_door, inside, closer) == ([], [], [])
