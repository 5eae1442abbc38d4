"""End a job: what its steps came to makes its status, and every change of that is told once."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from processors import debts
from processors.debts import Taker
from schemas.base import GenerationId
from schemas.debt import Debt, DebtKind
from schemas.job import Job, JobStatus, Outcome, Step, Told
from schemas.run import RunStatus

NOTIFY: Final = DebtKind.NOTIFY.value
"""Key of the debt that is owed for the telling of an end."""
ADVANCE: Final = DebtKind.ADVANCE.value
"""Key of the debt of a job that its person is asked about, or has let go on."""

_READ: Final = ("status", "provisional", "outputs", "price", "price_reason", "refunded")
"""What of an outcome a person is told of when it changes."""
_ENDS: Final = {
    RunStatus.FAILED: JobStatus.FAILED,
    RunStatus.TIMEOUT: JobStatus.TIMEOUT,
    RunStatus.CANCELLED: JobStatus.CANCELLED,
    RunStatus.COMPLETED: JobStatus.COMPLETED,
}
"""What a job is when its steps ended so; of several the first that is listed here counts."""


def settled(
    job: Job,
    generation: GenerationId,
    outcome: Outcome,
    now: datetime,
    taker: Taker | None = None,
) -> Job:
    """Note what a step came to; if that is news, its chat is owed the telling of it.

    A refund that was made for it stays, and so does what the engine has said of an attempt: of
    two who settle a run at once, the one who saw only our end may be the later. What is made anew
    is told though its step was.
    """
    known = job.step_of(generation)
    if known is None:
        return job
    before = known.outcome
    if before is not None and _older(outcome, before):
        return job
    said = _with_refund(outcome, before)
    if said == before:
        return job
    noted = job.change(steps=tuple(_with(job.steps, generation, said)))
    if before is not None and said.outputs != before.outputs:
        noted = _untold(noted, known.number)
    status = _status(noted)
    if status is None:
        return _step_settled(noted, known.number, now, taker)
    over = ended(noted, status, now)
    # Nobody is told the same twice: that the engine has come to say it too is no news. And what
    # the items of a step come to, one after another, is told once all of it is known.
    known_by_now = before and (_alike(before, said) or _to_be_told(over, before, said))
    return over if known_by_now else telling(over, now, taker)


def step_done(job: Job, number: int, now: datetime, taker: Taker | None = None) -> Job:
    """Owe a job's chat the telling that a step is done while others follow.

    Of one that has made nothing only where its person is asked whether to go on.
    """
    made = any(each.outcome and each.outcome.outputs for each in job.parts(number))
    if job.chat is None or not (made or job.pause):
        return job
    debt = Debt(
        key=f"{NOTIFY}:{number}",
        kind=DebtKind.NOTIFY,
        target=str(job.chat.telegram_chat_id),
        about=f"step:{number}",
        next_at=now,
    )
    return debts.put(job, debts.owe(job.owed, debt, taker=taker))


def refunded(
    job: Job,
    generation: GenerationId,
    amount: Decimal,
    now: datetime,
    taker: Taker | None = None,
    *,
    lost: bool = False,
) -> Job:
    """Note that credits were given back for a step, and owe its chat the telling of it.

    Args:
        job: Its job.
        generation: Which step.
        amount: Credits.
        now: When.
        taker: Who tells it.
        lost: Whether it is for what it made that is gone for good.
    """
    known = job.step_of(generation)
    if known is None or known.outcome is None or known.outcome.refunded is not None:
        return job
    said = known.outcome.change(refunded=amount, lost=lost)
    return telling(job.change(steps=tuple(_with(job.steps, generation, said))), now, taker)


def told(job: Job, *, delivered: bool) -> Told:
    """Return what a chat knows once it has been told how a job stands now.

    Args:
        job: As it was told.
        delivered: Whether files went with it.
    """
    before = job.told is not None and job.told.delivered
    return Told(status=job.status, outputs=outputs_of(job), delivered=delivered or before)


def step_told(job: Job, number: int) -> Job:
    """Note that a chat was told of a step, with what it has made: it is not told again."""
    return job.change(steps_told=tuple(sorted({*job.steps_told, number})))


def known(job: Job) -> bool:
    """Return whether a chat knows a job's end already: then only the money is news."""
    return job.told is not None and (job.told.status, job.told.outputs) == (
        job.status,
        outputs_of(job),
    )


