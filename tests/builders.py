"""Valid objects with defaults; name only what the test is about."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final

from processors import debts, runs
from processors.debts import Taker
from schemas.base import EngineName, GenerationId, InstanceName, PaymentId, RunId, UserId
from schemas.control import Control
from schemas.debt import Debt, DebtKind
from schemas.deed import Deed, DeedId
from schemas.generation import (
    CostRate,
    EngineRun,
    Generation,
    Metadata,
    RateUnit,
    Request,
    Response,
)
from schemas.hook import Endpoint, EndpointId, HookEvent, HookSecret
from schemas.job import Job, JobChat, JobId, JobStatus, Outcome, PriceReason, Source, Step, Terms
from schemas.ledger import Entry, EntryId, EntryKind
from schemas.payment import STARS, Charge, Payment
from schemas.preset import (
    ChainStep,
    ChainTarget,
    Deployment,
    FixedPrice,
    Helps,
    Input,
    IntegerInput,
    Preset,
    StepsPrice,
    TextInput,
    Titles,
)
from schemas.run import (
    TERMINAL,
    Delivery,
    Output,
    OutputKind,
    RunEvent,
    RunReport,
    RunStatus,
)
from schemas.server import ServerSeen
from schemas.timing import Timing
from schemas.update import Update
from schemas.user import User

NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
ID: Final = GenerationId("0198c0ffee0198c0ffee0198c0ffee01")
COMFYDEPLOY: Final = EngineName("comfydeploy")
COMFYUI: Final = EngineName("comfyui")
JOB: Final = JobId("0198c0ffee0198c0ffee0198c0ffee77")
RUN: Final = RunId("run-1")
CHAT: Final = 4711
"""The Telegram chat of `a_generation`."""
USER: Final = UserId("0198c0ffee0198c0ffee0198c0ffee99")
PAYMENT = PaymentId("0198c0ffee0198c0ffee0198c0ffee77")
HERE: Final = InstanceName("here")
"""The service process that a test speaks for."""
TIMING: Final = Timing()
A10G: Final = CostRate(amount=Decimal("0.000337"), unit=RateUnit.SECOND)
"""What ComfyDeploy asks for a second of an A10G."""

HOOK_SECRET: Final = "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cw=="
"""A secret that signs outgoing webhooks; 19 bytes."""


def later(seconds: float) -> datetime:
    """The moment so many seconds after `NOON`; before it where they are negative."""
    return NOON + timedelta(seconds=seconds)


def some_metadata(**fields: Any) -> Metadata:  # noqa: ANN401 - any field of the metadata
    """Metadata of an order that came from a chat and whose engine has a price."""
    known: dict[str, Any] = {"telegram_chat_id": CHAT, "cost_rate": A10G}
    return Metadata(**(known | fields))


def an_order(**fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """A generation just ordered and never sent, as it is stored: it owes its submit."""
    known: dict[str, Any] = {
        "id": ID,
        "engine": COMFYDEPLOY,
        "created_at": NOON,
        "updated_at": NOON,
        "request_timestamp": NOON,
        "metadata": some_metadata(),
        "request_payload": Request(
            deployment_id="c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
            inputs={"prompt": "a lighthouse at dusk"},
        ),
        "owed": (a_debt(runs.SUBMIT),),
    }
    fresh = Generation(**(known | fields))
    return debts.put(fresh, fresh.owed)


def a_generation(
    status: RunStatus = RunStatus.QUEUED,
    **fields: Any,  # noqa: ANN401 - any field of the record
) -> Generation:
    """A generation that its engine has as run `RUN`, and that is asked about later.

    Its history and its times are those of the default; give the ones the test is about.
    """
    known: dict[str, Any] = {
        "status": status,
        "metadata": some_metadata(run_id=RUN),
        "runs": (EngineRun(attempt=1, run_id=RUN, submitted_at=NOON),),
        "queued_at": NOON,
        "owed": (a_debt(runs.ASK, next_at=later(60)),),
    }
    return an_order(**(known | fields))


def a_waiting(**fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """An order that waits for a server of ours, and may be tried three times."""
    known: dict[str, Any] = {
        "engine": COMFYUI,
        "max_attempts": 3,
        "request_payload": Request(workflow="digest", inputs={"6/text": "a lighthouse"}),
    }
    return an_order(**(known | fields))


def a_placed(
    status: RunStatus = RunStatus.QUEUED,
    **fields: Any,  # noqa: ANN401 - any field of the record
) -> Generation:
    """The same, which has slot `one#1` as run `RUN`, and is asked about later."""
    run = EngineRun(attempt=1, run_id=RUN, server="one", client_id="client-one", submitted_at=NOON)
    known: dict[str, Any] = {
        "status": status,
        "slot": "one#1",
        "metadata": some_metadata(run_id=RUN),
        "runs": (run,),
        "owed": (a_debt(runs.ASK, next_at=later(60)),),
    }
    return a_waiting(**(known | fields))


def a_server_seen(name: str = "one", **fields: Any) -> ServerSeen:  # noqa: ANN401 - any field of the record
    """A server with one slot that was well at noon."""
    known: dict[str, Any] = {
        "id": f"{COMFYUI}/{name}",
        "engine": COMFYUI,
        "name": name,
        "at": NOON,
        "healthy": True,
        "slots": 1,
        "load": 0,
        "by": HERE,
    }
    return ServerSeen(**(known | fields))


def a_run_event(
    status: RunStatus | None = RunStatus.RUNNING,
    **fields: Any,  # noqa: ANN401 - any field of the event
) -> RunEvent:
    """A verified event of run `RUN`, received at noon."""
    known: dict[str, Any] = {
        "engine": COMFYDEPLOY,
        "generation_id": ID,
        "attempt": 1,
        "run_id": RUN,
        "status": status,
        "received_at": NOON,
    }
    return RunEvent(**(known | fields))


def a_sign_of_life(at: datetime = NOON) -> RunEvent:
    """A webhook that came without a body."""
    return a_run_event(None, run_id=None, received_at=at)


def a_report(
    status: RunStatus = RunStatus.COMPLETED,
    **fields: Any,  # noqa: ANN401 - any field of the report
) -> RunReport:
    """The engine's answer about run `RUN`; an end comes with its times, 12 s of running."""
    known: dict[str, Any] = {"run_id": RUN, "status": status}
    if status in TERMINAL:
        known |= {"started_at": later(3), "ended_at": later(15)}
    return RunReport(**(known | fields))


