"""The dashboard as a person uses it: sign in, watch, start, cancel, look closer, sign out.

One file, for each file of browser tests may start a database, a sandbox and a service of its own.
"""

import json
import re
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.browser.chromium import DESK, PHONE, READ_KEY, Look, a_look
from tests.browser.grave import grave
from tests.faults.chains import ALTER, Tailor, a_line
from tests.faults.farm import GRAPH
from tests.service import API_KEY, Service

pytestmark = pytest.mark.anyio

_EXAMPLES: Final = Path(__file__).parents[2] / "examples"
_PERSON: Final = _EXAMPLES / "pictures" / "person.png"
HOSTILE: Final = (
    '<img src="x" onerror="document.title=1"> </bdi></h3><script>document.title=2</script> '
    "\u202e\u05d4\u05d9\u202e \u2067" + "x" * 10_000
)


async def test_signing_in_takes_a_right_key_and_signing_out_leaves_nothing(
    look: Look, service: Service
) -> None:
    """What was shown is gone, also in other tabs, and stays so after a reload."""
    page = look.page
    await page.goto(f"{service.url}/")
    await page.get_by_label("API key").fill("no key of ours")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("That is no key of this service.")
    await look.keep("sign-in")

    await page.get_by_label("API key").fill(API_KEY)
    await page.keyboard.press("Enter")
    await expect(page.locator("html")).to_have_attribute("data-connection", "live")
    await expect(page.get_by_role("heading", name="Active")).to_be_focused()
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-connection", "live")

    await page.get_by_role("link", name="API").click()
    await expect(page.get_by_role("heading", name="generations")).to_be_visible()
    await page.go_back()
    await expect(page.locator("html")).to_have_attribute("data-connection", "live")

    other = await page.context.new_page()
    await other.goto(f"{service.url}/")
    await expect(other.locator("html")).to_have_attribute("data-connection", "live")
    await page.get_by_role("button", name="Sign out").click()
    await expect(other.get_by_role("alert")).to_have_text("Your session has ended.")
    await expect(page.get_by_label("API key")).to_be_focused()
    await expect(page.get_by_label("API key")).to_have_value("")
    assert await page.locator(".card, .tile").count() == 0
    await page.reload()
    await expect(page.get_by_label("API key")).to_be_visible()


async def test_a_key_that_may_only_read_is_offered_nothing_else(
    look: Look, service: Service
) -> None:
    """Neither the form nor the buttons."""
    page = look.page
    endless, _ = await service.order_running()
    await look.sign_in(f"{service.url}/", READ_KEY)
    card = page.locator(f'.card[data-generation="{endless}"]')
    await expect(card).to_be_visible()
    await expect(page.locator(".plots img")).to_have_count(7)
    # The numbers are of the same hours as the plots, wherever one is.
    await expect(page.locator("#plots thead").first).to_contain_text("Hour (UTC)")

    await expect(card.get_by_role("button")).to_have_count(0)
    await expect(page.get_by_role("button", name="Start", exact=True)).to_have_count(0)
    await service.call("POST", f"/api/generations/{endless}/cancel")
    await expect(card).to_have_count(0)


async def test_the_docs_are_read_with_a_key(look: Look, service: Service) -> None:
    """The policy lets their script run, and their style be."""
    page = look.page
    await page.goto(f"{service.url}/docs")
    await page.get_by_label("API key").fill(READ_KEY)
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", name="problems")).to_be_visible()
    await expect(page.locator("body")).to_have_css("max-width", "928px")


async def test_a_page_that_is_opened_in_an_outage_comes_by_itself(signed_in: Look) -> None:
    """Nobody signs in again, nor reloads; and it comes in the colours that are chosen."""
    page = signed_in.page
    await page.get_by_role("button", name="Theme: system").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.route("**/api/session", lambda route: route.abort())
    await page.clock.install()
    await page.reload()
    await expect(page.get_by_role("alert")).to_have_text("The service is not reached.")
    await page.unroute("**/api/session")
    await page.clock.fast_forward("00:05")

    await expect(page.locator("html")).to_have_attribute("data-connection", "live")
    await expect(page.get_by_role("heading", name="Start a run")).to_be_visible()
    drawn = page.locator("#plots img").first
    await expect(drawn).to_have_attribute("src", re.compile("theme=dark"))


