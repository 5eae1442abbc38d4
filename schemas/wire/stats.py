"""What the API says of the last hours, and what it is asked about them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from schemas.base import Time
from schemas.totals import NodeTimes, Outcomes, Spending, Sums, Times
from schemas.wire.api import Said, View

Hours = Annotated[int, Field(ge=1, le=168)]
"""How many hours, the one under way among them."""
Theme = Literal["light", "dark"]


class StatsQuery(Said):
    """How far back to look."""

    model_config = ConfigDict(strict=False)

    hours: Hours = 24
    """How many hours, the one under way among them."""


class PlotQuery(StatsQuery):
    """How far back to look, and how to draw it."""

    theme: Theme = "light"
    at: Annotated[str | None, Field(max_length=40)] = None
    """Changes nothing but the address: `at` of the figures, so that a page that shows a plot has
    it fetched anew."""


class HourShown(View):
    """What one hour came to, of the generations that ended in it."""

    start: Time
    final: bool
    """Whether these figures do not change any more."""
    runs: Outcomes
    duration: Times
    """Of the runs that completed, from their start to their end."""
    waiting: Times
    """Of the runs that started, from their order to their start."""
    spend: Spending
    nodes: NodeTimes


class UsualShown(View):
    """How long a preset's last runs took that completed."""

    name: str
    p50_seconds: float | None
    """Half of them took no longer; null where there are none."""
    runs: int
    """How many were looked at."""


class Stats(View):
    """What the last hours came to."""

    hours: int
    at: Time
    """When it was added up: some seconds ago."""
    since: Time
    until: Time
    """The end of the hour under way."""
    items: tuple[HourShown, ...]
    """One an hour, the oldest first."""
    total: Sums
    """All of these hours together."""
    presets: tuple[UsualShown, ...]
    """By name."""