def an_output(name: str = "1", at: datetime | None = None, **fields: Any) -> Output:  # noqa: ANN401 - any field of the output
    """A picture; `at` is when it was heard, None for one that the engine told when asked."""
    known: dict[str, Any] = {
        "id": f"{name}/images/0",
        "kind": OutputKind.IMAGE,
        "url": f"https://outputs.example.com/{name}.png",
        "received_at": at,
    }
    return Output(**(known | fields))


def a_debt(key: str = runs.NOTIFY, **fields: Any) -> Debt:  # noqa: ANN401 - any field of the debt
    """A debt that nobody has claimed and that is due at noon; its kind is its key."""
    known: dict[str, Any] = {"key": key, "kind": DebtKind(key), "next_at": NOON}
    return Debt(**(known | fields))


def a_taker(
    *kinds: DebtKind, by: InstanceName = HERE, until: datetime = NOON + TIMING.lease
) -> Taker:
    """A process that takes up debts of these kinds at once."""
    return Taker(by=by, until=until, kinds=frozenset(kinds))


def a_delivery(raw: bytes = b"", **fields: Any) -> Delivery:  # noqa: ANN401 - any field of the delivery
    """A body as it came from ComfyDeploy at noon."""
    known: dict[str, Any] = {
        "generation": ID,
        "attempt": 1,
        "engine": COMFYDEPLOY,
        "at": NOON,
        "raw": raw,
    }
    return Delivery(**(known | fields))


def titled(en: str, **others: str) -> Titles:
    """A title, in English alone unless told otherwise."""
    return Titles(en=en, **others)


def a_prompt(**fields: Any) -> TextInput:  # noqa: ANN401 - any field of the input
    """A required text of 1 to 500 characters."""
    known: dict[str, Any] = {
        "name": "prompt",
        "type": "text",
        "titles": titled("Prompt", ru="Описание", pt="Descrição"),
        "required": True,
        "least": 1,
        "most": 500,
    }
    return TextInput(**(known | fields))


def some_steps(**fields: Any) -> IntegerInput:  # noqa: ANN401 - any field of the input
    """A whole number from 1 to 50, 20 where nothing is given."""
    known: dict[str, Any] = {
        "name": "steps",
        "type": "integer",
        "titles": titled("Steps", ru="Шаги", pt="Passos"),
        "default": 20,
        "least": 1,
        "most": 50,
    }
    return IntegerInput(**(known | fields))


def a_preset(name: str = "l4_t2i", *inputs: Input, **fields: Any) -> Preset:  # noqa: ANN401 - any field of the preset
    """An active preset for everybody at 5 credits; a prompt and steps unless told otherwise."""
    known: dict[str, Any] = {
        "name": name,
        "titles": titled("Picture", ru="Картинка", pt="Imagem"),
        "help": Helps(en="Describe it.", ru="Опишите её."),
        "target": Deployment(
            engine="comfydeploy", deployment_id="c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11"
        ),
        "inputs": inputs or (a_prompt(), some_steps()),
        "price": FixedPrice(kind="fixed", credits=Decimal(5)),
        "cost_rate": A10G,
        "updated_at": NOON,
    }
    return Preset(**(known | fields))


