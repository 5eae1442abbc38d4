"""What the API says of debts, and what it is asked about them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from schemas.base import Time
from schemas.wire.api import Digits, Said, View

What = Literal["generation", "job", "payment", "webhook"]


class DebtQuery(Said):
    """Which debts to show."""

    model_config = ConfigDict(strict=False)

    state: Literal["dead", "all"] = "dead"
    """`dead`: those that were given up; `all`: everything that must still happen, too."""
    limit: Annotated[int, Field(ge=1, le=200), Digits] = 50


class StuckQuery(Said):
    """What counts as stuck."""

    model_config = ConfigDict(strict=False)

    minutes: Annotated[int, Field(ge=1, le=100_000), Digits] = 15
    """For how long nothing has happened."""
    limit: Annotated[int, Field(ge=1, le=200), Digits] = 50
    """At most so many records of each kind."""


class Replay(Said):
    """Which dead debts to try again: of one record, or those that died since a time."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"record": "0198c0ffee0198c0ffee0198c0ffee01"}]}
    )

    record: (
        Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}(:[0-9]{1,9}:[0-9a-f]{32})?$")]
        | None
    ) = None
    """Id of a generation, a job, a payment or an outgoing webhook."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """Only those of this key, such as `notify`."""
    since: Time | None = None


class DebtView(View):
    """One thing that must still happen, or was given up."""

    what: What
    """What owes it."""
    record: str
    key: str
    kind: str
    state: Literal["live", "claimed", "dead"]
    since: str
    """Since when it is dead, or due; in the future where it waits."""
    attempts: int
    last_error: str | None


class DebtPage(View):
    """Debts: of the oldest generations first, then of jobs, payments and outgoing webhooks."""

    items: tuple[DebtView, ...]


class Replayed(View):
    """How many debts are tried again."""

    replayed: int


class SilentView(View):
    """Something that has not ended, and of which nothing is heard."""

    what: What
    record: str
    status: str
    since: str


class StuckView(View):
    """What may be stuck."""

    silent: tuple[SilentView, ...]
    """Open, and without a change for so long."""
    overdue: tuple[DebtView, ...]
    """Due for so long, and done by nobody."""
