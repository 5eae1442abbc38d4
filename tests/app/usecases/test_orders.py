"""app.usecases.orders: an order is asked about, placed once, cancelled, and given back."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.errors import (
    ConflictError,
    ContendedError,
    DiskFullError,
    EngineOffError,
    IdempotencyMismatchError,
    LimitReachedError,
    NotAllowedError,
    NotFoundError,
    PausedError,
    PeerDownError,
    RefusedError,
    StoreDownError,
    TelegramOffError,
    UserBlockedError,
)
from app.usecases.orders import MAX_TRIES
from app.usecases.own_hooks import HookWanted
from processors.chains import Ordered
from processors.errors import (
    AmountError,
    ChainRefusedError,
    InputRefusedError,
    InsufficientCreditsError,
    NoLineError,
)
from processors.images import keys
from schemas.base import EngineName, InstanceName, UserId
from schemas.hook import HookEvent
from schemas.job import JobId, JobStatus, PriceReason
from schemas.preset import (
    ChainStep,
    CostPrice,
    EstimatedHold,
    ImageInput,
    Preset,
    WorkflowTarget,
)
from schemas.run import RunStatus
from schemas.user import Role, User
from tests.app.usecases.scenes import Scene, a_wish, webhook_of
from tests.builders import (
    NOON,
    RUN,
    USER,
    a_chain_preset,
    a_generation,
    a_preset,
    a_report,
    a_user,
    an_output,
    some_metadata,
    titled,
)

pytestmark = pytest.mark.anyio

STRANGER = UserId("0198c0ffee0198c0ffee0198c0ffee98")
GIVEN = {"prompt": "a lighthouse at dusk"}
DOWN = StoreDownError("gone")
BY_COST = CostPrice(
    kind="cost",
    factor=Decimal(2),
    hold=EstimatedHold(kind="estimate", factor=Decimal("1.5"), first=Decimal(4)),
)
FINE = Ordered("l4_t2i", GIVEN)
BOTH = a_chain_preset("both", ChainStep(preset="l4_t2i", asked={"prompt": "words"}))
BY_COMFYUI = a_preset("by_comfyui", target=WorkflowTarget(engine="comfyui", workflow="0" * 64))
HELD = [("hold", Decimal(-5))]
PAID = [*HELD, ("close", Decimal(0))]
RETURNED = [*HELD, ("close", Decimal(5))]


async def end(scene: Scene, job_id: JobId, status: str = "success", **fields: Any) -> None:  # noqa: ANN401 - any field of the report
    """Have the engine end a job's run."""
    made = scene.record(scene.job(job_id).steps[0].generation)
    report = RunStatus.COMPLETED if status == "success" else RunStatus(status)
    known: dict[str, Any] = {"outputs": (an_output(),), "webhook": webhook_of(made)}
    scene.engine.reports[RUN] = a_report(report, **(known | fields))
    await scene.hear(made.id, status)


def dies_before_the_hold(scene: Scene) -> None:
    """Have a process come as far as the job of its first order, and no further."""

    async def gate() -> None:
        if scene.jobs.records:
            raise DOWN

    scene.ledger.gate = gate


def slowly(scene: Scene) -> None:
    """Have every call of the store take a while, so that those at once come in between."""

    async def pause() -> None:
        await asyncio.sleep(0.01)

    scene.jobs.gate = scene.ledger.gate = scene.generations.gate = pause


def a_run(number: int, cost: str | None) -> Any:  # noqa: ANN401 - a record by its id
    """A run of the preset that cost this."""
    made = a_generation(
        RunStatus.COMPLETED,
        id=f"{number:032x}",
        owed=(),
        job_id=f"{number:032x}",
        metadata=some_metadata(preset="l4_t2i", run_id=f"run-{number}"),
        cost_usd=None if cost is None else Decimal(cost),
    )
    return made.id, made.change(due_at=None)


async def test_a_quote_says_what_it_costs_and_moves_nothing() -> None:
    """Also where the balance does not cover it."""
    scene = Scene()
    await scene.grant(3)
    quote = await scene.orders.quote(a_user(), "l4_t2i", GIVEN)

    assert (quote.price, quote.exact, quote.held) == (5, True, 5)
    assert (quote.balance, quote.missing, quote.preset) == (3, 2, a_preset())
    assert (scene.moved(), scene.jobs.records, scene.generations.records) == ([], {}, {})