def a_chain_preset(
    name: str,
    *steps: ChainStep,
    inputs: Sequence[Input] = (),
    **fields: Any,  # noqa: ANN401 - any field of the preset
) -> Preset:
    """A preset that is made of others; what it asks for is `words`, unless told otherwise."""
    known: dict[str, Any] = {
        "target": ChainTarget(engine="chain", steps=steps),
        "price": StepsPrice(kind="steps"),
        "cost_rate": None,
    }
    asked = tuple(inputs) or (a_prompt(name="words"),)
    return a_preset(name, *asked, **(known | fields))


def a_step(**fields: Any) -> Step:  # noqa: ANN401 - any field of the step
    """A step at a fixed price of 5 credits, whose generation has been made."""
    known: dict[str, Any] = {
        "preset": "l4_t2i",
        "generation": ID,
        "inputs": {"prompt": "a lighthouse at dusk"},
        "held": Decimal(5),
        "terms": Terms(
            price=FixedPrice(kind="fixed", credits=Decimal(5)), credits_per_usd=Decimal(100)
        ),
    }
    return Step(**(known | fields))


def a_job(**fields: Any) -> Job:  # noqa: ANN401 - any field of the job
    """A job of one step that is under way and owes nothing, ordered in the chat `CHAT`."""
    known: dict[str, Any] = {
        "id": JOB,
        "user_id": USER,
        "by": "telegram",
        "chat": JobChat(telegram_chat_id=CHAT),
        "steps": (a_step(),),
        "status": JobStatus.ACTIVE,
        "created_at": NOON,
        "updated_at": NOON,
    }
    made = Job(**(known | fields))
    return debts.put(made, made.owed)


def a_chain(*items: int, **fields: Any) -> Job:  # noqa: ANN401 - any field of the job
    """A job whose steps are made so many times each: three steps, once each, unless told otherwise.

    Each item is the preset ``jacket`` at 5 credits, as generation `its_id`, and takes what the
    step before has made.
    """
    steps = list[Step]()
    for number, count in enumerate(items or (1, 1, 1), 1):
        sources = {
            f"garment-{each.item}": Source(
                step=number - 1, generation=each.generation, type=OutputKind.IMAGE
            )
            for each in steps
            if each.number == number - 1
        }
        steps += [
            a_step(
                number=number,
                item=item,
                preset="jacket",
                generation=its_id(number, item),
                sources=sources,
            )
            for item in range(1, count + 1)
        ]
    return a_job(**({"steps": tuple(steps)} | fields))


def its_id(number: int, item: int = 1) -> GenerationId:
    """The id of the generation of a step of `a_chain`."""
    return GenerationId(f"0198c0ffee0198c0ffee0198{number:04x}{item:04x}")


def a_part(
    job: Job,
    number: int,
    item: int = 1,
    *,
    status: RunStatus = RunStatus.WAITING,
    **fields: Any,  # noqa: ANN401 - any field of the record
) -> Generation:
    """The generation of a step of `a_chain`, ended by its engine where its status is an end."""
    ended = status in TERMINAL
    run = None if status is RunStatus.WAITING else RunId(f"run-{number}-{item}")
    known: dict[str, Any] = {
        "id": its_id(number, item),
        "metadata": some_metadata(run_id=run),
        "runs": (EngineRun(attempt=1, run_id=run, submitted_at=NOON),) if run else (),
        "job_id": job.id,
        "step": number,
        "item": item,
        "steps": job.last,
        "items": len(job.parts(number)),
        "ended_by": "engine" if ended else None,
        "confirmed": True if ended else None,
        "response_timestamp": later(60) if ended else None,
        "duration_seconds": 12.0 if ended else None,
        "owed": (),
    }
    return a_generation(status, **(known | fields))


def its_generations(job: Job, *statuses: RunStatus) -> dict[GenerationId, Generation]:
    """The generations of `a_chain`, in these statuses one after another; the others wait.

    Those that completed have made a picture, which is named after their step and item.
    """
    made = dict[GenerationId, Generation]()
    for step, status in zip_longest(job.steps, statuses, fillvalue=RunStatus.WAITING):
        assert isinstance(step, Step)
        assert isinstance(status, RunStatus)
        completed = status is RunStatus.COMPLETED
        outputs = (an_output(f"{step.number}-{step.item}"),) if completed else ()
        made[step.generation] = a_part(
            job,
            step.number,
            step.item,
            status=status,
            response_payload=Response(outputs=outputs),
        )
    return made