async def test_a_run_is_watched_to_its_end_and_looked_at_closer(
    signed_in: Look, service: Service
) -> None:
    """Its card tells how far it is; its picture comes to the gallery, and opens by the keyboard."""
    page = signed_in.page
    started = await service.order(prompt="a lighthouse in the rain")
    card = page.locator(f'.card[data-generation="{started}"]')
    await expect(card.get_by_role("heading")).to_have_text("a lighthouse in the rain")
    await expect(card.get_by_role("progressbar", name="a lighthouse in the rain")).to_be_visible()
    await expect(card).to_have_attribute("data-status", "running")
    await signed_in.keep("running")

    result = page.locator(f'#results [data-generation="{started}"]')
    await expect(result).to_have_attribute("data-status", "completed")
    await expect(result.locator("img")).to_have_js_property("complete", value=True)
    await expect(card).to_have_count(0)
    await expect(page.get_by_role("status").filter(has_text="Completed")).to_contain_text(
        "a lighthouse in the rain"
    )

    await result.get_by_role("button").focus()
    await page.keyboard.press("Enter")
    shown = page.get_by_role("dialog", name="Completed")
    await expect(shown.get_by_role("img")).to_have_attribute("alt", "a lighthouse in the rain")
    await expect(shown.get_by_role("link", name="Download")).to_be_visible()
    await expect(shown.get_by_role("button", name="Previous")).to_be_disabled()
    await signed_in.keep("result")
    await page.keyboard.press("Escape")
    await expect(shown).to_have_count(0)
    await expect(result.get_by_role("button")).to_be_focused()


async def test_a_run_that_fails_says_why(signed_in: Look, service: Service) -> None:
    """Where its picture would be, and at length when it is looked at closer."""
    page = signed_in.page
    fails = {**GRAPH["2"], "inputs": {**GRAPH["2"]["inputs"], "fail_at_step": 0}}
    order = {"engine": "comfyui", "workflow": {**GRAPH, "2": fails}}
    answer = await service.call("POST", "/api/generations", order)
    failed = answer.raise_for_status().json()["id"]
    result = page.locator(f'#results [data-generation="{failed}"]')
    await expect(result).to_have_attribute("data-status", "failed")
    why = (await service.until(failed, "failed"))["responsePayload"]["error"]
    await expect(result.locator(".words")).to_have_text(why)
    await result.get_by_role("button", name="Failed: ").click()
    await expect(page.get_by_role("dialog", name="Failed")).to_contain_text(why)
    await signed_in.keep("failed")


async def test_plots_are_pictures_with_words_and_numbers(signed_in: Look, service: Service) -> None:
    """Each says what it is to those who do not see it, and the numbers are those it is drawn of."""
    page = signed_in.page
    await service.until(await service.order(), "completed")
    async with page.expect_response("**/api/stats?hours=6") as told:
        await page.get_by_label("Show").select_option("6 hours")
    stats = await (await told.value).json()
    figures = page.locator("#plots figure")
    await expect(figures).to_have_count(7)
    for each in await figures.all():
        await _is_told(each)
    outcomes = page.get_by_role("figure", name="Runs by outcome")
    rows = await outcomes.locator("tbody tr").all()
    shown = [await each.locator("td").all_text_contents() for each in rows]
    await signed_in.keep("plots")

    kinds = ("completed", "failed", "cancelled", "timeout")
    hours = [[str(each["runs"][kind]) for kind in kinds] for each in reversed(stats["items"])]
    assert shown == hours
    assert sum(int(completed) for completed, *_ in shown) > 0


async def _is_told(figure: Locator) -> None:
    """See that a plot is drawn, is called what it is, and has its numbers at the keyboard's end."""
    title = await figure.locator("figcaption").text_content() or ""
    image = figure.get_by_role("img")
    await image.scroll_into_view_if_needed()
    await expect(image).to_have_js_property("complete", value=True)
    assert await image.evaluate("each => each.naturalWidth") > 0
    assert (await image.get_attribute("alt") or "").startswith(title)
    await figure.locator("summary").press("Enter")
    table = figure.get_by_role("region", name=f"{title}: numbers").get_by_role("table")
    await expect(table.get_by_role("columnheader").first).to_be_visible()


