"""What is shown stays true, whatever becomes of the page, the net, the service and who looks."""

import asyncio
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.async_api import Browser, CDPSession, Locator, Request, Response, expect

from tests.browser.chromium import Look, a_look
from tests.browser.crowd import Crowd, a_crowd
from tests.browser.elsewhere import Elsewhere
from tests.faults.farm import GRAPH, HELD
from tests.mongo import SharedMongod
from tests.peers import Peers
from tests.service import API_KEY, PATIENCE, Service, until

pytestmark = pytest.mark.anyio

MANY: Final = 500
SNAPSHOT: Final = 50
"""So many that have ended are in a snapshot."""
_README: Final = Path(__file__).parents[2] / "README.md"
_PRINTED: Final = "http://127.0.0.1:8000"
_SHOWN: Final = """each => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [each.naturalWidth, each.naturalHeight];
    canvas.getContext("2d").drawImage(each, 0, 0);
    return canvas.toDataURL();
}"""
"""Returns what a picture shows."""
_NOTE_TOUCHED: Final = """list => {
    window.touched = new Set();
    const note = ({ target }) => {
        const element = target instanceof Element ? target : target.parentElement;
        // What goes by with time is written each second, whatever is told.
        if (element?.closest(".facts")) return;
        touched.add(element?.closest(".card")?.dataset.job ?? "the list");
    };
    const all = { subtree: true, childList: true, attributes: true, characterData: true };
    new MutationObserver((changes) => changes.forEach(note)).observe(list, all);
}"""
"""Notes from now on which cards are written to."""


@pytest.fixture
async def crowd(service: Service, mongod: SharedMongod) -> AsyncGenerator[Crowd]:
    """Many runs, who are gone afterwards."""
    async with a_crowd(mongod.uri, service.environ["MONGODB_DATABASE"]) as many:
        yield many


def _card(look: Look, generation: str) -> Locator:
    return look.page.locator(f'.card[data-generation="{generation}"]')


def _result(look: Look, generation: str) -> Locator:
    return look.page.locator(f'#results [data-generation="{generation}"]')


async def _hold(sandbox: Peers, node: str | None) -> None:
    """Hold up runs at a class of nodes, or let them go."""
    for each in sandbox.comfyui:
        await sandbox.control(f"comfyui/{each.rpartition('/')[2]}", hold=node)


async def test_a_page_that_is_opened_anew_mid_run_shows_the_same_and_its_end(
    signed_in: Look, service: Service, sandbox: Peers
) -> None:
    """One card before and after, and one picture in the end."""
    going, run = await service.order_running()
    card, result = _card(signed_in, going), _result(signed_in, going)
    await expect(card).to_have_attribute("data-status", "running")
    await signed_in.page.reload()
    await expect(card).to_have_attribute("data-status", "running")
    await expect(card).to_have_count(1)

    await sandbox.control(f"comfydeploy/runs/{run}", status="success")
    await expect(result).to_have_attribute("data-status", "completed")
    await expect(result).to_have_count(1)
    await expect(card).to_have_count(0)


async def test_a_page_lives_on_through_a_restart_of_the_service(
    signed_in: Look, service: Service, sandbox: Peers
) -> None:
    """It says that it reconnects, tells what ended meanwhile, and goes on. No reload."""
    page = signed_in.page
    ends, its_run = await service.order_running()
    stays, other_run = await service.order_running()
    for each in (ends, stays):
        await expect(_card(signed_in, each)).to_have_attribute("data-status", "running")
    await page.evaluate("window.world = 'the first'")

    await service.kill()
    await expect(page.locator("#connection")).to_have_text("reconnecting …")
    await signed_in.keep("reconnecting")
    await sandbox.control(f"comfydeploy/runs/{its_run}", status="success")
    await service.start()
    await expect(page.locator("#connection")).to_have_text("live")
    await expect(_result(signed_in, ends)).to_have_attribute("data-status", "completed")
    await expect(_card(signed_in, stays)).to_have_attribute("data-status", "running")
    await sandbox.control(f"comfydeploy/runs/{other_run}", status="success")
    await expect(_result(signed_in, stays)).to_have_attribute("data-status", "completed")

    await expect(page.locator(".card")).to_have_count(0)
    assert await page.evaluate("window.world") == "the first"


