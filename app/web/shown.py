"""A generation as the API shows it, derived from the record itself, so that it cannot drift."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from app.web.services import Link
from schemas.base import EngineName, GenerationId, Record
from schemas.generation import Generation, Request, Response
from schemas.run import Output


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


def public(record: Generation, link: Link) -> dict[str, Any]:
    """Return a record as the API shows it, with links to our copies of its outputs."""
    told = record.public()
    outputs = record.response_payload.outputs
    for output, each in zip(outputs, told["responsePayload"]["outputs"], strict=True):
        each["mediaUrl"] = link(output)
    return told


@cache
def generation() -> type[BaseModel]:
    """Return the model of what `public` returns."""
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in Generation.model_fields.items()
        if name != "id" and field.serialization_alias in _names()
    }
    fields["response_payload"] = (_ShownResponse, fields["response_payload"][1])
    # Any: a model made of a mapping has no static type.
    return create_model(
        "Generation",
        __base__=_Shown,
        __doc__=Generation.__doc__,
        id=(GenerationId, Field(description=GenerationId.__doc__)),
        **fields,
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


def _names() -> frozenset[str]:
    """Return the names that the API shows, as the record itself shows them."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    sample = Generation(
        id=GenerationId("0" * 32),
        engine=EngineName("any"),
        created_at=epoch,
        updated_at=epoch,
        request_timestamp=epoch,
        request_payload=Request(deployment_id="any"),
    )
    return frozenset(sample.public())
