"""Our own API's words about orders."""

from typing import Annotated, Self

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
from schemas.preset import InputName, PresetName
from schemas.wire.api import ChatId, Digits, Said, Tag

UserName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Our own id of a person."""


def _sized(inputs: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse more inputs than a record should carry."""
    if len(to_json(inputs)) > INPUTS_MOST:
        raise PydanticCustomError("inputs_size", "takes at most 12288 bytes as JSON")
    return inputs


Inputs = Annotated[dict[InputName, JsonValue], AfterValidator(_sized)]
"""By the names of the preset's inputs; at most 12 KiB as JSON."""


def _known(status: JobStatus) -> JobStatus:
    """Refuse a word that is none: stored ones of newer versions are taken as they are."""
    if status not in frozenset(JobStatus):
        words = ", ".join(repr(each.value) for each in JobStatus)
        raise PydanticCustomError("job_status", "must be one of {words}", {"words": words})
    return status


class NewStep(Said):
    """One thing to be made."""

    preset: PresetName
    inputs: Inputs = {}  # noqa: RUF012 - pydantic copies defaults


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
                }
            ]
        }
    )

    user: UserName
    """Whose credits pay for it: the `id` that registering them has told."""
    preset: PresetName | None = None
    """What to make: either this or `steps`."""
    inputs: Inputs | None = None
    """For `preset`."""
    steps: Annotated[tuple[NewStep], Field(strict=False)] | None = None
    """What to make, step by step; a job has one step."""
    notify: JobNotify | None = None
    """Where its end is told; null tells nobody."""

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if (self.preset is None) == (self.steps is None):
            raise PydanticCustomError("preset_or_steps", "give either `preset` or `steps`")
        if self.steps is not None and self.inputs is not None:
            raise PydanticCustomError("inputs_twice", "the inputs of `steps` belong to each step")
        return self

    def step(self) -> NewStep:
        """Return what is to be made."""
        if self.steps is not None:
            return self.steps[0]
        return NewStep(preset=self.preset or "", inputs=self.inputs or {})


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
