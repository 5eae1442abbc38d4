"""Records as the API shows them, derived from the records themselves, so that they cannot drift."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, create_model

from app.web.services import Link
from processors import projections
from schemas.base import EngineName, GenerationId, Money, PaymentId, Record, UserId
from schemas.control import Control, Kind
from schemas.deed import Deed, DeedId
from schemas.generation import Generation, Request, Response
from schemas.job import Job, JobId, Outcome, Step, Terms
from schemas.ledger import Entry, EntryId, EntryKind
from schemas.payment import Payment
from schemas.preset import FixedPrice
from schemas.run import Output, OutputKind, RunStatus
from schemas.user import Account, User


class _Shown(Record):
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class _ShownOutput(Output):
    __doc__ = Output.__doc__
    model_config = ConfigDict(json_schema_serialization_defaults_required=True, title="Output")

    media_url: str | None = None
    """A link to our copy, good for a week; null where there is none."""


class _ShownResponse(Response):
    __doc__ = Response.__doc__
    model_config = ConfigDict(json_schema_serialization_defaults_required=True, title="Response")

    outputs: tuple[_ShownOutput, ...] = ()  # pyright: ignore[reportIncompatibleVariableOverride] - nobody writes it


class _JobOutput(_Shown):
    """Something that a step of a job has made."""

    model_config = ConfigDict(title="JobOutput")

    step: int
    """Its number."""
    item: int
    """Of a step that is made several times: which one."""
    kind: OutputKind
    url: str | None
    """Where the engine keeps it, for a while."""
    media_url: str | None
    """A link to our copy, good for a week; null where there is none."""
    text: str | None


def internal(record: Generation, link: Link) -> dict[str, Any]:
    """Return a record as the API shows it, with links to our copies of its outputs."""
    told = record.internal()
    outputs = record.response_payload.outputs
    for output, each in zip(outputs, told["responsePayload"]["outputs"], strict=True):
        each["mediaUrl"] = link(output)
    return told


def public(record: Generation, link: Link) -> dict[str, Any]:
    """Return what whom a record belongs to may see of it, in the same shape as `internal`."""
    return projections.generation(internal(record, link), record.request_payload)


@cache
def generation() -> type[BaseModel]:
    """Return the model of what `internal` returns."""
    identity: Any = (GenerationId, Field(description=GenerationId.__doc__))
    response: Any = (_ShownResponse, Generation.model_fields["response_payload"])
    return _model(Generation, _a_generation().internal(), id=identity, response_payload=response)


@cache
def user() -> type[BaseModel]:
    """Return the model of `Account.internal`."""
    balance = Account.model_fields["balance"]
    return _model(
        User,
        Account(user=_a_user(), balance=Decimal(0)).internal(),
        id=(UserId, Field(description=UserId.__doc__)),
        balance=(balance.annotation, Field(description="Credits, as a decimal string.")),
    )


@cache
def payment() -> type[BaseModel]:
    """Return the model of `Payment.internal`."""
    return _model(
        Payment,
        _a_payment().internal(_EPOCH),
        id=(PaymentId, Field(description=PaymentId.__doc__)),
    )


@cache
def listed_user() -> type[BaseModel]:
    """Return the model of `User.internal`."""
    identity: Any = (UserId, Field(description=UserId.__doc__))
    return _model(User, _a_user().internal(), "ListedUser", id=identity)


@cache
def user_page() -> type[BaseModel]:
    """Return the model of a page of people."""
    return create_model(
        "UserPage",
        __base__=_Shown,
        __doc__="One page of people, newest first; or those who were looked for.",
        items=(list[listed_user()], ...),
        next=(str | None, Field(description="Cursor of the next page; null on the last.")),
    )


@cache
def job() -> type[BaseModel]:
    """Return the model of a job as the API shows it, its generations beside it."""
    sample = _a_job().internal()
    price = Outcome.model_fields["price"].annotation
    step = _model(Step, sample["steps"][0], **_of_step())
    return _model(
        Job,
        sample,
        id=(JobId, Field(description=JobId.__doc__)),
        steps=(list[step], Field(description="What is made: of each step all its items.")),
        step=(
            int,
            Field(description="The first step that is not at its end, as people count them."),
        ),
        of=(int, Field(description="How many there are: as in step 2 of 3.")),
        held=(str, Field(description="Credits that were set aside for all of it.")),
        price=(price, Field(description="Credits that were taken; null while they are held.")),
        outputs=(
            list[_JobOutput],
            Field([], description="What its steps have made so far, in their order; not in lists."),
        ),
        generations=(
            list[generation()],
            Field([], description="Its generations, in the order of its steps; not in lists."),
        ),
    )


def _of_step() -> dict[str, Any]:
    """Return what is shown of a step besides its record: how far it has come."""
    cost, price = (Outcome.model_fields[each].annotation for each in ("cost_usd", "price"))
    beside = "null in lists"
    return {
        "status": (
            RunStatus | None,
            Field(description="Of its generation; in lists null until it is settled."),
        ),
        "progress": (float | None, Field(description=f"From 0 to 1; {beside}.")),
        "attempt": (int | None, Field(description=f"Which try it is, from 1; {beside}.")),
        "max_attempts": (int | None, Field(description=f"How often it is tried; {beside}.")),
        "waits_for": (
            list[int],
            Field(description="The numbers of the steps that it waits for."),
        ),
        "cost_usd": (cost, Field(description="What it cost us; null while nobody knows.")),
        "price": (
            price,
            Field(description="Credits that were taken for it; null while they are held."),
        ),
    }


@cache
def job_page() -> type[BaseModel]:
    """Return the model of a page of jobs."""
    return create_model(
        "JobPage",
        __base__=_Shown,
        __doc__="One page of a list, newest first; without the generations.",
        items=(list[job()], ...),
        next=(str | None, Field(description="Cursor of the next page; null on the last.")),
    )


@cache
def entry() -> type[BaseModel]:
    """Return the model of `Entry.internal`."""
    identity: Any = (EntryId, Field(description=EntryId.__doc__))
    return _model(Entry, _an_entry().internal(), id=identity)


@cache
def entries() -> type[BaseModel]:
    """Return the model of a page of somebody's ledger."""
    return create_model(
        "EntryPage",
        __base__=_Shown,
        __doc__="One page of somebody's ledger, the last entry first.",
        items=(list[entry()], ...),
        next=(int | None, Field(description="`before` of the next page; null on the last.")),
    )