async def test_one_click_makes_a_picture_and_another_cancels(
    signed_in: Look, service: Service
) -> None:
    """The form is filled in by itself; a run that is cancelled says so, and the keyboard stays."""
    page = signed_in.page
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("status").filter(has_text="Started.")).to_be_visible()
    await expect(page.locator("#results li[data-status=completed]").first).to_contain_text(
        "a lighthouse at dusk"
    )

    endless, _ = await service.order_running()
    card = page.locator(f'.card[data-generation="{endless}"]')
    await expect(card).to_have_attribute("data-status", "running")
    await card.get_by_role("button", name="Cancel: ").focus()
    await page.keyboard.press("Enter")
    result = page.locator(f'#results [data-generation="{endless}"]')
    await expect(result).to_have_attribute("data-status", "cancelled")
    await expect(card).to_have_count(0)
    assert await page.evaluate("document.activeElement !== document.body")
    assert (await service.get(endless))["status"] == "cancelled"


async def test_a_hostile_prompt_is_words_and_nothing_else(
    signed_in: Look, service: Service
) -> None:
    """Neither markup nor script nor direction nor length does anything to the page."""
    page = signed_in.page
    hostile = await service.order(prompt=HOSTILE, sandbox_end="none")
    card = page.locator(f'.card[data-generation="{hostile}"]')
    title = card.get_by_role("heading")
    await expect(title).to_contain_text('<img src="x" onerror="document.title=1">')
    await signed_in.keep("hostile")

    assert len(await title.text_content() or "") < 300
    assert await page.title() == "Runrelay"
    assert await card.locator("img, script").count() == 0
    assert await title.evaluate("each => each.scrollWidth <= each.clientWidth")
    name = await card.get_by_role("button", name="Cancel").get_attribute("aria-label") or ""
    assert "\u202e" not in name
    await service.call("POST", f"/api/generations/{hostile}/cancel")
    await expect(card).to_have_count(0)
    assert signed_in.troubles == []


async def test_nothing_is_wider_than_a_phone(signed_in: Look, service: Service) -> None:
    """Whatever is shown, the page moves up and down only."""
    page = signed_in.page
    await page.set_viewport_size(PHONE)
    endless, _ = await service.order_running()
    await expect(page.locator(f'.card[data-generation="{endless}"]')).to_be_visible()
    await signed_in.keep("phone")

    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide == PHONE["width"]
    await service.call("POST", f"/api/generations/{endless}/cancel")
    await expect(page.locator(f'#results [data-generation="{endless}"]')).to_be_visible()
    await page.locator(f'#results [data-generation="{endless}"] button').click()
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_a_job_asks_after_each_step_and_goes_on_when_it_is_told(
    signed_in: Look, tailor: Tailor, chat: int
) -> None:
    """One card for all of it: which step it is at, what the last has made, and its buttons."""
    page = signed_in.page
    job = await tailor.order(chat, a_line(2), manual=True)
    card = page.locator(f'.card[data-job="{job.id}"]')
    await expect(card).to_contain_text("Waits for you after step 1")
    await expect(card).to_contain_text("step 2 of 2")
    # People's heads are not cut off.
    await expect(card.locator(".picture img")).to_have_css("object-fit", "contain")
    # It is the job that goes on: its steps that wait their turn do not set it back.
    await expect(card.get_by_text("Elapsed", exact=True)).to_be_visible()
    await expect(card.get_by_text("Waiting", exact=True)).to_be_hidden()
    assert await page.locator(".card").count() == 1
    await signed_in.keep("paused")

    await card.get_by_role("button", name="Continue: ").focus()
    await page.keyboard.press("Enter")
    await expect(card).to_have_count(0)
    last = page.locator(f'#results [data-generation="{job.steps[-1].generation}"]')
    await expect(last).to_have_attribute("data-status", "completed")
    await expect(last).to_contain_text("step 2 of 2")


