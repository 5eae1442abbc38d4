"""jobs: what is agreed on and held, and the generations that a job is made of."""

from decimal import Decimal
from typing import Any

import pytest

from processors import jobs
from processors.errors import InputFault, InputRefusedError
from processors.images import keys
from schemas.base import GenerationId, UserId
from schemas.debt import DebtKind
from schemas.generation import Request
from schemas.job import Job, JobChat, JobStatus, Outcome, PriceReason, Step
from schemas.preset import (
    ChainStep,
    ChainTarget,
    CostPrice,
    EstimatedHold,
    ImageInput,
    Input,
    ReplicateTarget,
    WorkflowTarget,
)
from schemas.run import RunStatus
from tests.builders import (
    A10G,
    CHAT,
    COMFYDEPLOY,
    HERE,
    ID,
    JOB,
    NOON,
    USER,
    a_chain,
    a_debt,
    a_job,
    a_preset,
    a_prompt,
    a_step,
    a_taker,
    come_to,
    later,
    some_steps,
    titled,
)

HUNDRED = Decimal(100)
GIVEN = {"prompt": "a lighthouse", "steps": None}


def a_photo() -> ImageInput:
    """A picture that need not be given."""
    return ImageInput(name="photo", type="image", titles=titled("Photo"))


def agreed(**fields: Any) -> Step:  # noqa: ANN401 - any field of the preset
    """The step of an order for `a_preset` with these fields."""
    preset = a_preset(**fields)
    return jobs.step_for(
        preset, GIVEN, ID, user=USER, estimate_usd=Decimal("0.01"), credits_per_usd=HUNDRED
    )


def pending(**fields: object) -> Job:
    """A job that owes its start."""
    known = {"status": JobStatus.PENDING, "steps": (agreed(),), "owed": (a_debt(jobs.START),)}
    return a_job(**(known | fields))


def test_what_is_agreed_on_stands_in_the_step() -> None:
    """Its price, what is held, and all that its generation needs, whatever the preset becomes."""
    step = agreed(time_limit=60, cancel_fee="cost")

    assert step.inputs == {"prompt": "a lighthouse"}
    assert (step.held, step.terms.cancel_fee, step.terms.credits_per_usd) == (5, "cost", HUNDRED)
    assert step.work is not None
    assert (step.work.engine, step.work.cost_rate, step.work.time_limit) == (COMFYDEPLOY, A10G, 60)
    assert step.work.request.inputs == {"prompt": "a lighthouse", "steps": 20}


def test_a_workflow_is_asked_for_by_its_digest() -> None:
    """With how often it may be tried, and whose turn comes first: its generation has both."""
    target = WorkflowTarget(engine="comfyui", workflow="0" * 64)
    step = agreed(target=target, max_attempts=5, priority=3)
    (made,) = jobs.generations_of(pending(steps=(step,)), NOON)

    assert step.work is not None
    assert step.work.request == Request(
        workflow="0" * 64, inputs={"prompt": "a lighthouse", "steps": 20}, prompt_input="prompt"
    )
    assert (made.engine, made.max_attempts, made.priority) == ("comfyui", 5, 3)
    assert made.request_payload == step.work.request


def test_a_workflow_s_prompt_is_known_by_its_field() -> None:
    """It is what people are shown; a preset without a text has none."""
    target = WorkflowTarget(engine="comfyui", workflow="0" * 64)

    def named(*asked: Input) -> str | None:
        preset = a_preset("l4_t2i", *asked, target=target)
        given = {"prompt": "sea"} if len(asked) > 1 else {}
        step = jobs.step_for(
            preset, given, ID, user=USER, estimate_usd=None, credits_per_usd=HUNDRED
        )
        return step.work.request.prompt_input if step.work else ""

    assert named(some_steps(to="3/steps"), a_prompt(to="6/text")) == "6/text"
    assert named(some_steps(to="3/steps")) is None


