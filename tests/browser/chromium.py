"""A real Chromium, and pages of it that tell what went wrong in them."""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

ARTEFACTS: Final = "BROWSER_ARTEFACTS"
"""Names the variable that names the folder in which pictures of the page are kept."""
PATIENCE: Final = 30_000.0
"""Longest that anything on a page is waited for, in milliseconds."""
READ_KEY: Final = "a-key-of-the-tests-that-may-only-read"
"""One of the keys of the service that pages are of; `API_KEY` may do everything."""
DESK: Final[ViewportSize] = {"width": 1280, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
)
_NETWORK: Final = "Failed to load resource"
"""What Chromium says of each answer that is a refusal, wanted or not."""


def find() -> str | None:
    """Return where Chromium is, or None."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@asynccontextmanager
async def a_browser() -> AsyncGenerator[Browser]:
    """Start Chromium, as the system has it, and end it on leaving."""
    found = find()
    assert found is not None, "there is no Chromium"
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(frozen=True)
class Look:
    """A page, with what it complained of.

    Attributes:
        page: The page.
        folder: Where pictures of it are kept.
        troubles: Errors of its scripts, and what its policy did not allow.
    """

    page: Page
    folder: Path
    troubles: list[str] = field(default_factory=list[str])

    async def keep(self, name: str, *, whole: bool = False) -> Path:
        """Keep a picture of the page as it stands; return its file."""
        path = self.folder / f"{name}.png"
        await self.page.screenshot(path=path, full_page=whole, animations="disabled")
        return path

    async def sign_in(self, url: str, key: str) -> None:
        """Open the dashboard at an address and sign in by a key; return when it is live."""
        await self.page.goto(url)
        await self.page.get_by_label("API key").fill(key)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.locator('html[data-connection="live"]').wait_for()


@asynccontextmanager
async def a_look(
    browser: Browser,
    folder: Path,
    *,
    size: ViewportSize = DESK,
    theme: Literal["light", "dark"] = "light",
) -> AsyncGenerator[Look]:
    """Open a page of its own, as a person with nothing but it would; in the end it was well.

    Args:
        browser: The browser.
        folder: Where pictures are kept unless the environment names another place.
        size: Of what is seen of it.
        theme: What the person's system says.
    """
    context = await browser.new_context(
        viewport=size, color_scheme=theme, reduced_motion="reduce", locale="en-GB"
    )
    context.set_default_timeout(PATIENCE)
    look = Look(await context.new_page(), Path(os.environ.get(ARTEFACTS) or folder))

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_NETWORK):
            look.troubles.append(message.text)

    look.page.on("console", said)
    look.page.on("pageerror", lambda error: look.troubles.append(str(error)))
    try:
        yield look
    finally:
        await context.close()
    assert look.troubles == []
