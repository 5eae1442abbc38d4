"""Our own API's words: what a caller may say, and what is said back besides records.

Every model refuses what it does not know, by name: a misspelt field that is passed over is
an order carried out otherwise than it was meant. The OpenAPI document is made of these models.
"""

import re
from typing import Annotated, Final, Literal, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    RootModel,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, PydanticKnownError, to_json

from schemas.base import EngineName, GenerationId, Money, UserId, Value
from schemas.generation import CostRate
from schemas.inputs import (
    ATTEMPTS_USUAL,
    INPUTS_MOST,
    INTEGER_MOST,
    Attempts,
    InputKey,
    InputValue,
    ModelVersion,
    OwnedName,
    Priority,
    WorkflowDigest,
)
from schemas.payment import STARS_MOST
from schemas.run import RunStatus

LABELS_MOST: Final = 16
"""Labels that one record may carry."""

_WORKFLOWS: Final = "comfyui"
"""The engine that is given workflows; others run what they keep themselves."""
_MODELS: Final = "replicate"
"""The engine that is told which model to run, in one of three ways."""
_WHAT: Final = {_WORKFLOWS: "workflow", _MODELS: None}
"""The field that says what is run, by engine, where it is neither ``deployment_id`` nor several."""
_REPEATED: Final = frozenset({_WORKFLOWS, _MODELS})
"""Engines whose runs may be tried again."""
_TEXT = r"^[^\x00-\x1f\x7f]+$"

LabelKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
LabelText = Annotated[str, StringConstraints(max_length=256)]
Engine = Annotated[EngineName, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=_TEXT)]
"""1 to 128 characters, none of them a control character."""
RunName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
TELEGRAM_ID_MOST: Final = 2**52 - 1
"""Largest id of a person: "at most 52 significant bits" (Bot API, User)."""
Tag = Annotated[
    str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")
]
"""An IETF tag of a language."""
ChatId = Annotated[int, Field(ge=-INTEGER_MOST, le=INTEGER_MOST)]


