"""A generation as the API shows it, derived from the record itself, so that it cannot drift."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from schemas.base import EngineName, GenerationId, Record
from schemas.generation import Generation, Request


class _Shown(Record):
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


@cache
def generation() -> type[BaseModel]:
    """Return the model of `Generation.public`."""
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in Generation.model_fields.items()
        if name != "id" and field.serialization_alias in _names()
    }
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
