"""What an hour came to: how its runs ended, how long they took, and what they cost."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from pydantic import ConfigDict, Field

from schemas.base import EngineName, Money, Record, Time
from schemas.run import RunStatus


class Ended(NamedTuple):
    """The generations of a preset at an engine that ended in one way, in some time."""

    status: RunStatus
    engine: EngineName
    preset: str | None
    number: int
    usd: Decimal
    """What they cost, all their tries together, as far as that is known."""
    unknown: int
    """Of how many the cost is not known."""
    durations: tuple[float, ...]
    """Seconds that they ran, in any order, of those of which it is known."""
    waits: tuple[float, ...]
    """Seconds from the order to the start, in any order, of those that started."""


class _Part(Record):
    model_config = ConfigDict(use_attribute_docstrings=True)


class Outcomes(_Part):
    """How many runs ended in which way."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    timeout: int = 0


class Times(_Part):
    """How long something took: half of the runs took no longer than `p50Seconds`."""

    number: int = 0
    """Of how many runs that is known."""
    p50_seconds: float | None = None
    p95_seconds: float | None = None


class Spend(_Part):
    """What the runs of one preset, or at one engine, cost us."""

    name: str | None = None
    """Null for runs that were ordered without a preset; ``other`` for the smallest of many."""
    runs: int
    usd: Money
    """As far as it is known."""
    unknown: int
    """Of how many runs the cost is not known: they are not free."""


class Spending(_Part):
    """What runs cost us, the dearest first."""

    by_preset: tuple[Spend, ...] = ()
    by_engine: tuple[Spend, ...] = ()


class NodeTime(_Part):
    """How long the nodes of one class, or with one model, took together."""

    name: str
    """``other`` for the smallest of many."""
    number: int
    milliseconds: int


class NodeTimes(_Part):
    """How long nodes took, what took most first. Engines tell it that show us their nodes."""

    by_class: tuple[NodeTime, ...] = ()
    by_model: tuple[NodeTime, ...] = ()
    """A node counts for each model that it names."""


class Sums(_Part):
    """What some hours came to together."""

    runs: Outcomes = Outcomes()
    spend: Spending = Spending()
    nodes: NodeTimes = NodeTimes()


class HourTotals(Sums):
    """What one hour came to, of the generations that ended in it. Stored by its beginning."""

    start: Time = Field(validation_alias="_id", serialization_alias="_id")
    at: Time
    """When it was added up."""
    again: bool = False
    """Whether it had been added up before."""
    duration: Times = Times()
    """Of the runs that completed, from their start to their end."""
    waiting: Times = Times()
    """Of the runs that started, from their order to their start."""


class Usual(NamedTuple):
    """How long a preset's last runs took that completed."""

    preset: str
    seconds: float | None
    """Their median; None where there are none."""
    number: int


class Figures(NamedTuple):
    """What the last hours came to, and what may be expected.

    Attributes:
        at: When it was put together.
        hours: Oldest first, one after another; the last one is under way.
        usual: By preset.
    """

    at: datetime
    hours: tuple[HourTotals, ...]
    usual: tuple[Usual, ...]
