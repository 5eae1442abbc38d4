"""What axe, which knows the rules of accessibility, finds grave on a page."""

from typing import Any, Final, cast

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

_GRAVE: Final = {"serious", "critical"}


async def grave(page: Page) -> list[str]:
    """Return what is grave, with what it is about."""
    # The package has no types of its own.
    found = cast("dict[str, Any]", (await Axe().run(page)).response)  # pyright: ignore[reportUnknownMemberType]
    return [
        f"{each['id']}: {node['html']}"
        for each in found["violations"]
        if each["impact"] in _GRAVE
        for node in each["nodes"]
    ]
