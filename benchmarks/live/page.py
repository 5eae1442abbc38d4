"""The dashboard in a real Chromium: how soon somebody who opens it sees what runs."""

import shutil
from typing import Final

import orjson
from playwright.async_api import Browser, async_playwright

from benchmarks import report, world
from benchmarks.report import Figures
from benchmarks.world import Service

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
)
_PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
_CARDS: Final = "document.querySelectorAll('[data-job], [data-generation]').length"
_WAIT_MS: Final = 30_000


async def painted(service: Service, cards: int, times: int) -> Figures:
    """Open the page so many times, signed in; return when it was painted, and all of it shown.

    Args:
        service: Whose page.
        cards: How many it shows in the end.
        times: How often it is opened, each time by a browser that has seen nothing of it.
    """
    paints, firsts, wholes = list[float](), list[float](), list[float]()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=FLAGS
        )
        for _ in range(times):
            paint, first, whole = await _opened(browser, service, cards)
            paints.append(paint)
            firsts.append(first)
            wholes.append(whole)
        await browser.close()
    return {
        "cards": cards,
        "opened": times,
        "first_paint_ms": report.middle(paints),
        "first_card_ms": report.middle(firsts),
        "all_cards_ms": report.middle(wholes),
        "all_cards_most_ms": round(max(wholes)),
    }


async def _opened(browser: Browser, service: Service, cards: int) -> tuple[float, float, float]:
    """Open the page; return the milliseconds until its first paint, first card, and last card."""
    # The page's policy lets nothing evaluate a text, as waiting for a condition does.
    async with await browser.new_context(bypass_csp=True) as context:
        answer = await context.request.post(
            f"{service.url}/api/session",
            data=orjson.dumps({"key": world.API_KEY}).decode(),
            headers={"Content-Type": "application/json", "Origin": service.url},
        )
        if not answer.ok:
            raise RuntimeError(f"nobody is signed in: {answer.status}")
        tab = await context.new_page()
        await tab.goto(f"{service.url}/", wait_until="commit")
        shown = list[float]()
        for wanted in (1, cards):
            moment = await tab.wait_for_function(
                f"() => {_CARDS} >= {wanted} && performance.now()", timeout=_WAIT_MS
            )
            shown.append(float(await moment.json_value()))
        paint = float(await tab.evaluate(_PAINT))
        return paint, shown[0], shown[1]