@cache
def deeds() -> type[BaseModel]:
    """Return the model of what was done to somebody."""
    deed = _model(Deed, _a_deed().internal())
    return create_model(
        "Deeds",
        __base__=_Shown,
        __doc__="What administrators last did to somebody, the last first.",
        items=(list[deed], ...),
    )


@cache
def control() -> type[BaseModel]:
    """Return the model of a control and what today has cost."""
    sample = Control(id="engine:any", by="any", at=_EPOCH).internal()
    spent = "USD that orders of today (UTC) have cost, those with a known cost."
    return _model(
        Control,
        sample,
        kind=(Kind, Field(description="What it is about.")),
        name=(str, Field(description="Of the engine or the preset.")),
        spent_today_usd=(Money, Field(description=spent)),
    )


@cache
def controls() -> type[BaseModel]:
    """Return the model of all controls."""
    return create_model(
        "Controls",
        __base__=_Shown,
        __doc__="What is paused or capped, or has cost something today.",
        items=(list[control()], ...),
    )


@cache
def page() -> type[BaseModel]:
    """Return the model of a page of generations."""
    return create_model(
        "GenerationPage",
        __base__=_Shown,
        __doc__="One page of a list, newest first.",
        items=(list[generation()], ...),
        next=(str | None, Field(description="Cursor of the next page; null on the last.")),
    )


def _model(
    record: type[Record],
    sample: Mapping[str, Any],
    name: str | None = None,
    /,
    **own: Any,  # noqa: ANN401 - fields as `create_model` takes them
) -> type[BaseModel]:
    """Return the model of a record's fields that are shown, as a sample of it shows them."""
    fields: dict[str, Any] = {
        each: (field.annotation, field)
        for each, field in record.model_fields.items()
        if each != "id" and field.serialization_alias in sample
    }
    # Any: a model made of a mapping has no static type.
    return create_model(
        name or record.__name__, __base__=_Shown, __doc__=record.__doc__, **(fields | own)
    )


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _a_generation() -> Generation:
    return Generation(
        id=GenerationId("0" * 32),
        engine=EngineName("any"),
        created_at=_EPOCH,
        updated_at=_EPOCH,
        request_timestamp=_EPOCH,
        request_payload=Request(deployment_id="any"),
    )


def _a_payment() -> Payment:
    return Payment(
        id=PaymentId("0" * 32),
        provider="any",
        amount=1,
        credits=Decimal(1),
        rate=Decimal(1),
        created_at=_EPOCH,
        updated_at=_EPOCH,
    )


def _a_job() -> Job:
    terms = Terms(price=FixedPrice(kind="fixed", credits=Decimal(0)), credits_per_usd=Decimal(1))
    step = Step(preset="any", generation=GenerationId("0" * 32), held=Decimal(0), terms=terms)
    return Job(
        id=JobId("0" * 32),
        user_id=UserId("0" * 32),
        by="any",
        steps=(step,),
        created_at=_EPOCH,
        updated_at=_EPOCH,
    )


def _a_user() -> User:
    return User(id=UserId("0" * 32), created_at=_EPOCH, updated_at=_EPOCH)


def _an_entry() -> Entry:
    nothing = Decimal(0)
    return Entry(
        id=EntryId("0" * 32),
        user=UserId("0" * 32),
        seq=1,
        kind=EntryKind.GRANT,
        amount=nothing,
        balance=nothing,
        key="any",
        by="any",
        at=_EPOCH,
    )


def _a_deed() -> Deed:
    return Deed(id=DeedId("0" * 32), at=_EPOCH, by="any", verb="any", subject="any")