def test_replicate_is_asked_for_what_the_preset_names() -> None:
    """A version, an official model or a deployment; the preset knows its prompt."""
    for target, field in (
        (ReplicateTarget(engine="replicate", version="a" * 64), "version"),
        (ReplicateTarget(engine="replicate", model="acme/dress"), "model"),
        (ReplicateTarget(engine="replicate", deployment="acme/shop"), "deployment_id"),
    ):
        work = agreed(target=target).work
        assert work is not None
        named = {"version", "model", "deployment_id"}
        said = {name for name in named if getattr(work.request, name) is not None}
        assert (said, work.request.prompt_input, work.max_attempts) == ({field}, "prompt", 3)


def test_a_preset_that_is_made_of_others_is_sent_to_no_engine() -> None:
    """It is ordered as its steps."""
    with pytest.raises(TypeError, match="made of others"):
        agreed(target=ChainTarget(engine="chain", steps=(ChainStep(preset="draw"),)))


def test_a_deployment_is_tried_once() -> None:
    """Whatever its preset says: a run of ComfyDeploy cannot be tried again."""
    (made,) = jobs.generations_of(pending(steps=(agreed(max_attempts=5),)), NOON)

    assert made.max_attempts == 1
    assert (made.request_payload.deployment_id, made.request_payload.workflow) == (
        "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
        None,
    )


def test_a_price_that_follows_the_cost_holds_what_is_expected() -> None:
    """With something on top, as the preset says."""
    hold = EstimatedHold(kind="estimate", factor=Decimal(2), first=Decimal(9))
    step = agreed(price=CostPrice(kind="cost", factor=Decimal(3), hold=hold))

    assert step.held == 6


@pytest.mark.parametrize(
    ("owner", "passes"), [(USER, True), (None, True), (UserId("another"), False)]
)
def test_pictures_are_ones_own_or_nobodys(owner: UserId | None, *, passes: bool) -> None:
    """Somebody else's is refused by the input's name."""
    key = keys.key_of(b"picture", "image/png", owner=owner, day=NOON.date())
    given = {"photo": f"media:{key}"}
    preset = a_preset("l4_t2i", a_photo())

    def made() -> Step:
        return jobs.step_for(
            preset, given, ID, user=USER, estimate_usd=None, credits_per_usd=HUNDRED
        )

    if passes:
        assert made().inputs == given
        return
    with pytest.raises(InputRefusedError) as refused:
        made()
    assert (refused.value.field, refused.value.fault) == ("inputs.photo", InputFault.NOT_THEIRS)


def test_an_address_is_nobodys() -> None:
    """Only what we keep has an owner."""
    preset = a_preset("l4_t2i", a_photo(), *a_preset().inputs)
    given = {"photo": "https://example.com/a.png", "prompt": "media:inputs"}
    step = jobs.step_for(preset, given, ID, user=USER, estimate_usd=None, credits_per_usd=HUNDRED)

    assert step.inputs == given


@pytest.mark.parametrize(
    "key",
    [
        f"outputs/{'a' * 32}/1-0a1b2c3d-out.png",
        keys.key_of(b"picture", "image/png", owner=UserId("another"), day=NOON.date()),
    ],
)
def test_a_text_names_no_file_of_others_either(key: str) -> None:
    """It would be handed over like a picture; what a run made is nobody's to name at all."""
    preset = a_preset("l4_t2i", a_photo(), *a_preset().inputs)
    with pytest.raises(InputRefusedError) as refused:
        jobs.step_for(
            preset,
            {"prompt": f"media:{key}", "photo": "https://example.com/a.png"},
            ID,
            user=USER,
            estimate_usd=None,
            credits_per_usd=HUNDRED,
        )
    assert (refused.value.field, refused.value.fault) == ("inputs.prompt", InputFault.NOT_THEIRS)


