"""Our own API's words about orders."""

from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError, to_json

from schemas.inputs import INPUTS_MOST
from schemas.job import JobStatus
from schemas.preset import ITEMS_MOST, STEPS_MOST, Binding, InputName, PresetName
from schemas.wire.api import ChatId, Digits, Engine, NewHook, Said, Tag

UserName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Our own id of a person."""
NAMES_MOST: Final = 32
"""Inputs that a preset may have."""


def _sized(inputs: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse more inputs than a record should carry."""
    if len(to_json(inputs)) > INPUTS_MOST:
        raise PydanticCustomError("inputs_size", "takes at most 12288 bytes as JSON")
    return inputs


Inputs = Annotated[dict[InputName, JsonValue], AfterValidator(_sized)]
"""By the names of the preset's inputs; at most 12 KiB as JSON."""


Values = Annotated[tuple[JsonValue, ...], Field(strict=False, min_length=1, max_length=ITEMS_MOST)]
"""One for each time that a step is made."""
StepNumber = Annotated[int, Field(ge=1, le=STEPS_MOST)]


def _known(status: JobStatus) -> JobStatus:
    """Refuse a word that is none: stored ones of newer versions are taken as they are."""
    if status not in frozenset(JobStatus):
        words = ", ".join(repr(each.value) for each in JobStatus)
        raise PydanticCustomError("job_status", "must be one of {words}", {"words": words})
    return status


class NewStep(Said):
    """One thing to be made, or several: once for each of some values."""

    preset: PresetName
    engine: Engine | None = None
    """Who runs it, to be sure: the order is refused where the preset's engine is another."""
    inputs: Inputs = {}  # noqa: RUF012 - pydantic copies defaults
    bindings: Annotated[dict[InputName, Binding], Field(max_length=NAMES_MOST)] = {}  # noqa: RUF012 - as above
    """What an earlier step makes for an input, such as `{"photo": {"step": 1}}`. Of a step that is
    made several times each item is taken by one of this step's, unless `item` names one."""
    over: Annotated[dict[InputName, Values], Field(max_length=NAMES_MOST)] = {}  # noqa: RUF012 - as above
    """The step is made once for each of these values; of several inputs, in step."""

    @model_validator(mode="after")
    def _is_sized(self) -> Self:
        if len(to_json([self.inputs, self.over])) > INPUTS_MOST:
            raise PydanticCustomError("step_size", "takes at most 12288 bytes as JSON")
        return self


class JobNotify(Said):
    """Where the end of a job is told."""

    telegram_chat_id: ChatId
    telegram_message_id: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """The person's message, which ours reply to."""
    language: Tag | None = None
    """IETF tag of the language to tell it in; the person's own where it is not given."""


class NewJob(Said):
    """An order: what somebody wants made, and who pays for it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user": "0198c0ffee0198c0ffee0198c0ffee99",
                    "preset": "l4_t2i",
                    "inputs": {"prompt": "a lighthouse at dusk"},
                    "notify": {"telegramChatId": 4711},
                },
                {
                    "user": "0198c0ffee0198c0ffee0198c0ffee99",
                    "manual": True,
                    "steps": [
                        {"preset": "l4_t2i", "inputs": {"prompt": "somebody in the rain"}},
                        {
                            "preset": "wear",
                            "bindings": {"photo": {"step": 1, "output": "image"}},
                            "over": {
                                "garment": [
                                    "https://shop.example.com/coat.jpg",
                                    "https://shop.example.com/cape.jpg",
                                ]
                            },
                        },
                    ],
                },
            ]
        }
    )

    user: UserName
    """Whose credits pay for it: the `id` that registering them has told."""
    preset: PresetName | None = None
    """What to make: either this or `steps`."""
    inputs: Inputs | None = None
    """For `preset`."""
    steps: (
        Annotated[tuple[NewStep, ...], Field(strict=False, min_length=1, max_length=STEPS_MOST)]
        | None
    ) = None
    """What to make, step by step: each may take what those before it make."""
    manual: bool = False
    """Whether it waits for `continue` after each step; for a day, then the rest is returned."""
    notify: JobNotify | None = None
    """Where its end is told; null tells nobody."""
    webhook: NewHook | None = None
    """Where a program hears of this job, and of its generations if it asks for their events,
    signed; see `/api/webhook-endpoints`."""

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if (self.preset is None) == (self.steps is None):
            raise PydanticCustomError("preset_or_steps", "give either `preset` or `steps`")
        if self.steps is not None and self.inputs is not None:
            raise PydanticCustomError("inputs_twice", "the inputs of `steps` belong to each step")
        return self

    def wanted(self) -> tuple[NewStep, ...]:
        """Return what is to be made."""
        if self.steps is not None:
            return self.steps
        return (NewStep(preset=self.preset or "", inputs=self.inputs or {}),)


class StepChoice(Said):
    """Which step somebody means."""

    step: StepNumber
    """By its `number` in the job."""


class ReadHeaders(Said):
    """Headers of a request that asks again and again."""

    model_config = ConfigDict(strict=False)

    if_none_match: Annotated[str | None, Field(alias="If-None-Match")] = None
    """ETags of what the client has already: 304 where it still is so."""


class JobQuery(Said):
    """Which jobs to list."""

    model_config = ConfigDict(strict=False)

    user: UserName | None = None
    """Whose; everybody's where it is not given."""
    status: Annotated[JobStatus, AfterValidator(_known)] | None = None
    stuck: bool = False
    """Whether only those that are stuck, or something of theirs: one page of them."""
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    """`next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=200), Digits] = 50
