"""The endpoint of outgoing webhooks that an order brings with it: its secret is told once."""

from functools import cache
from typing import Any

from pydantic import BaseModel, Field, create_model

from app.usecases.own_hooks import new_secret
from app.web import shown
from schemas.wire.api import NewHook
from schemas.wire.hooks import OwnHook


def minted(asked: NewHook | None) -> tuple[NewHook | None, str | None]:
    """Return what an order brings, with a secret; and that secret, if it was made here and now."""
    if asked is None or asked.secret is not None:
        return asked, None
    secret = new_secret()
    return asked.model_copy(update={"secret": secret}), secret


def told(record: dict[str, Any], secret: str | None) -> dict[str, Any]:
    """Return what is told of an order, its secret beside it where it was made here and now."""
    if secret is None:
        return record
    return {**record, "webhook": {"id": record["id"], "secret": secret}}


@cache
def generation() -> type[BaseModel]:
    """Return the model of the answer to the order of a generation."""
    return _ordered(shown.generation(), "OrderedGeneration")


@cache
def job() -> type[BaseModel]:
    """Return the model of the answer to the order of a job."""
    return _ordered(shown.job(), "OrderedJob")


def _ordered(record: type[BaseModel], name: str) -> type[BaseModel]:
    said = "Of the endpoint it brought, where its secret was made here; absent else."
    return create_model(
        name,
        __base__=record,
        __doc__="The record of what was ordered.",
        webhook=(OwnHook | None, Field(None, description=said)),
    )