def _sized(inputs: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse more inputs than a record should carry."""
    if len(to_json(inputs)) > INPUTS_MOST:
        raise PydanticCustomError("inputs_size", "takes at most 12288 bytes as JSON")
    return inputs


def _not_for(engine: EngineName) -> PydanticCustomError:
    return PydanticCustomError("engine", "is not for {engine}", {"engine": engine})


def _plain_integer(value: object) -> object:
    """Refuse the other ways to write an integer: ``1_000``, ``+5``, ``5.0``."""
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,19}", value):
        raise PydanticCustomError("integer", "is an integer in plain digits")
    return value


def _graph_or_digest(value: object) -> object:
    """Say in one sentence what is taken: pydantic would say one for each part of the union."""
    known = isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value)
    if known or value is None or isinstance(value, dict):
        return cast("object", value)
    raise PydanticCustomError("workflow", "is a graph, or 64 lower-case hexadecimal digits")


Digits = BeforeValidator(_plain_integer)


class Said(BaseModel):
    """Something a caller says: taken whole or refused by the name of what is wrong."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )


class View(Value):
    """Something we show: every field is there, and says what it is."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class NewMetadata(Said):
    """Whose the order is, and where its news goes."""

    user_id: Words | None = None
    telegram_chat_id: ChatId | None = None
    """The chat that is told how it went."""
    telegram_message_id: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """The person's message, which ours will reply to."""
    language: Tag | None = None
    """IETF tag of the person's language; English where there is none."""
    preset: Words | None = None
    cost_rate: CostRate | None = None
    """What the engine costs us; without it the cost stays unknown."""
    labels: Annotated[dict[LabelKey, LabelText], Field(max_length=LABELS_MOST)] = {}
    """The caller's own words about it."""


Given = Annotated[str, StringConstraints(max_length=4096)]
"""Looked at more closely by who knows what can be sent to."""
HookEvents = Annotated[tuple[Given, ...], Field(strict=False, max_length=32)]


class NewHook(Said):
    """An endpoint of outgoing webhooks."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "https://example.com/hooks/runrelay",
                    "events": ["generation.completed", "generation.failed", "job.completed"],
                }
            ]
        }
    )

    url: Given
    """Where to send: http or https, and no private address unless those are allowed."""
    events: HookEvents = ()
    """Which of `generation.started`, `generation.progress`, `generation.completed`,
    `generation.failed`, `generation.cancelled` and `job.completed` it hears of; left out, of
    all. With an order: of the ends of what was ordered."""
    secret: Given | None = None
    """What signs: `whsec_` and base64 of 16 to 64 bytes; left out, one is made."""


class NewGeneration(Said):
    """An order: what to run, on which engine, with which inputs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "engine": "comfydeploy",
                    "deployment_id": "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
                    "inputs": {"prompt": "a lighthouse at dusk"},
                    "metadata": {
                        "telegramChatId": 4711,
                        "costRate": {"amount": "0.000337", "currency": "USD", "unit": "second"},
                        "labels": {"campaign": "x"},
                    },
                },
                {
                    "engine": "comfyui",
                    "workflow": {
                        "1": {
                            "class_type": "EmptyImage",
                            "inputs": {"width": 512, "height": 512, "batch_size": 1, "color": 0},
                        },
                        "2": {
                            "class_type": "SaveImage",
                            "inputs": {"images": ["1", 0], "filename_prefix": "sea"},
                        },
                    },
                    "inputs": {"1/color": 3368601},
                    "maxAttempts": 3,
                    "priority": 1,
                },
                {
                    "engine": "replicate",
                    "model": "black-forest-labs/flux-schnell",
                    "inputs": {"prompt": "a lighthouse at dusk", "num_outputs": 1},
                    "metadata": {"costRate": {"amount": "0.003", "unit": "run"}},
                },
                {
                    "engine": "replicate",
                    "version": "7d3f1a0c9b8e4d2f6a5c3b1e0d9f8a7c6b5e4d3f2a1c0b9e8d7f6a5c4b3e2d1f",
                    "inputs": {"image": "https://example.com/photo.png", "scale": 2},
                },
            ]
        }
    )

    engine: Engine
    deployment_id: Annotated[
        RunName | None, Field(alias="deployment_id", validate_default=True)
    ] = None
    """The engine's name of the workflow to run; `comfyui` is given the `workflow` itself, and
    `replicate` one of `version`, `model` and `deployment`."""
    workflow: Annotated[
        dict[str, JsonValue] | WorkflowDigest | None,
        BeforeValidator(_graph_or_digest),
        Field(validate_default=True),
    ] = None
    """For `comfyui`: a graph as ComfyUI exports it for its API, up to 1 MiB of JSON, alone or with
    its `extra_data` as in `{"prompt": {...}, "extra_data": {...}}`; or the SHA-256 under which it
    is stored, as a record's `requestPayload.workflow` shows it."""
    version: ModelVersion | None = None
    """For `replicate`: a version of a model, 64 hexadecimal digits, alone or after
    `owner/name:`."""
    model: OwnedName | None = None
    """For `replicate`: an official model, `owner/name`."""
    deployment: OwnedName | None = None
    """For `replicate`: a deployment, `owner/name`."""
    inputs: Annotated[dict[InputKey, InputValue], AfterValidator(_sized)] = {}
    """By the names that the workflow gives them, of `comfyui` by `NODE/FIELD`; at most 12 KiB as
    JSON."""
    max_attempts: Attempts | None = None
    """For `comfyui` and `replicate`: how often it is tried, counting the first, where it is
    lost or fails at a server, or what it made is lost; 3 where nothing is said."""
    priority: Priority = 0
    """For `comfyui`: whose turn comes first where runs wait for a server; the higher goes first."""
    webhook: NewHook | None = None
    """Where a program hears of this order alone, signed; see `/api/webhook-endpoints`."""
    metadata: NewMetadata = NewMetadata()

    @field_validator("deployment_id", "workflow")
    @classmethod
    def _is_the_engine_s(cls, value: object, info: ValidationInfo) -> object:
        """Have of the ways to say what is run the one that the engine takes."""
        engine = info.data.get("engine")
        wanted = info.field_name == _WHAT.get(str(engine), "deployment_id")
        if engine is None or wanted == (value is not None):
            return value
        if wanted:
            raise PydanticKnownError("missing")
        raise _not_for(engine)

    @field_validator("version", "model", "deployment")
    @classmethod
    def _is_a_model_s(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Have models named where models are run."""
        engine = info.data.get("engine")
        if value is not None and engine not in {None, _MODELS}:
            raise _not_for(EngineName(str(engine)))
        return value

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        """Have exactly one of the three ways to name a model."""
        given = [each for each in (self.version, self.model, self.deployment) if each is not None]
        if self.engine == _MODELS and len(given) != 1:
            raise PydanticCustomError(
                "replicate_target", "give one of `version`, `model` and `deployment`"
            )
        return self

    @field_validator("max_attempts")
    @classmethod
    def _is_repeated(cls, value: int | None, info: ValidationInfo) -> int | None:
        """Take nothing that is not kept: runs of others are not tried again."""
        engine = info.data.get("engine", _WORKFLOWS)
        if value and engine not in _REPEATED:
            raise _not_for(engine)
        return value

    @field_validator("priority")
    @classmethod
    def _is_waited_for(cls, value: int, info: ValidationInfo) -> int:
        """Take nothing that is not kept: runs of others do not wait here."""
        engine = info.data.get("engine", _WORKFLOWS)
        if value and engine != _WORKFLOWS:
            raise _not_for(engine)
        return value

    @property
    def tries(self) -> int:
        """Times that it is tried, counting the first."""
        return (self.max_attempts or ATTEMPTS_USUAL) if self.engine in _REPEATED else 1


class Workflow(RootModel[dict[str, JsonValue]]):
    """A workflow as it is kept: its nodes by their ids.

    One that came with words for the pictures' metadata has the nodes in `prompt`, and those words
    in `extra_data.extra_pnginfo`.
    """


class Change(Value):
    """What a partial update of a record asks for, its words checked."""

    status_reason: str | None = None
    """The new reason; None leaves it as it is."""
    unset_status_reason: bool = False
    set_labels: dict[str, str] = {}  # noqa: RUF012 - pydantic copies defaults
    unset_labels: tuple[str, ...] = ()
    cost_usd: Money | None = None
    """What it cost, to be set only while that is not known; None leaves it as it is."""


class Update(BaseModel):
    """A partial update. Without `$set` and `$unset` at the top, the body is what to set.

    What can be set: `statusReason`, `metadata.labels.KEY`, and `costUsd` while it is null.
    """

    model_config = ConfigDict(
        extra="allow",
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [{"statusReason": "checked by hand", "metadata.labels.campaign": "y"}]
        },
    )
    __pydantic_extra__: dict[str, str]  # pyright: ignore[reportIncompatibleVariableOverride] - how pydantic is told

    to_set: Annotated[dict[str, str] | None, Field(alias="$set")] = None
    """New values by their dotted names; `costUsd` is a decimal string."""
    to_unset: Annotated[dict[str, JsonValue] | None, Field(alias="$unset")] = None
    """Names to be taken away; their values do not matter."""


class GenerationQuery(Said):
    """Which generations to list. Each name at most once; all of them must match."""

    model_config = ConfigDict(strict=False)

    run_id: Annotated[RunName | None, Field(alias="metadata.run_id")] = None
    """The engine's name of the run."""
    telegram_chat_id: Annotated[
        Annotated[ChatId, Digits] | None, Field(alias="metadata.telegramChatId")
    ] = None
    user_id: Annotated[Words | None, Field(alias="metadata.userId")] = None
    preset: Annotated[Words | None, Field(alias="metadata.preset")] = None
    status: RunStatus | None = None
    engine: Engine | None = None
    cursor: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_=-]{1,256}$")] | None = None
    """`next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=200), Digits] = 50

    def wanted(self) -> dict[str, str | int]:
        """Return the filters that were given, by their stored names."""
        given = self.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude={"cursor", "limit"}
        )
        return {str(name): value for name, value in given.items()}


class NewUser(Said):
    """Somebody who shall be able to order, as Telegram knows them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"telegramId": 4711, "username": "ada", "firstName": "Ada", "language": "pt-br"}
            ]
        }
    )

    telegram_id: Annotated[int, Field(ge=1, le=TELEGRAM_ID_MOST)]
    """Who it is: the same id again is the same person."""
    username: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,64}$")] | None = None
    """Without the `@`."""
    first_name: Words | None = None
    language: Tag | None = None
    """IETF tag of the language to speak to them in; of somebody who has one it stays."""