def an_outcome(status: RunStatus = RunStatus.COMPLETED, **fields: Any) -> Outcome:  # noqa: ANN401 - any field of the outcome
    """What a step came to: 5 credits where it completed, else nothing."""
    completed = status is RunStatus.COMPLETED
    known: dict[str, Any] = {
        "status": status,
        "price": Decimal(5 if completed else 0),
        "price_reason": PriceReason.PRICE if completed else PriceReason.NOT_COMPLETED,
        "outputs": "made" if completed else "",
    }
    return Outcome(**(known | fields))


def come_to(job: Job, *outcomes: Outcome | None, **fields: Any) -> Job:  # noqa: ANN401 - any field of the job
    """The job, its steps having come to these one after another."""
    pairs = zip_longest(job.steps, outcomes)
    return job.change(steps=tuple(each.change(outcome=said) for each, said in pairs), **fields)


def heard(generation: Generation, *events: RunEvent, now: datetime = NOON) -> Generation:
    """The record after `events`, heard at once."""
    return runs.hear(generation, events, now=now, timing=TIMING).generation


def owes(generation: Generation) -> Sequence[str]:
    """The keys of what is owed and alive, sorted."""
    return sorted(debt.key for debt in generation.owed if debt.dead_at is None)


def the_debt(generation: Generation, key: str) -> Debt:
    """The debt of this key, which must be there."""
    debt = debts.find(generation.owed, key)
    assert debt is not None, f"{key} is not owed"
    return debt


def a_user(**fields: Any) -> User:  # noqa: ANN401 - any field of the record
    """Somebody who registered through Telegram at noon."""
    known: dict[str, Any] = {
        "id": USER,
        "telegram_id": CHAT,
        "first_name": "Ada",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return User(**(known | fields))


def an_entry(seq: int = 1, **fields: Any) -> Entry:  # noqa: ANN401 - any field of the record
    """A grant of 10 credits to a person who had nothing."""
    user = fields.get("user", USER)
    known: dict[str, Any] = {
        "id": EntryId(f"{user}/{seq}"),
        "user": user,
        "seq": seq,
        "kind": EntryKind.GRANT,
        "amount": Decimal(10),
        "balance": Decimal(10),
        "key": f"grant:{user}/{seq}",
        "by": "cli:ada",
        "at": NOON,
    }
    return Entry(**(known | fields))


def a_payment(**fields: Any) -> Payment:  # noqa: ANN401 - any field of the record
    """An invoice over 50 Stars for 100 credits, made at noon for an hour; nobody has paid it."""
    known: dict[str, Any] = {
        "id": PAYMENT,
        "user": USER,
        "provider": "telegram",
        "amount": 50,
        "credits": Decimal("100.000000"),
        "rate": Decimal(2),
        "expires_at": later(3600),
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Payment(**(known | fields))


def a_charge(**fields: Any) -> Charge:  # noqa: ANN401 - any field of the charge
    """What the person pays on that invoice, ten seconds later."""
    known: dict[str, Any] = {
        "id": "stx-1",
        "invoice": PAYMENT,
        "amount": 50,
        "currency": STARS,
        "payer": CHAT,
        "at": later(10),
    }
    return Charge(**(known | fields))


def none_odd(error: Exception) -> None:
    """What is told of entries that cannot be read, where there must be none."""
    raise AssertionError(str(error))


def an_update(number: int = 1, *, chat: int = CHAT, **fields: Any) -> Update:  # noqa: ANN401 - any field of an update
    """A message that came to a chat at noon, not handled yet."""
    known: dict[str, Any] = {
        "id": number,
        "at": NOON,
        "kind": "message",
        "lane": f"chat:{chat}",
        "chat_id": chat,
        "raw": b"{}",
        "due_at": NOON,
    }
    return Update(**(known | fields))


def a_control(key: str = "engine:comfydeploy", **fields: Any) -> Control:  # noqa: ANN401 - any field of the record
    """A control that stops nothing, last touched at noon."""
    known: dict[str, Any] = {"id": key, "by": "cli:ada", "at": NOON}
    return Control(**(known | fields))


def a_deed(number: int = 1, **fields: Any) -> Deed:  # noqa: ANN401 - any field of the record
    """Somebody was blocked."""
    known: dict[str, Any] = {
        "id": DeedId(f"{number:032x}"),
        "at": NOON,
        "by": "cli:ada",
        "verb": "block",
        "subject": "user:a",
    }
    return Deed(**(known | fields))


def an_endpoint(number: int = 1, **fields: Any) -> Endpoint:  # noqa: ANN401 - any field of the record
    """Return an endpoint that hears of everything, unless told otherwise."""
    usual: dict[str, Any] = {
        "id": EndpointId(f"{number:032x}"),
        "url": "https://hooks.example.com/runrelay",
        "events": tuple(HookEvent),
        "secrets": (HookSecret(value=HOOK_SECRET),),
        "created_at": NOON,
    }
    return Endpoint(**{**usual, **fields})