async def test_who_joins_late_sees_the_same_picture(
    signed_in: Look, service: Service, sandbox: Peers, browser: Browser, pictures: Path
) -> None:
    """While it is drawn, and in the end."""
    await _hold(sandbox, HELD)
    order = {"engine": "comfyui", "workflow": GRAPH}
    answer = await service.call("POST", "/api/generations", order)
    drawn = answer.raise_for_status().json()["id"]
    first = _card(signed_in, drawn)
    await expect(first.locator(".picture img.preview")).to_be_visible()

    async with a_look(browser, pictures) as late:
        await late.sign_in(f"{service.url}/", API_KEY)
        second = _card(late, drawn)
        await expect(second.locator(".picture img.preview")).to_be_visible()
        (before, _), _ = await until(lambda: _seen(first, second), _alike)
        await _hold(sandbox, None)
        results = _result(signed_in, drawn), _result(late, drawn)
        for each in results:
            await expect(each.locator("img")).to_have_js_property("complete", value=True)
        (after, _), _ = await until(lambda: _seen(*results), _alike)

    assert before != after


async def _seen(*places: Locator) -> list[tuple[str, list[str]]]:
    """Return what picture each of some places shows, and what stands there, but for times."""
    return [
        (
            await each.locator("img").evaluate(_SHOWN),
            await each.locator("h3, .line, .now, .caption, .about").all_text_contents(),
        )
        for each in places
    ]


def _alike(seen: list[tuple[str, list[str]]]) -> bool:
    return seen[0] == seen[1]


async def _put(chrome: CDPSession, state: Literal["frozen", "active"]) -> None:
    """Have a tab sleep as browsers let those sleep that nobody looks at, or wake up."""
    await chrome.send("Page.setWebLifecycleState", {"state": state})  # pyright: ignore[reportUnknownMemberType] - playwright leaves a type open


async def test_a_tab_that_slept_while_all_moved_on_catches_up(
    signed_in: Look, service: Service, sandbox: Peers, crowd: Crowd
) -> None:
    """Its place in the stream is too old, and its run's end in no snapshot any more. No reload."""
    page = signed_in.page
    missed, run = await service.order_running()
    await expect(_card(signed_in, missed)).to_have_attribute("data-status", "running")
    await page.evaluate("window.world = 'the first'")
    asked = list[Request]()
    page.on("request", lambda each: asked.append(each))  # noqa: PLW0108 - it marks what it is given
    chrome = await page.context.new_cdp_session(page)
    # A laptop that sleeps is offline as well: until it wakes up nothing that it asks arrives.
    await page.context.set_offline(offline=True)
    await _put(chrome, "frozen")

    await service.kill()
    service.timing["live_resume"] = 0.1
    await service.start()
    del service.timing["live_resume"]
    await sandbox.control(f"comfydeploy/runs/{run}", status="success")
    await service.until(missed, "completed")
    await crowd.ended(SNAPSHOT)
    await page.context.set_offline(offline=False)
    await _put(chrome, "active")
    await expect(_card(signed_in, missed)).to_have_count(0)
    await expect(_result(signed_in, missed)).to_have_attribute("data-status", "completed")
    await expect(page.locator("html")).to_have_attribute("data-connection", "live")

    streams = [each for each in asked if each.url.endswith("/api/events")]
    assert await streams[-1].header_value("Last-Event-ID")
    assert any(each.url.endswith(f"/api/generations/{missed}") for each in asked)
    assert await page.evaluate("window.world") == "the first"


async def test_five_hundred_cards_are_there_and_a_change_writes_to_one(
    signed_in: Look, crowd: Crowd
) -> None:
    """All can be scrolled to; the others, and where the reader is, stay as they are."""
    page, cards = signed_in.page, signed_in.page.locator(".card[data-job]")
    made = await crowd.run(MANY)
    await expect(cards).to_have_count(MANY)
    await page.reload()
    await expect(cards).to_have_count(MANY)
    oldest = page.locator(f'.card[data-job="{made[0].job_id}"]')
    await oldest.scroll_into_view_if_needed()
    await expect(oldest).to_be_in_viewport()
    await signed_in.keep("many")
    there = await page.evaluate("scrollY")
    await page.locator("#active").evaluate(_NOTE_TOUCHED)

    await crowd.change(made[0].id, liveStatus="Executing the last touch", progress=0.75)
    await expect(oldest).to_contain_text("Executing the last touch")
    await expect(oldest.get_by_role("progressbar")).to_have_js_property("value", 0.75)
    assert await page.evaluate("[...touched]") == [made[0].job_id]
    assert await page.evaluate("scrollY") == there


