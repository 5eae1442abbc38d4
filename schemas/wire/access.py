"""Our own API's words about who may see and do what."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from schemas.access import TOKEN_MOST, KeyScope
from schemas.base import Time
from schemas.wire.api import Said

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
SECONDS_MOST: Final = int(TOKEN_MOST.total_seconds())


class NewToken(Said):
    """A view token: for one thing, for a time, for whoever is handed it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user": "0198c0ffee0198c0ffee0198c0ffee99"}]}
    )

    user: Id | None = None
    """All that is this person's."""
    job: Id | None = None
    """This job, and its generations."""
    generation: Id | None = None
    """This generation."""
    all: bool = False
    """Everybody's."""
    act: bool = False
    """Whether its bearer may cancel what they see."""
    seconds: Annotated[int, Field(ge=1, le=SECONDS_MOST)] = SECONDS_MOST
    """How long it is good for."""

    @model_validator(mode="after")
    def _about_one_thing(self) -> Self:
        named = [each for each in (self.user, self.job, self.generation) if each is not None]
        if len(named) + self.all != 1:
            raise PydanticCustomError(
                "about", "takes exactly one of user, job and generation, or all as true"
            )
        return self


class SignIn(Said):
    """Who signs in at the dashboard."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "..."}]})

    key: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    """One of INTERNAL_API_KEY, without its name and its scope."""


class _Told(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )


class Token(_Told):
    """What lets its bearer see what it is about."""

    token: str
    """For `Authorization: Bearer`, or as the subprotocol `bearer.TOKEN` of a WebSocket."""
    expires_at: Time


class SignedIn(_Told):
    """Who asks, as the API knows them."""

    name: str
    """Of their key; empty for one without a name."""
    scope: KeyScope
    expires_at: Time | None
    """When they are signed out; null for who came with the key itself."""
