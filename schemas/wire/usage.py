"""What the API says of the time that runs took, and what it is asked about it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field

from schemas.base import GenerationId, RunId, Time
from schemas.usage import Use, UseRow, UsesBy
from schemas.wire.api import Said, View

_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)

Moment = Annotated[Time, Field(ge=_FIRST, lt=_LAST)]
"""A time that something can have happened at."""


class UsageQuery(Said):
    """What to add up, and by what."""

    model_config = ConfigDict(strict=False)

    by: UsesBy = "class"
    """`class`: what nodes do; `model`: the models that they name; `server`: where they ran."""
    since: Moment | None = None
    """From when on; a week before `until` unless told otherwise."""
    until: Moment | None = None
    """Up to when, this moment not included; now unless told otherwise."""


class UsageLine(View):
    """What the nodes of one class, with one model, or at one server took together."""

    name: str
    count: int
    cached: int
    """How many of them took nothing, for the server had their results already."""
    milliseconds: int
    """Of all of them."""
    mean_milliseconds: int | None
    """Of one that was not cached; null where all were."""
    longest_milliseconds: int
    share: float
    """Of the milliseconds of all lines, 0.0 to 1.0."""


class Usage(View):
    """What was executed in a time, added up; what took most comes first."""

    by: UsesBy
    since: Time
    until: Time
    items: tuple[UsageLine, ...]
    """By model, a node counts for each model that it names, and not at all without one."""

    @classmethod
    def of(cls, by: UsesBy, since: datetime, until: datetime, rows: Sequence[UseRow]) -> Self:
        """Return rows as they are shown."""
        whole = sum(each.milliseconds for each in rows)
        return cls(
            by=by, since=since, until=until, items=tuple(_line(each, whole) for each in rows)
        )


class NodeUsed(View):
    """One node of a run, executed or taken from the server's cache."""

    run_id: RunId
    server: str
    at: Time
    """When it was logged: soon after its run ended."""
    node_id: str
    class_: Annotated[str, Field(alias="class")]
    """What the node does."""
    models: tuple[str, ...]
    """Names of the models that its inputs name."""
    milliseconds: int
    cached: bool


class GenerationUsage(View):
    """The nodes of a generation: those logged first come first, of these what took most."""

    id: GenerationId
    items: tuple[NodeUsed, ...]

    @classmethod
    def of(cls, generation: GenerationId, uses: Sequence[Use]) -> Self:
        """Return a generation's nodes as they are shown."""
        return cls(id=generation, items=tuple(map(_node, uses)))


def _line(row: UseRow, whole: int) -> UsageLine:
    return UsageLine(
        name=row.name,
        count=row.number,
        cached=row.cached,
        milliseconds=row.milliseconds,
        mean_milliseconds=row.mean,
        longest_milliseconds=row.longest,
        share=round(row.milliseconds / whole, 4) if whole else 0.0,
    )


def _node(use: Use) -> NodeUsed:
    return NodeUsed(
        run_id=use.run_id,
        server=use.server,
        at=use.at,
        node_id=use.node_id,
        class_=use.class_type,
        models=use.models,
        milliseconds=use.milliseconds,
        cached=use.cached,
    )
