"""Begin a job: what is agreed on, what is held for it, and the generations it is made of."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from processors import debts, presets, runs
from processors.debts import Taker
from processors.errors import InputFault
from processors.images import keys
from processors.jobs.ending import ended, telling
from processors.presets import inputs, writing
from schemas.base import GenerationId, UserId
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation, Metadata, Request, StatusChange
from schemas.job import Job, JobStatus, Step, Terms, Work
from schemas.preset import ChainTarget, Definition, ImageInput, ReplicateTarget, WorkflowTarget
from schemas.run import RunStatus

START: Final = DebtKind.START.value
CANCEL: Final = DebtKind.CANCEL.value
"""Keys of debts that a job owes at most once."""


def step_for(
    preset: Definition,
    given: Mapping[str, JsonValue],
    generation: GenerationId,
    *,
    user: UserId,
    estimate_usd: Decimal | None,
    credits_per_usd: Decimal,
    bound: Collection[str] = (),
) -> Step:
    """Return a step as it is agreed on.

    Args:
        preset: What is ordered.
        given: Values by the names of the preset's inputs.
        generation: The generation that will be made for it.
        user: Who orders it.
        estimate_usd: What a run of the preset is expected to cost, None where nobody knows.
        credits_per_usd: How many credits a dollar is.
        bound: Inputs that earlier steps will give.

    Raises:
        InputRefusedError: One of the inputs is not what the preset takes, or is a picture that
            was given for somebody else.
    """
    filled = presets.fill(preset, given, bound)
    _check_pictures(preset, given, user)
    return Step(
        preset=preset.name,
        generation=generation,
        inputs={name: value for name, value in given.items() if value is not None},
        held=presets.hold(preset, estimate_usd, credits_per_usd),
        terms=Terms(
            price=presets.own_price(preset),
            cancel_fee=preset.cancel_fee,
            credits_per_usd=credits_per_usd,
        ),
        work=Work(
            engine=preset.engine,
            request=_request(preset, filled),
            cost_rate=preset.cost_rate,
            time_limit=preset.time_limit,
            max_attempts=preset.tries,
            priority=preset.priority,
        ),
    )


def shares(
    paid: Sequence[Step], amount: Decimal | None
) -> tuple[tuple[GenerationId, Decimal | None], ...]:
    """Return how much is given back for each of the steps that were paid for, the last first.

    Args:
        paid: What was paid for, in its order.
        amount: Credits altogether; None for all of it. What is over stands with the first step,
            where it is refused.
    """
    if amount is None:
        return tuple((each.generation, None) for each in paid)
    found, left = list[tuple[GenerationId, Decimal | None]](), amount
    for each in reversed(paid[1:]):
        price = each.outcome.price if each.outcome and each.outcome.price else Decimal(0)
        share = min(left, price)
        left -= share
        found += [(each.generation, share)] if share else []
    return ((paid[0].generation, left), *found) if left or not found else tuple(found)


def unsettled(job: Job) -> Decimal:
    """Return the credits that are held for what of a job has not been settled yet."""
    left = (each.held for each in job.steps if each.outcome is None or each.outcome.price is None)
    return sum(left, Decimal(0))


def with_fixed(step: Step, fixed: Mapping[str, JsonValue]) -> Step:
    """Return a step that is given what steps of another job have made, by the engine's names."""
    if step.work is None or not fixed:
        return step
    request = step.work.request
    full = request.change(inputs={**request.inputs, **fixed})
    return step.change(work=step.work.change(request=full), fixed=dict(fixed))


def lines(job: Job) -> dict[GenerationId, Decimal]:
    """Return what is held for each of a job's generations."""
    return {each.generation: each.held for each in job.steps}


def generations_of(job: Job, now: datetime, taker: Taker | None = None) -> tuple[Generation, ...]:
    """Return the generations to be made for a job: those that begin at once owe their submit.

    None for a step whose generation has been made before. What waits comes before that which it
    waits for, so that nothing is done before all of it is there.
    """
    return tuple(
        _born(job, step, _generation(job, step, step.work, now), now, taker)
        for step in reversed(job.steps)
        if step.work is not None
    )


def active(job: Job) -> Job:
    """Note that a job's credits are held and its generations made."""
    steps = tuple(each.change(work=None) if each.work else each for each in job.steps)
    status = JobStatus.ACTIVE if job.status is JobStatus.PENDING else job.status
    started = job.change(steps=steps, status=status)
    return debts.put(started, debts.forget(started.owed, [DebtKind.START]))