class NewPayment(Said):
    """A purchase of credits with Telegram Stars."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"user": "0198c0ffee0198c0ffee0198c0ffee99", "amount": 100}]
        }
    )

    user: Words
    """Whose credits: the person's `id`. Anybody may pay."""
    amount: Annotated[int, Field(ge=1, le=STARS_MOST)]
    """In Stars."""


class RefundOrder(Said):
    """A payment's money shall go back to who paid."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "bought by mistake"}]})

    reason: Words
    """Why; it is kept with the payment and in the ledger."""


class ImageQuery(Said):
    """Whose picture it is."""

    user: Annotated[UserId, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    """Id of a person, whose picture it is then."""


class NewImage(Said):
    """A picture, for those who send JSON. Others send it as it is, or as a form's `file`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AA"
                    "AAMBAQDJ/pLvAAAAAElFTkSuQmCC"
                }
            ]
        }
    )

    data: Annotated[str, StringConstraints(min_length=1)]
    """The file in base64 (RFC 4648, 4), padded, without line breaks."""


class ImageTaken(Value):
    """A picture that is kept, and how it is named."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    id: str
    """What an input of type image is given: `media:inputs/...`."""
    url: str
    """A link under which it is shown, good for a week."""
    content_type: str
    width: int
    """Pixels, after it was turned the right way up."""
    height: int
    size: int
    """Bytes, as it is kept."""


class UserQuery(Said):
    """Which people to list; all of them, the newest first, where nobody is looked for."""

    model_config = ConfigDict(strict=False)

    find: Words | None = None
    """Our id, a Telegram id, `@username`, or the beginning of either name."""
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    """`next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=200), Digits] = 50


class EntryQuery(Said):
    """Which part of somebody's ledger to show."""

    model_config = ConfigDict(strict=False)

    before: Annotated[Annotated[int, Field(ge=1, le=INTEGER_MOST)] | None, Digits] = None
    """`next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=200), Digits] = 50