def test_a_comfyui_is_handed_its_pictures() -> None:
    """It fetches none: an address is refused before anything is held."""
    target = WorkflowTarget(engine="comfyui", workflow="0" * 64)
    preset = a_preset("l4_t2i", a_photo(), target=target)
    key = keys.key_of(b"picture", "image/png", owner=None, day=NOON.date())

    def made(photo: str | None) -> Step:
        given = {"photo": photo}
        return jobs.step_for(
            preset, given, ID, user=USER, estimate_usd=None, credits_per_usd=HUNDRED
        )

    assert made(f"media:{key}").inputs == {"photo": f"media:{key}"}
    assert made(None).inputs == {}
    with pytest.raises(InputRefusedError) as refused:
        made("https://example.com/a.png")
    assert (refused.value.field, refused.value.fault) == ("inputs.photo", InputFault.NOT_IMAGE)


def test_what_is_held_is_named_by_generation() -> None:
    """A line for each step."""
    other = GenerationId("other")
    job = a_job(steps=(a_step(), a_step(generation=other, held=Decimal(2))))

    assert jobs.lines(job) == {ID: 5, other: 2}
    assert job.held == 7


def test_generations_are_made_of_the_work() -> None:
    """They name their job, owe their submit, and know whom to tell of it."""
    chat = JobChat(telegram_chat_id=CHAT, telegram_message_id=7, status_message_id=8, language="pt")
    (made,) = jobs.generations_of(pending(chat=chat), NOON, a_taker(DebtKind.SUBMIT))

    assert (made.id, made.job_id, made.step, made.item) == (ID, JOB, 1, 1)
    assert (made.status, made.metadata.preset) == (RunStatus.PENDING, "l4_t2i")
    meta = made.metadata
    assert (meta.telegram_chat_id, meta.telegram_message_id) == (CHAT, 7)
    assert (meta.status_message_id, meta.language, meta.user_id) == (8, "pt", USER)
    assert [(each.kind, each.by) for each in made.owed] == [(DebtKind.SUBMIT, HERE)]


def test_a_job_that_tells_nobody_has_generations_that_tell_nobody() -> None:
    """And a submit that nobody has claimed where nobody takes it."""
    (made,) = jobs.generations_of(pending(chat=None), NOON)

    assert made.metadata.telegram_chat_id is None
    assert made.owed[0].by is None


def test_a_generation_is_made_once() -> None:
    """What the job has handed over is not made again."""
    started = jobs.active(pending())

    assert (started.status, started.owed, started.steps[0].work) == (JobStatus.ACTIVE, (), None)
    assert jobs.generations_of(started, NOON) == ()
    assert jobs.active(started) == started


def test_a_job_that_ended_meanwhile_stays_ended() -> None:
    """Its generation may be quicker than the note that it was made."""
    job = pending(status=JobStatus.COMPLETED, ended_at=NOON)
    started = jobs.active(job)

    assert (started.status, started.owed) == (JobStatus.COMPLETED, ())


@pytest.mark.parametrize("tell", [True, False])
def test_a_refused_job_is_over(*, tell: bool) -> None:
    """Nothing is made or cancelled, and only who does not wait for an answer is told."""
    owed = (a_debt(jobs.START), a_debt(jobs.CANCEL))
    over = jobs.refused(pending(owed=owed), "insufficient_credits", later(1), tell=tell)

    assert (over.status, over.status_reason) == (JobStatus.REFUSED, "insufficient_credits")
    assert (over.ended_at, over.ended, over.steps[0].work) == (later(1), True, None)
    assert [each.key for each in over.owed] == ([jobs.NOTIFY] if tell else [])


def test_a_refused_jobs_key_is_free_again() -> None:
    """Who has topped up may send the same request again."""
    job = pending(idempotency_key="k", idempotency_digest="d")
    over = jobs.refused(job, "insufficient_credits", NOON, tell=False)

    assert (over.idempotency_key, over.idempotency_digest) == (None, None)


