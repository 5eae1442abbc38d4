"""Draw plots as SVG, by pygal: no script, nothing from elsewhere, no animation."""

import re
import sys
from collections.abc import Mapping
from functools import cache, partial
from typing import Any, Final

from processors import plots
from processors.plots import Plot, Shape, Tone, Unit
from schemas.wire.stats import Theme

WIDTH: Final = 480
HEIGHT: Final = 300
"""About as many pixels as a page has for one, so that its words are as large as others'."""


def draw(plot: Plot, theme: Theme) -> bytes:
    """Return a plot as an SVG image, its background left to the page.

    Loads pygal the first time; takes some milliseconds, and is best done in a thread.
    """
    pygal = _loaded()
    kinds: Mapping[Shape, Any] = {
        Shape.STACKS: pygal.StackedBar,
        Shape.LINES: pygal.Line,
        Shape.BARS: pygal.HorizontalBar,
    }
    ink, faint, colours = _THEMES[theme]
    style: Any = pygal.style.Style(
        background="transparent",
        plot_background="transparent",
        foreground=ink,
        foreground_strong=ink,
        foreground_subtle=faint,
        guide_stroke_color=faint,
        major_guide_stroke_color=faint,
        font_family="system-ui, sans-serif",
        title_font_size=13,
        label_font_size=12,
        major_label_font_size=12,
        legend_font_size=12,
        no_data_font_size=16,
        opacity="1",
        opacity_hover="1",
        stroke_width="2.5",
        stroke_width_hover="2.5",
        transition="0s",
        colors=tuple(colours[each.tone] for each in plot.series) or (ink,),
    )
    chart = kinds[plot.shape](pygal.Config(**_config(plot)), style=style, js=[])
    for each in plot.series:
        chart.add(each.name, each.values)
    if plot.series:
        ticks = plots.ticks(plot)
        chart.x_labels, chart.y_labels, chart.range = plot.labels, ticks, (0, ticks[-1])
    chart.add_xml_filter(partial(_bare, title=plot.title))
    drawn: bytes = chart.render()
    return drawn


_INKS: Final = {"light": ("#1f2328", "#c4cad1"), "dark": ("#e6e9ed", "#454c55")}
_COLOURS: Final[Mapping[Tone, tuple[str, str]]] = {
    Tone.GOOD: ("#1a7f4b", "#3fcf8e"),
    Tone.BAD: ("#c0322b", "#ff7b72"),
    Tone.LATE: ("#b86e00", "#f0a83c"),
    Tone.IDLE: ("#737b86", "#98a2ae"),
    Tone.ONE: ("#0a67b1", "#58b0f0"),
    Tone.TWO: ("#b86e00", "#f0a83c"),
    Tone.THREE: ("#1a7f6b", "#3fcfae"),
    Tone.FOUR: ("#a8437a", "#e28bbd"),
    Tone.FIVE: ("#5a4fcf", "#a9a4ff"),
    Tone.SIX: ("#a33b1f", "#ff9b7b"),
    Tone.SEVEN: ("#5c7a0d", "#b5d65a"),
}
"""Each on white, and on nearly black: 3:1 at least to the background (WCAG 2.2, 1.4.11)."""
_PLUGINS: Final = re.compile("PluginImportFixer")
_THEMES: Final[Mapping[Theme, tuple[str, str, Mapping[Tone, str]]]] = {
    "light": (*_INKS["light"], {tone: light for tone, (light, _) in _COLOURS.items()}),
    "dark": (*_INKS["dark"], {tone: dark for tone, (_, dark) in _COLOURS.items()}),
}


@cache
def _loaded() -> Any:  # noqa: ANN401 - pygal tells no types
    """Return pygal. Most processes never draw: it is loaded by those that do."""
    import pygal  # noqa: PLC0415 - takes 80 ms and 8 MB

    # It has every import looked through for maps that are plugins of its own, in a way that
    # Python 3.11 warns of each time, and newer ones pass over.
    sys.meta_path[:] = [each for each in sys.meta_path if not _PLUGINS.search(repr(each))]
    return pygal


def _config(plot: Plot) -> Mapping[str, Any]:
    """Return how pygal is to draw a plot."""
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "explicit_size": True,
        # One image is one document: nothing else is there to be mixed up with.
        "no_prefix": True,
        "title": plot.title,
        "no_data_text": plots.NOTHING,
        "value_formatter": partial(_written, unit=plot.unit),
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 2,
        "show_legend": plot.shape is not Shape.BARS,
        "show_y_labels": bool(plot.series),
        "show_y_guides": bool(plot.series),
        "show_x_labels": bool(plot.series),
        "show_x_guides": bool(plot.series) and plot.shape is Shape.BARS,
        "truncate_legend": -1,
        "truncate_label": -1,
        "include_x_axis": True,
        "allow_interruptions": True,
        "dots_size": 2.5,
        "spacing": 6,
        "margin": 12,
        # More than the library leaves: it would cut the last line of the legend.
        "margin_bottom": 30,
    }


def _written(value: float | None, unit: Unit) -> str:
    # The library asks it of gaps, too.
    return "" if value is None else plots.amount(value, unit)


def _bare(root: Any, title: str) -> Any:  # noqa: ANN401 - pygal tells no types
    """Take out what is for pages that run its scripts, and say what the image is."""
    for parent in list(root.iter()):
        for child in list(parent):
            # Comments have a function for a tag.
            if not isinstance(child.tag, str) or child.tag.endswith("script"):
                parent.remove(child)
    root.set("role", "img")
    root.set("aria-label", title)
    return root