class NewGrant(Said):
    """Credits for somebody."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"amount": "25", "reason": "for the outage of Monday"}]}
    )

    amount: Words
    """How many, as a decimal string with at most 6 decimal places."""
    reason: Words | None = None
    """Why; it is kept with the grant."""


class NewRefund(Said):
    """Credits that somebody gets back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the picture was lost"}]})

    amount: Words | None = None
    """How many, as a decimal string; all that was taken where nothing is said."""
    reason: Words
    """Why; it is kept with the refund."""


class Why(Said):
    """Why something is done to somebody."""

    reason: Words | None = None


class NewRoles(Said):
    """Somebody's roles, in place of those that they have."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"roles": ["member"]}]})

    roles: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")], ...],
        Field(max_length=16, strict=False),
    ]
    """`admin`, and words of the operator's own, by which presets are allowed and limits raised."""


class ControlChange(Said):
    """What to change about an engine or a preset; what is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"paused": True, "reason": "the engine is ill"}]}
    )

    paused: bool | None = None
    """Whether new orders are refused; what runs goes on."""
    reason: Words | None = None
    """Why it is paused, which whoever orders is told; or why it goes on."""
    daily_cap_usd: Words | None = None
    """USD, as a decimal string, that orders of one day (UTC) may cost; null takes the cap away."""


class PresetQuery(Said):
    """How to show presets."""

    language: Tag | None = None
    """IETF tag of a language; it goes before `Accept-Language`."""


class PresetHeaders(Said):
    """Headers of a request for presets."""

    accept_language: Annotated[
        Annotated[str, StringConstraints(max_length=1024)] | None, Field(alias="Accept-Language")
    ] = None
    """Languages for titles and help, as browsers send them."""


class CreateHeaders(Said):
    """Headers of a request that makes something."""

    model_config = ConfigDict(strict=False)

    idempotency_key: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$")]
        | None,
        Field(alias="Idempotency-Key"),
    ] = None
    """1 to 255 printable ASCII characters; the same key and body again make nothing new."""


class UpdateHeaders(Said):
    """Headers of a request that changes something."""

    model_config = ConfigDict(strict=False)

    if_match: Annotated[
        Annotated[str, StringConstraints(pattern=r'^("[0-9]{1,18}"|\*)$')] | None,
        Field(alias="If-Match"),
    ] = None
    """The ETag that the record must still have, as in `"3"`; `*` is any."""

    def version(self) -> int | None:
        """Return the version that was named, or None."""
        named = (self.if_match or "*").strip('"')
        return None if named == "*" else int(named)


class WebhookQuery(BaseModel):
    """The proof that a webhook's URL carries; other parameters are passed over."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    generation: GenerationId
    """What the webhook is about."""
    token: str
    """The token for this engine, generation and attempt."""


class MediaQuery(Said):
    """How a file may be had, and the proof that the link to it is ours."""

    model_config = ConfigDict(strict=False)

    disposition: Annotated[Literal["inline", "attachment"], Field(alias="as")]
    """Shown in place where its content is safe for that, or downloaded."""
    until: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    """The last day (UTC) on which the link leads anywhere."""
    signature: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")], Field(alias="sig")
    ]


class MediaHeaders(Said):
    """Headers of a request for a file."""

    model_config = ConfigDict(strict=False)

    range: Annotated[str | None, Field(alias="Range")] = None
    """A part of the file, as in `bytes=0-1023`; several parts are answered with all of it."""
    if_range: Annotated[str | None, Field(alias="If-Range")] = None
    """The ETag that the file must still have for its part to be sent."""
    if_none_match: Annotated[str | None, Field(alias="If-None-Match")] = None
    """ETags of what the client has already."""


class Accepted(Value):
    """A webhook has been taken in, and is on disk."""

    status: Literal["accepted"] = "accepted"


class Problem(Value):
    """What is wrong with a request (RFC 9457)."""

    type: str
    """Where this kind of problem is described."""
    title: str
    status: int
    detail: str | None = None
    """What is wrong this time, and what to change."""
    reason: str
    """A word for programs: it never changes its meaning."""
    field: str | None = None
    """Name of what is wrong: a field, a parameter or a header."""
    bounds: dict[str, int | float] | None = None
    """What it has to keep, where that is a matter of bounds: `maxPixels`."""