async def test_a_card_tells_times_cost_and_place(signed_in: Look, crowd: Crowd) -> None:
    """How long it goes on and usually does, what it has cost so far; in the queue, its place."""
    await crowd.ended(1)
    [made] = await crowd.run(1)
    facts = signed_in.page.locator(f'.card[data-job="{made.job_id}"] .facts')
    await expect(facts).to_contain_text(re.compile(r"Elapsed\s*\d+ s\s*Expected\s*about \d+ s"))
    await expect(facts).to_contain_text(re.compile(r"Cost so far\s*≈ \$0\.\d+"))

    await crowd.change(made.id, status="queued", startedAt=None, queuePosition=3)
    await expect(facts).to_contain_text(re.compile(r"In the queue\s*place 3"))


async def test_a_session_that_is_ended_elsewhere_is_over_here_too(
    signed_in: Look, service: Service
) -> None:
    """While it is live: what was shown is gone, and the page says why."""
    page = signed_in.page
    going, _ = await service.order_running()
    await expect(_card(signed_in, going)).to_be_visible()
    (cookie,) = await page.context.cookies()
    headers = {"Cookie": f"{cookie.get('name')}={cookie.get('value')}", "Origin": service.url}
    answer = await service.client.delete(f"{service.url}/api/session", headers=headers)
    assert answer.is_success

    await expect(page.get_by_role("alert")).to_have_text("Your session has ended.")
    await expect(page.get_by_label("API key")).to_be_focused()
    assert await page.locator(".card, .tile").count() == 0
    await signed_in.keep("session-ended")
    await service.call("POST", f"/api/generations/{going}/cancel")


async def test_two_lines_watch_a_run_on_somebody_elses_page(
    look: Look, service: Service, elsewhere: Elsewhere
) -> None:
    """By a view token, from another origin, to its end."""
    page = look.page
    watched = await service.order(sandbox_end="none")
    answer = await service.call("POST", "/api/tokens", {"generation": watched})
    lines = _lines(service.url, answer.raise_for_status().json()["token"], watched)
    elsewhere.page = lines
    await page.goto(elsewhere.origin)
    shown = page.locator("#run")
    await expect(shown).to_have_text(re.compile(r"^running \d+ %$"))

    await service.call("POST", f"/api/generations/{watched}/cancel")
    await expect(shown).to_have_text(re.compile(r"^cancelled \d+ %$"))


async def test_a_token_that_runs_out_mid_stream_is_followed_by_another(
    look: Look, service: Service, elsewhere: Elsewhere
) -> None:
    """Somebody else's page asks its server for one, is refused nothing, and sees the end."""
    page = look.page
    watched, _ = await service.order_running()
    lasts, renewed = [2], asyncio.Event()
    refused = list[Response]()

    async def fresh() -> str:
        if not lasts:
            renewed.set()
        seconds = lasts.pop() if lasts else 60
        order = {"generation": watched, "seconds": seconds}
        answer = await service.call("POST", "/api/tokens", order)
        return answer.raise_for_status().json()["token"]

    def answered(response: Response) -> None:
        if not response.ok and "/api/" in response.url:
            refused.append(response)

    await page.expose_function("fresh", fresh)  # pyright: ignore[reportUnknownMemberType] - playwright leaves a type open
    page.on("response", answered)
    elsewhere.page = f"""<!doctype html><p id="run"></p><script type="module">
        import {{ connect }} from "{service.url}/assets/comfyui-client.js";
        const client = connect({{ server: "{service.url}", token: () => fresh() }});
        const shown = document.getElementById("run");
        client.watch("{watched}", {{ onChange: (state) => (shown.textContent = state.status) }});
    </script>"""
    await page.goto(elsewhere.origin)
    await expect(page.locator("#run")).to_have_text("running")
    async with asyncio.timeout(PATIENCE):
        await renewed.wait()

    await service.call("POST", f"/api/generations/{watched}/cancel")
    await expect(page.locator("#run")).to_have_text("cancelled")
    assert refused == []


def _lines(url: str, token: str, generation_id: str) -> str:
    """Return the lines that are printed, with what somebody puts into them."""
    (printed,) = re.findall(r"```html\n(.*?)```", _README.read_text(), flags=re.DOTALL)
    return (
        printed.replace(_PRINTED, url).replace('"TOKEN"', f'"{token}"').replace("ID", generation_id)
    )