def untold(job: Job) -> tuple[GenerationId, ...]:
    """Return the generations whose outputs are others than its chat was told an end with.

    None where it was told of none.
    """
    if job.told is None:
        return ()
    knows = [*job.told.outputs.split("/"), *[""] * len(job.steps)]
    made = zip(job.steps, outputs_of(job).split("/"), knows, strict=False)
    return tuple(step.generation for step, now, known in made if now != known)


def outputs_of(job: Job) -> str:
    """Return a digest of everything that was made."""
    return "/".join(each.outcome.outputs if each.outcome else "" for each in job.steps)


def ended(job: Job, status: JobStatus, now: datetime) -> Job:
    """Set a job's end; its time is that of the first. Nobody is asked any more."""
    over = job.change(status=status, ended_at=job.ended_at or now, pause=None)
    return debts.put(over, debts.forget(over.owed, [DebtKind.ADVANCE]))


def concluded(job: Job, now: datetime, taker: Taker | None = None) -> Job:
    """End a job whose steps have all been settled, should it not have ended with the last."""
    status = None if job.ended else _status(job)
    return job if status is None else telling(ended(job, status, now), now, taker)


def telling(job: Job, now: datetime, taker: Taker | None) -> Job:
    """Owe a job's chat the telling of its end, once more where it was owed before."""
    if job.chat is None:
        return job
    chat = str(job.chat.telegram_chat_id)
    debt = Debt(key=NOTIFY, kind=DebtKind.NOTIFY, target=chat, about=job.status, next_at=now)
    return debts.put(job, debts.owe(job.owed, debt, taker=taker))


def _with_refund(outcome: Outcome, before: Outcome | None) -> Outcome:
    """Return an outcome with the refund that was made for it."""
    if before is None or outcome.refunded is not None:
        return outcome
    return outcome.change(refunded=before.refunded, lost=before.lost)


def _untold(job: Job, number: int) -> Job:
    """Have a step told once more: it has made something else since."""
    return job.change(steps_told=tuple(each for each in job.steps_told if each != number))


def _step_settled(job: Job, number: int, now: datetime, taker: Taker | None) -> Job:
    """Go on after a step that is known now, in a job that is not: tell of it, or ask about it."""
    outcomes = [each.outcome for each in job.parts(number)]
    if None in outcomes or number == job.last:
        return job
    if not job.manual:
        return step_done(job, number, now, taker)
    debt = Debt(key=ADVANCE, kind=DebtKind.ADVANCE, next_at=now)
    return debts.put(job, debts.owe(job.owed, debt, taker=taker))


def _status(job: Job) -> JobStatus | None:
    """Return how a job ended; None while any of its steps has not."""
    outcomes = [each.outcome for each in job.steps]
    ends = {each.status for each in outcomes if each is not None}
    if None in outcomes:
        return None
    return next(end for status, end in _ENDS.items() if status in ends)


def _older(one: Outcome, known: Outcome) -> bool:
    """Return whether an outcome is older news than what is known, whenever it comes."""
    ours = one.by == "us" and known.by == "engine"
    return one.attempt < known.attempt or (one.attempt == known.attempt and ours)


def _alike(one: Outcome, other: Outcome) -> bool:
    """Return whether a person reads the same of two outcomes."""
    return all(getattr(one, name) == getattr(other, name) for name in _READ)


def _to_be_told(job: Job, before: Outcome, said: Outcome) -> bool:
    """Return whether only the price is news, and that of others is still to come."""
    kept = said.change(
        price=before.price, price_reason=before.price_reason, provisional=before.provisional
    )
    return job.price is None and _alike(before, kept)


def _with(steps: Iterable[Step], generation: GenerationId, outcome: Outcome) -> Iterable[Step]:
    for each in steps:
        yield each.change(outcome=outcome) if each.generation == generation else each