@pytest.mark.parametrize(
    ("costs", "price", "held"),
    [((), 4, 4), ((None,), 4, 4), (("0.01", None, "0.03"), 4, 6)],
)
async def test_a_price_that_follows_the_cost_is_estimated(
    costs: Sequence[str | None], price: int, held: int
) -> None:
    """From the preset's last runs; while nobody knows, it is what is held."""
    scene = Scene(presets=(a_preset(price=BY_COST),))
    scene.generations.records.update(a_run(*each) for each in enumerate(costs))
    quote = await scene.orders.quote(a_user(), "l4_t2i", GIVEN)

    assert (quote.price, quote.exact, quote.held) == (price, False, held)


async def test_a_free_preset_is_anybodys() -> None:
    """Even of somebody whose balance is below zero."""
    scene = Scene(presets=(a_preset(price=a_preset().price.change(credits=Decimal(0))),))

    assert (await scene.orders.quote(a_user(), "l4_t2i", GIVEN)).missing == 0
    async with scene.running():
        assert (await scene.place()).status is JobStatus.ACTIVE


async def test_an_order_is_placed_made_told_and_paid() -> None:
    """One message with the price, once the credits have moved; the status message is closed."""
    async with Scene().running() as scene:
        await scene.grant()
        job = await scene.place()
        assert (job.status, job.owed, job.steps[0].work) == (JobStatus.ACTIVE, (), None)
        assert scene.moved() == HELD
        await asyncio.sleep(5)
        assert scene.messenger.shown[-1].rows != ()
        await end(scene, job.id)
        await asyncio.sleep(10)
        view = await scene.orders.get(job.id)

    assert view is not None
    assert (view.job.status, view.job.price) == (JobStatus.COMPLETED, 5)
    (made,) = view.generations
    assert (made.price, made.price_reason, made.job_id) == (5, PriceReason.PRICE, job.id)
    (told,) = scene.messenger.told
    assert "5 credits" in told.content.plain
    assert scene.messenger.shown[-1].rows == ()
    assert scene.moved() == PAID
    assert view.job.told is not None
    assert (view.job.told.delivered, view.job.owed, made.owed) == (True, (), ())


async def test_with_finish_edit_nothing_is_written_over_the_result() -> None:
    """Not even where the money is told later."""
    async with Scene(finish="edit").running() as scene:
        await scene.grant()
        job = await scene.place()
        await asyncio.sleep(5)
        await end(scene, job.id)
        await asyncio.sleep(10)
        shown = len(scene.messenger.shown)
        await scene.orders.refund(job.id, amount=None, by="cli:ada", reason="sorry")
        await asyncio.sleep(10)

    assert [each.replace for each in scene.messenger.told] == [100, None]
    assert len(scene.messenger.shown) == shown


