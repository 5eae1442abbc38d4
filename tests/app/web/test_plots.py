"""app.web.plots and app.web.drawing: the last hours, drawn."""

import re
from xml.etree import ElementTree as ET

import pytest

from app.web import drawing
from app.web.plots import Gallery
from processors import plots as deciding
from processors import totals
from processors.plots import Plot
from schemas.totals import Figures
from schemas.usage import UseRow
from schemas.wire.stats import Theme
from tests.app.web.fakes import World
from tests.app.web.serving import serving
from tests.app.web.test_stats import a_world
from tests.builders import NOON, later
from tests.processors.test_totals import an_end

pytestmark = pytest.mark.anyio

EVIL = '<img src=x onerror="alert(1)">&\x00\u202e\ud800'
ALLOWED = {"svg", "g", "defs", "style", "title", "desc", "rect", "text", "path", "line", "circle"}
"""What nobody can be harmed by."""


def drawn(plot: Plot, theme: Theme = "light") -> ET.Element:
    """Return the root of a plot as it is drawn, once nothing in it can do anything."""
    root = ET.fromstring(drawing.draw(plot, theme))  # noqa: S314 - our own
    for each in root.iter():
        assert each.tag.removeprefix("{http://www.w3.org/2000/svg}") in ALLOWED
        assert not any("href" in name or name.startswith("on") for name in each.attrib)
        assert "url(" not in (each.text or "")
        assert "@import" not in (each.text or "")
    return root


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", deciding.ALL)
def test_nothing_in_a_plot_can_do_anything(name: str, theme: Theme) -> None:
    """Whatever presets, classes and models are called."""
    rows = [UseRow(EVIL, 1, 0, 1000, 1)]
    hours = [totals.of(NOON, NOON, [an_end(preset=EVIL)], rows, rows)]
    plot = deciding.ALL[name](hours)

    root = drawn(plot, theme)

    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == plot.title
    assert plot.title in "".join(root.itertext())
    if name == "spend-by-preset":
        assert "<img src=x onerror=" in "".join(root.itertext())


def test_a_plot_of_nothing_says_so() -> None:
    """It is no empty frame, and has no figures of its own."""
    empty = deciding.outcomes([totals.of(NOON, NOON, ())])

    texts = [each.text for each in drawn(empty).iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [empty.title, deciding.NOTHING]


def test_a_plot_of_no_nodes_has_no_axes() -> None:
    """Nothing is measured where nothing is."""
    empty = deciding.time_by_class([totals.of(NOON, NOON, ())])

    texts = [each.text for each in drawn(empty).iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [empty.title, deciding.NOTHING]


def test_the_words_of_a_plot_can_be_read() -> None:
    """On a page of three plots beside each other each has some 400 pixels."""
    plot = deciding.outcomes([totals.of(NOON, NOON, [an_end()])])
    sizes = re.findall(
        r"(?:axis|legend) text{[^}]*font-size:(\d+)px", drawing.draw(plot, "light").decode()
    )
    assert min(map(int, sizes)) * 400 / drawing.WIDTH >= 10


async def test_a_plot_is_drawn_once() -> None:
    """For everybody who looks at the same figures; of many, those drawn last are remembered."""
    gallery = Gallery(kept=1)
    figures = Figures(NOON, (totals.of(NOON, NOON, ()),), ())

    first = await gallery.plot("outcomes", "dark", figures)

    assert await gallery.plot("outcomes", "dark", figures) is first
    newer = await gallery.plot("outcomes", "dark", figures._replace(at=later(10)))
    assert newer is not first
    await gallery.plot("outcomes", "light", figures)
    assert await gallery.plot("outcomes", "dark", figures._replace(at=later(10))) is not newer


async def test_plots_are_images() -> None:
    """They may do nothing, and who has one already is not sent it again."""
    async with serving(a_world()) as site:
        answer = await site.client.get("/api/plots/outcomes.svg?hours=48&theme=dark&at=now")
        tag = {"If-None-Match": answer.headers["ETag"]}
        again = await site.client.get("/api/plots/outcomes.svg?hours=48&theme=dark", headers=tag)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "last 48 hours" in answer.text
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("outcomes.svg?theme=blue", 400, "theme"),
        ("outcomes.svg?hours=999", 400, "hours"),
        ("nothing.svg", 404, None),
        ("outcomes.png", 404, None),
    ],
)
async def test_what_cannot_be_drawn_is_refused(path: str, status: int, field: str | None) -> None:
    """By name."""
    async with serving(World()) as site:
        answer = await site.client.get(f"/api/plots/{path}")

    assert (answer.status_code, answer.json().get("field")) == (status, field)


async def test_plots_need_a_key() -> None:
    """They say what is earned here."""
    async with serving(World()) as site:
        path = "/api/plots/outcomes.svg"
        assert (await site.client.get(path, headers={"Authorization": ""})).status_code == 401