def test_what_has_begun_is_not_refused() -> None:
    """Its credits are held."""
    job = a_job()

    assert jobs.refused(job, "insufficient_credits", NOON, tell=True) == job


def test_a_cancel_is_wanted_once_and_for_good() -> None:
    """Not of a job that has ended."""
    wanted = jobs.cancel_wanted(a_job(), NOON, a_taker(DebtKind.CANCEL))

    assert wanted.cancel_wanted
    assert [(each.key, each.by) for each in wanted.owed] == [(jobs.CANCEL, HERE)]
    assert jobs.cancel_wanted(wanted, later(1)) == wanted
    over = a_job(status=JobStatus.FAILED)
    assert jobs.cancel_wanted(over, NOON) == over


def chained(*items: int, **fields: object) -> Job:
    """A job of several steps that owes its start."""
    job = a_chain(*items, status=JobStatus.PENDING, owed=(a_debt(jobs.START),), **fields)
    work = agreed().work
    return job.change(steps=tuple(each.change(work=work) for each in job.steps))


def test_what_waits_is_made_before_what_it_waits_for() -> None:
    """So whoever sees the first end finds the others there; only what waits for none is sent."""
    made = jobs.generations_of(chained(2, 1), NOON, a_taker(DebtKind.SUBMIT))

    assert [(each.step, each.item) for each in made] == [(2, 1), (1, 2), (1, 1)]
    waiting, pending_, _ = made
    assert (waiting.status, waiting.owed) == (RunStatus.WAITING, ())
    assert [each.status for each in waiting.history] == [RunStatus.WAITING]
    assert (pending_.status, [each.key for each in pending_.owed]) == (
        RunStatus.PENDING,
        ["submit"],
    )
    assert [(each.steps, each.items) for each in made] == [(2, 1), (2, 2), (2, 2)]


def test_a_manual_job_begins_with_its_first_step() -> None:
    """What takes nothing of others waits as well, for its person's word."""
    job = chained(1, 1)
    apart = job.change(steps=tuple(each.change(sources={}) for each in job.steps))
    statuses = {
        manual: [each.status for each in jobs.generations_of(apart.change(manual=manual), NOON)]
        for manual in (False, True)
    }
    assert statuses == {
        False: [RunStatus.PENDING, RunStatus.PENDING],
        True: [RunStatus.WAITING, RunStatus.PENDING],
    }


def test_what_was_made_before_is_given_to_a_step() -> None:
    """To its engine at once, and to whoever orders it again; not once its work is handed over."""
    fixed = {"image_0": "media:outputs/one"}
    step = jobs.with_fixed(agreed(), fixed)
    assert step.work is not None
    known = agreed().work
    assert known is not None
    assert step.work.request.inputs == {**known.request.inputs, **fixed}
    assert step.fixed == fixed
    assert jobs.with_fixed(agreed(), {}) == agreed()
    assert jobs.with_fixed(a_step(), fixed) == a_step()


@pytest.mark.parametrize(
    ("amount", "shares"),
    [
        (None, [None, None, None]),
        ("12", ["2", "5", "5"]),
        ("15", ["5", "5", "5"]),
        ("10", ["5", "5"]),
        ("3", ["3"]),
        ("20", ["10", "5", "5"]),
        ("0", ["0"]),
    ],
)
def test_what_is_given_back_is_taken_from_the_last_steps_first(
    amount: str | None, shares: list[str | None]
) -> None:
    """What is too much, or nothing, stands with the first, where it is refused."""
    paid = Outcome(status=RunStatus.COMPLETED, price=Decimal(5), price_reason=PriceReason.PRICE)
    job = come_to(a_chain(), paid, paid, paid)
    found = jobs.shares(job.steps, None if amount is None else Decimal(amount))
    assert sorted(str(share) for _, share in found) == sorted(str(each) for each in shares)
