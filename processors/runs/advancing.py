"""Go on with a job: begin what waited, drop what waited in vain, make again what is lost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from processors import debts
from processors.debts import Taker
from processors.runs.climbing import ADVANCE, SUBMIT, moved, owe, shown
from processors.runs.copying import surely_made
from processors.runs.ending import BEGUN, Ending, ended, stood
from processors.runs.placing import retried
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation, Response, Retry
from schemas.job import PriceReason
from schemas.run import RunStatus

_MADE_AGAIN: Final = Retry.OUTPUTS_GONE.value
_RETURNED: Final = frozenset({PriceReason.NOT_CONFIRMED.value, PriceReason.FREE_LATE.value})
"""How the price came about of what was given up before its engine told of its end."""


def begun(
    generation: Generation,
    inputs: Mapping[str, JsonValue],
    now: datetime,
    taker: Taker | None = None,
) -> Generation:
    """Begin what waited for others, with what they have made; one that began before stays.

    Args:
        generation: What waited.
        inputs: What others have made for it, by the engine's names of its inputs.
        now: When.
        taker: Who sends it.
    """
    if generation.status is not RunStatus.WAITING:
        return generation
    payload = generation.request_payload
    full = generation.change(request_payload=payload.change(inputs={**payload.inputs, **inputs}))
    pending = moved(full, RunStatus.PENDING, now, BEGUN)
    sent = owe(pending, Debt(key=SUBMIT, kind=DebtKind.SUBMIT, next_at=now), taker)
    return shown(sent, now, taker)


def dropped(
    generation: Generation, reason: str, now: datetime, taker: Taker | None = None
) -> Generation:
    """End what waited in vain; one that has begun meanwhile stays.

    Whoever drops it drops what waited for it as well, so it owes nobody that.
    """
    if generation.status is not RunStatus.WAITING:
        return generation
    ending = Ending(status=RunStatus.CANCELLED, by="us", reason=reason)
    over = ended(generation, ending, now=now, taker=taker)
    return debts.put(over, debts.forget(over.owed, [DebtKind.ADVANCE]))


def never_begun(generation: Generation) -> bool:
    """Return whether a generation was ended while it waited for others."""
    return generation.ended and stood(generation) is RunStatus.WAITING


def copying_went_on(
    generation: Generation, now: datetime, taker: Taker | None = None
) -> Generation:
    """Have its job go on with what a generation has made, as far as that is copied.

    What takes what is not copied yet goes on waiting for it.
    """
    completed = generation.status is RunStatus.COMPLETED
    if not generation.feeds or not completed or not surely_made(generation):
        return generation
    return owe(generation, Debt(key=ADVANCE, kind=DebtKind.ADVANCE, next_at=now), taker)


def may_remake(generation: Generation) -> bool:
    """Return whether a part of a job whose outputs are lost is made again, at our cost.

    Not one that came when its credits had been returned: nobody waits for it any more. Nor one
    that made what was too large: it would be so again.
    """
    outputs = generation.response_payload.outputs
    completed = generation.status is RunStatus.COMPLETED and not generation.cancel_wanted
    in_time = generation.price_reason not in _RETURNED
    again = completed and in_time and generation.attempt < generation.max_attempts
    in_vain = any(each.not_kept == "too_large" for each in outputs)
    return again and not in_vain and generation.job_id is not None and bool(generation.runs)


def remade(generation: Generation, now: datetime, taker: Taker) -> Generation:
    """Make again what is lost: another attempt, which its person pays nothing more for."""
    run = generation.runs[-1].change(
        duration_seconds=generation.duration_seconds, cost_usd=generation.cost_usd, gone=True
    )
    open_again = generation.change(
        status_reason=None,
        ended_by=None,
        confirmed=None,
        response_timestamp=None,
        duration_seconds=None,
        duration_source=None,
        cost_usd=None,
        cost_reason=None,
        response_payload=Response(),
    )
    kept = debts.forget(open_again.owed, [DebtKind.KEEP, DebtKind.ADVANCE])
    again = retried(debts.put(open_again, kept), now, taker, Retry.OUTPUTS_GONE)
    return again.change(runs=(*generation.runs[:-1], run))


def unmade(generation: Generation) -> bool:
    """Return whether what was made again has ended without a result: it was paid for before."""
    again = any(each.source == _MADE_AGAIN for each in generation.history)
    return again and generation.ended and generation.status is not RunStatus.COMPLETED