async def test_a_job_is_stopped_where_it_asks(signed_in: Look, tailor: Tailor, chat: int) -> None:
    """What was made stays; the rest is not."""
    page = signed_in.page
    job = await tailor.order(chat, a_line(2), manual=True)
    card = page.locator(f'.card[data-job="{job.id}"]')
    await card.get_by_role("button", name="Stop: ").click()
    await expect(card).to_have_count(0)
    left = page.locator(f'#results [data-generation="{job.steps[-1].generation}"]')
    await expect(left).to_have_attribute("data-status", "cancelled")


async def test_a_preset_is_ordered_for_a_person(signed_in: Look, tailor: Tailor, chat: int) -> None:
    """Who is found by what they are known by; a picture is given with it."""
    page = signed_in.page
    before = await tailor.order(chat, a_line(1))
    await page.reload()
    await page.get_by_label("With").select_option(f"preset {ALTER}")
    await page.get_by_role("button", name="Start", exact=True).click()
    await page.get_by_label("For").fill("nobody there")
    await page.get_by_role("textbox", name="prompt").fill("a boat")
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator("#order").get_by_role("alert")).to_contain_text("Choose a person")
    await page.get_by_label("For").fill(str(chat))
    found = page.locator(f'#people option[value$="{before.user_id}"]')
    await expect(found).to_be_attached()
    await page.get_by_label("For").fill(await found.get_attribute("value") or "")
    await page.get_by_label("Photo").set_input_files(_PERSON)
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_text("Started.")).to_be_visible()
    made = page.locator("#results [data-generation]", has_text="a boat")
    await expect(made).to_have_attribute("data-status", "completed")
    record = await tailor.service.get(await made.get_attribute("data-generation") or "")
    assert record["requestPayload"]["inputs"]["image"].startswith("media:inputs/")
    assert (await tailor.job(record["jobId"])).user_id == before.user_id


async def test_a_model_that_is_none_is_told_before_it_is_ordered(signed_in: Look) -> None:
    """By the browser, in words; names and versions of models are let through."""
    page = signed_in.page
    await page.get_by_label("With").select_option("engine replicate")
    model = page.get_by_role("textbox", name="Model")
    fits = {"nonsense": False, "a/b-c.d": True, "a" * 64: True, f"a/b:{'0' * 64}": True}
    for written, fit in fits.items():
        await model.fill(written)
        assert await model.evaluate("each => each.checkValidity()") is fit, written
    assert "owner/name" in (await model.get_attribute("title") or "")


async def test_a_picture_is_shown_as_it_is_drawn(signed_in: Look, service: Service) -> None:
    """The newest preview of a run at a ComfyUI server is on its card."""
    page = signed_in.page
    slow = {**GRAPH["2"], "inputs": {**GRAPH["2"]["inputs"], "steps": 600, "step_seconds": 0.05}}
    order = {"engine": "comfyui", "workflow": {**GRAPH, "2": slow}}
    answer = await service.call("POST", "/api/generations", order)
    drawn = answer.raise_for_status().json()["id"]
    card = page.locator(f'.card[data-generation="{drawn}"]')
    await expect(card.locator(".picture img.preview")).to_be_visible()
    await signed_in.keep("preview")
    await card.get_by_role("button", name="Cancel: ").click()
    await expect(card).to_have_count(0)


async def test_what_is_put_into_a_workflow_names_the_run(signed_in: Look, service: Service) -> None:
    """It is called by its words, though they are of a node's and not of a field's name."""
    graph = json.loads((_EXAMPLES / "workflows" / "t2i.json").read_text())
    order = {"engine": "comfyui", "workflow": graph, "inputs": {"6/text": "a boat by hand"}}
    answer = await service.call("POST", "/api/generations", order)
    ended = answer.raise_for_status().json()["id"]
    result = signed_in.page.locator(f'#results [data-generation="{ended}"]')
    await expect(result).to_contain_text("a boat by hand")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_grave(
    browser: Browser, service: Service, pictures: Path, theme: Literal["light", "dark"]
) -> None:
    """Before the door, with something running, with results, and with one of them open.

    In light and in dark, on a desk and on a phone.
    """
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
