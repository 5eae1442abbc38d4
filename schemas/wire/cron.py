"""Our own API's words about the calls of hosts without background processes."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from schemas.debt import DebtKind

BUDGET: Final = 20
BUDGET_MOST: Final = 29
"""Seconds: many hosts end a request after 30."""


class CronQuery(BaseModel):
    """What a call may say."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    budget: Annotated[int, Field(ge=1, le=BUDGET_MOST)] = BUDGET
    """Seconds that the call may take."""
    key: str | None = None
    """CRON_KEY, where it can be sent in no header."""


class CronWorked(BaseModel):
    """What `/api/cron/worker` did; nothing but `busy` where another call is at it."""

    model_config = ConfigDict(frozen=True)

    busy: bool = False
    applied: int | None = None
    """Events of engines that were applied."""
    discharged: dict[DebtKind, int] | None = None
    """What was done, by kind."""
    failed: int | None = None
    """Tries that failed; each is tried again later."""
    left: int | None = None
    """Records that still owe something which is due."""
    seconds: float | None = None


class CronChecked(BaseModel):
    """What `/api/cron/checker` did; nothing but `busy` where another call is at it."""

    model_config = ConfigDict(frozen=True)

    busy: bool = False
    checked: int | None = None
    """Runs that their engine was asked about."""
    advanced: int | None = None
    """Steps of chains whose turn came."""
    failed: int | None = None
    """Generations that ended as failed or timed out."""
    reset: int | None = None
    """Runs that are tried again, or were found never to have been sent."""
    left: int | None = None
    """Open runs that were not asked about for want of time, and records that owe what is due."""
    seconds: float | None = None