@pytest.mark.parametrize(
    ("error", "options", "fields"),
    [
        pytest.param(NotFoundError, {}, {"preset": "none"}, id="no preset"),
        pytest.param(UserBlockedError, {}, {"user": a_user(blocked=True)}, id="blocked"),
        pytest.param(NotAllowedError, {"presets": (a_preset(active=False),)}, {}, id="off"),
        pytest.param(
            NotAllowedError, {"presets": (a_preset(allowed=(Role.ADMIN,)),)}, {}, id="roles"
        ),
        pytest.param(EngineOffError, {"engine_on": False}, {}, id="no engine"),
        pytest.param(DiskFullError, {"disk_full": True}, {}, id="disk"),
        pytest.param(TelegramOffError, {"telegram": False}, {}, id="no Telegram"),
        pytest.param(InputRefusedError, {}, {"inputs": {}}, id="no prompt"),
        pytest.param(InputRefusedError, {}, {"inputs": GIVEN | {"steps": 51}}, id="bounds"),
        pytest.param(InsufficientCreditsError, {}, {"user": a_user(id=STRANGER)}, id="poor"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_stored(
    error: type[Exception], options: dict[str, Any], fields: dict[str, Any]
) -> None:
    """No job, and no credits moved."""
    scene = Scene(**options)
    await scene.grant()
    with pytest.raises(error):
        await scene.place("k", **fields)

    assert (scene.moved(), scene.jobs.records, scene.generations.records) == ([], {}, {})


@pytest.mark.parametrize(
    ("steps", "presets", "field"),
    [
        ((Ordered("none", {}), FINE), (a_preset(),), "steps.1.preset"),
        ((FINE, Ordered("none", {})), (a_preset(),), "steps.2.preset"),
        (
            (FINE, Ordered("off", GIVEN)),
            (a_preset(), a_preset("off", active=False)),
            "steps.2.preset",
        ),
        ((FINE, FINE._replace(engine=EngineName("comfyui"))), (a_preset(),), "steps.2.engine"),
        ((FINE, Ordered("by_comfyui", GIVEN)), (a_preset(), BY_COMFYUI), "steps.2.preset"),
        ((Ordered("both", {}, over={"words": ("a",)}),), (a_preset(), BOTH), "steps.1.preset"),
        ((FINE, Ordered("both", {"words": "a"})), (a_preset(), BOTH), "steps.2.preset"),
        ((FINE, Ordered("l4_t2i", {})), (a_preset(),), "steps.2.inputs.prompt"),
    ],
    ids=["first", "second", "inactive", "engine", "engine off", "over", "nested", "input"],
)
async def test_a_step_that_cannot_be_is_named(
    steps: tuple[Ordered, ...], presets: tuple[Preset, ...], field: str
) -> None:
    """Counted from 1; nothing is held."""
    scene = Scene(presets=presets)
    await scene.grant()
    with pytest.raises((RefusedError, ChainRefusedError, InputRefusedError)) as caught:
        await scene.place(steps=steps, preset=steps[0].preset)

    assert getattr(caught.value, "field", None) == field
    assert scene.moved() == []


@pytest.mark.parametrize(
    "error",
    [PausedError("engine", "comfydeploy"), LimitReachedError("at_once", 1, timedelta(seconds=9))],
)
async def test_whatever_is_asked_may_be_in_the_way(error: RefusedError) -> None:
    """Limits and pauses; of a quote as well."""

    async def check(user: User, preset: Preset) -> None:
        assert (user, preset) == (a_user(), a_preset())
        raise error

    scene = Scene(checks=(check,))
    await scene.grant()
    for attempt in (scene.place(), scene.orders.quote(a_user(), "l4_t2i", GIVEN)):
        with pytest.raises(type(error)):
            await attempt
    assert scene.moved() == []


async def test_an_order_whose_turn_others_keep_taking_is_given_up() -> None:
    """Nothing is held for it; whoever looks again sees what was ordered meanwhile."""
    looks = list[User]()

    async def limits(user: User) -> int:
        looks.append(user)
        return 1 if len(looks) != 4 else 2

    scene = Scene(limits=limits)
    await scene.grant(15)
    first = await scene.place()
    second = await scene.place()
    assert (first.turn, second.turn, len(looks)) == (1, 2, 4)
    with pytest.raises(ContendedError):
        await scene.place()

    assert len(looks) == 4 + 1 + MAX_TRIES
    assert [each for each, _ in scene.moved()] == ["hold", "hold"]


async def test_somebody_elses_picture_is_refused_by_name() -> None:
    """What one has given is nobody else's to order with."""
    photo = ImageInput(name="photo", type="image", titles=titled("Photo"))
    scene = Scene(presets=(a_preset("l4_t2i", photo),))
    await scene.grant()
    key = keys.key_of(b"picture", "image/png", owner=STRANGER, day=NOON.date())
    with pytest.raises(InputRefusedError, match="not_theirs"):
        await scene.place(inputs={"photo": f"media:{key}"})

    assert scene.moved() == []


async def test_two_at_once_with_credits_for_one_are_one() -> None:
    """The other is refused with what is missing, and its key is free."""
    async with Scene().running() as scene:
        await scene.grant(7)
        slowly(scene)
        results = await asyncio.gather(scene.place("a"), scene.place("b"), return_exceptions=True)
        (poor,) = [each for each in results if isinstance(each, InsufficientCreditsError)]
        assert (poor.balance, poor.missing) == (2, 3)
        assert scene.moved() == HELD
        assert sorted(each.status for each in scene.jobs.records.values()) == ["active", "refused"]
        await asyncio.sleep(120)
        # Who was answered is not told again.
        assert scene.messenger.told == []
        await scene.money.grant(USER, Decimal(3), key="grant:more", by="cli:test")
        for key in ("a", "b"):
            assert (await scene.place(key)).status is JobStatus.ACTIVE

    assert len(scene.generations.records) == 2


async def test_two_identical_requests_at_once_make_one_job() -> None:
    """And so does every later one; another body under the key is refused."""
    async with Scene().running() as scene:
        await scene.grant()
        slowly(scene)
        wish = a_wish()
        made = await asyncio.gather(
            *(scene.orders.place(wish, key="k", digest="d") for _ in range(9))
        )
        assert len({job.id for job, _ in made}) == 1
        assert sorted(new for _, new in made) == [False] * 8 + [True]
        assert (await scene.place("k")).id == made[0][0].id
        with pytest.raises(IdempotencyMismatchError):
            await scene.place("k", digest="other")

    assert scene.moved() == HELD
    assert len(scene.generations.records) == 1


async def test_an_id_that_is_taken_is_a_conflict() -> None:
    """It is no answer to anybody's order."""
    scene, other = Scene(), Scene()
    other.jobs.records = scene.jobs.records
    for each in (scene, other):
        await each.grant()
    job = await scene.place()
    with pytest.raises(ConflictError):
        await other.place()

    assert list(scene.jobs.records) == [job.id]


@pytest.mark.parametrize("passing", range(26))
async def test_a_database_that_goes_away_between_two_writes_loses_nothing(passing: int) -> None:
    """Whatever was stored goes on by itself, and a repetition under the key finds it."""
    async with Scene().running() as scene:
        await scene.grant()
        scene.store.script(*[None] * passing, *[DOWN] * 3)
        with suppress(StoreDownError):
            await scene.place("k")
        await asyncio.sleep(100)
        job = await scene.place("k")
        await asyncio.sleep(5)
        await end(scene, job.id)
        await asyncio.sleep(20)

    assert scene.job(job.id).status is JobStatus.COMPLETED
    assert scene.moved() == PAID
    assert len(scene.generations.records) == len(scene.jobs.records) == 1
    assert [each.chat_id for each in scene.messenger.told] == [4711]


@pytest.mark.parametrize("passing", range(26))
async def test_a_crash_between_two_writes_loses_nothing(passing: int) -> None:
    """Another process goes on with whatever was stored: held, made and told once."""
    dead = Scene()
    await dead.grant()
    dead.store.script(*[None] * passing)
    dead.store.down = DOWN
    with suppress(StoreDownError):
        await dead.place("k")
    async with Scene(after=dead, name=InstanceName("there")).running() as scene:
        await asyncio.sleep(100)
        job = await scene.place("k")
        await asyncio.sleep(5)
        await end(scene, job.id)
        await asyncio.sleep(20)

    assert scene.job(job.id).status is JobStatus.COMPLETED
    assert scene.moved() == PAID
    assert len(scene.engine.submitted) == len(scene.messenger.told) == 1


async def test_who_waits_no_longer_is_told_of_a_refusal() -> None:
    """Credits that went while the order was interrupted: its chat learns that nothing was made."""
    dead = Scene()
    await dead.grant()
    dies_before_the_hold(dead)
    with pytest.raises(StoreDownError):
        await dead.place("k")
    assert [each.status for each in dead.jobs.records.values()] == [JobStatus.PENDING]
    assert dead.moved() == []
    scene = Scene(after=dead, name=InstanceName("there"))
    await scene.money.hold(USER, "other", {a_generation().id: Decimal(9)}, by="api")
    async with scene.running():
        await asyncio.sleep(100)

    (job,) = scene.jobs.records.values()
    assert (job.status, job.status_reason) == (JobStatus.REFUSED, "insufficient_credits")
    (told,) = scene.messenger.told
    assert "was not carried out" in told.content.plain
    assert scene.generations.records == {}
    assert (await scene.orders.get(job.id), job.owed) == ((job, ()), ())


async def test_a_cancel_before_it_is_sent_returns_everything() -> None:
    """It is final: nobody is asked, so that the engine is down does not matter."""
    async with Scene().running() as scene:
        await scene.grant()
        scene.engine_gate.down = PeerDownError("comfydeploy", "unreachable")
        job = await scene.place()
        await asyncio.sleep(5)
        await scene.orders.cancel(job.id, user=USER)
        await asyncio.sleep(10)

    assert (scene.job(job.id).status, scene.moved()) == (JobStatus.CANCELLED, RETURNED)


async def test_a_cancel_while_it_is_being_started_is_not_lost() -> None:
    """Whatever is made after the first look is cancelled by another."""
    dead = Scene()
    await dead.grant()
    dies_before_the_hold(dead)
    with pytest.raises(StoreDownError):
        await dead.place()
    async with Scene(after=dead, name=InstanceName("there")).running() as scene:
        (job_id,) = [JobId(each) for each in scene.jobs.records]
        job = await scene.orders.cancel(job_id)
        assert (job.status, job.cancel_wanted) == (JobStatus.PENDING, True)
        await asyncio.sleep(200)

    assert scene.job(job_id).status is JobStatus.CANCELLED
    assert scene.moved() == [*HELD, ("close", Decimal(5))]


async def test_a_cancel_while_it_runs_is_the_engines_to_confirm() -> None:
    """Then what it cost is taken, where that was agreed on."""
    async with Scene(presets=(a_preset(cancel_fee="cost"),)).running() as scene:
        await scene.grant()
        job = await scene.place()
        await asyncio.sleep(5)
        await scene.orders.cancel(job.id)
        await asyncio.sleep(5)
        assert scene.engine.cancelled == [RUN]
        await end(scene, job.id, "cancelled")
        await asyncio.sleep(90)

    after = scene.job(job.id)
    assert (after.status, after.price) == (JobStatus.CANCELLED, Decimal("0.404400"))
    assert after.steps[0].outcome is not None
    assert after.steps[0].outcome.price_reason is PriceReason.CANCEL_FEE


async def test_a_cancel_after_the_end_changes_nothing() -> None:
    """It stays as it ended; nobody else can cancel it, or what there is not."""
    async with Scene().running() as scene:
        await scene.grant()
        job = await scene.place()
        with pytest.raises(NotFoundError):
            await scene.orders.cancel(job.id, user=STRANGER)
        with pytest.raises(NotFoundError):
            await scene.orders.cancel(JobId("none"))
        await asyncio.sleep(5)
        await end(scene, job.id)
        await asyncio.sleep(10)
        before = scene.job(job.id)
        assert await scene.orders.cancel(job.id) == before
        assert not before.cancel_wanted
    assert await scene.orders.get(JobId("none")) is None


async def test_a_refund_is_given_once_and_told_once() -> None:
    """At most what was paid, and never of what was not."""
    async with Scene().running() as scene:
        await scene.grant()
        job = await scene.place()
        with pytest.raises(NoLineError):
            await scene.orders.refund(job.id, amount=None, by="cli:ada", reason="r")
        await asyncio.sleep(5)
        await end(scene, job.id)
        await asyncio.sleep(10)
        with pytest.raises(AmountError):
            await scene.orders.refund(job.id, amount=Decimal(6), by="cli:ada", reason="r")
        for _ in range(2):
            after = await scene.orders.refund(
                job.id, amount=Decimal(2), by="cli:ada", reason="sorry"
            )
            assert after.steps[0].outcome is not None
            assert after.steps[0].outcome.refunded == 2
        await asyncio.sleep(10)
        with pytest.raises(NotFoundError):
            await scene.orders.refund(JobId("none"), amount=None, by="cli:ada", reason="r")

    assert scene.moved() == [*PAID, ("refund", Decimal(2))]
    assert len(scene.messenger.told) == 2
    assert "Returned: 2 credits" in scene.messenger.told[1].content.plain


async def test_orders_are_listed() -> None:
    """Of one person, the newest first; those that run apart."""
    async with Scene().running() as scene:
        await scene.grant()
        first, second = await scene.place(), None
        await asyncio.sleep(5)
        await end(scene, first.id)
        await asyncio.sleep(10)
        second = await scene.place()

        page = await scene.orders.of_user(USER, None, 1)
        assert ([each.id for each in page.items], page.next) == ([second.id], second.id)
        assert [each.id for each in await scene.orders.open_of(USER)] == [second.id]
        assert await scene.orders.open_of(STRANGER) == ()
        over = await scene.orders.page(None, None, 9, statuses=frozenset({JobStatus.COMPLETED}))
        assert [each.id for each in over.items] == [first.id]


async def test_an_order_brings_an_endpoint_of_its_own() -> None:
    """Its generations inherit what it hears of; one that nobody pays for keeps none."""
    scene = Scene()
    await scene.grant(10)
    hook = HookWanted("http://hooks.test/one", ["generation.failed", "job.completed"])
    job, _ = await scene.orders.place(a_wish(webhook=hook), key="k", digest="d")
    again, new = await scene.orders.place(a_wish(webhook=hook), key="k", digest="d")

    assert (again.id, new) == (job.id, False)
    assert list(scene.endpoints.records) == [job.id]
    [step] = job.steps
    made = scene.generations.records[step.generation]
    assert made.hooked == job.hooked == (HookEvent.FAILED, HookEvent.JOB)