def refused(job: Job, reason: str, now: datetime, *, tell: bool, taker: Taker | None = None) -> Job:
    """End a job whose credits could not be held: nothing is made.

    Its Idempotency-Key is free again, as that of an order that was refused before it was stored.

    Args:
        job: The job.
        reason: Why, as a slug.
        now: When.
        tell: Whether its chat is told; not where its person is waiting for our answer.
        taker: Who takes up the telling at once.
    """
    if job.status is not JobStatus.PENDING:
        return job
    steps = tuple(each.change(work=None) for each in job.steps)
    freed = job.change(idempotency_key=None, idempotency_digest=None)
    over = ended(freed.change(steps=steps, status_reason=reason), JobStatus.REFUSED, now)
    over = debts.put(over, debts.forget(over.owed, [DebtKind.START, DebtKind.CANCEL]))
    return telling(over, now, taker) if tell else over


def cancel_wanted(
    job: Job, now: datetime, taker: Taker | None = None, *, reason: str | None = None
) -> Job:
    """Want a job cancelled, for good; one that has ended, or is wanted so already, stays.

    Args:
        job: The job.
        now: When.
        taker: Who takes up the cancelling at once.
        reason: Why, as a slug, where there is more to say than that somebody wanted it.
    """
    if job.ended or job.cancel_wanted:
        return job
    debt = Debt(key=CANCEL, kind=DebtKind.CANCEL, next_at=now)
    wanted = job.change(cancel_wanted=True, pause=None, status_reason=reason)
    wanted = debts.put(wanted, debts.forget(wanted.owed, [DebtKind.ADVANCE]))
    return debts.put(wanted, debts.owe(wanted.owed, debt, taker=taker))


def _check_pictures(preset: Definition, given: Mapping[str, JsonValue], user: UserId) -> None:
    """Refuse pictures of other people; those that were given for nobody are anybody's.

    What a run made is nobody's to name, whatever the input takes. Addresses are refused where
    they lead nowhere: a ComfyUI is handed its pictures, and fetches none.
    """
    theirs = (keys.owned(user), keys.owned(None))
    fetched = not isinstance(preset.target, WorkflowTarget)
    for asked in preset.inputs:
        value = given.get(asked.name)
        key = keys.key_in(value)
        if key is not None and not key.startswith(theirs):
            raise inputs.refusal(asked, InputFault.NOT_THEIRS)
        named = not isinstance(asked, ImageInput) or value is None or key is not None
        if not named and not fetched:
            raise inputs.refusal(asked, InputFault.NOT_IMAGE)


def _born(
    job: Job, step: Step, blank: Generation, now: datetime, taker: Taker | None
) -> Generation:
    """Return a generation as it begins: waiting for others, or owing its submit."""
    if step.sources or (job.manual and step.number > 1):
        waiting = StatusChange(status=RunStatus.WAITING, at=now, source="job")
        return blank.change(status=RunStatus.WAITING, history=(waiting,))
    submit = Debt(key=runs.SUBMIT, kind=DebtKind.SUBMIT, next_at=now)
    return debts.put(blank, debts.owe((), submit, taker=taker))


def _generation(job: Job, step: Step, work: Work, now: datetime) -> Generation:
    return Generation(
        id=step.generation,
        engine=work.engine,
        job_id=job.id,
        step=step.number,
        item=step.item,
        steps=job.last,
        items=len(job.parts(step.number)),
        created_at=now,
        updated_at=now,
        request_timestamp=now,
        metadata=_metadata(job, step, work),
        request_payload=work.request,
        time_limit=work.time_limit,
        max_attempts=work.max_attempts,
        priority=work.priority,
        hooked=job.hooked,
        history=(StatusChange(status=RunStatus.PENDING, at=now, source="job"),),
    )


def _request(preset: Definition, filled: dict[str, JsonValue]) -> Request:
    target = preset.target
    if isinstance(target, WorkflowTarget):
        # What a node calls a prompt says nothing; the preset knows which of its texts it is.
        key = _prompt_key(preset)
        return Request(workflow=target.workflow, inputs=filled, prompt_input=key)
    if isinstance(target, ReplicateTarget):
        return Request(
            version=target.version,
            model=target.model,
            deployment_id=target.deployment,
            inputs=filled,
            prompt_input=_prompt_key(preset),
        )
    if isinstance(target, ChainTarget):
        raise TypeError("a preset that is made of others is not sent to an engine")
    return Request(deployment_id=target.deployment_id, inputs=filled)


def _prompt_key(preset: Definition) -> str | None:
    prompt = writing.main(preset)
    return prompt.key if prompt is not None else None


def _metadata(job: Job, step: Step, work: Work) -> Metadata:
    # A job's chat is told under the names that its generations have for it.
    chat = job.chat.model_dump(by_alias=False) if job.chat else {}
    return Metadata(user_id=job.user_id, preset=step.preset, cost_rate=work.cost_rate, **chat)
