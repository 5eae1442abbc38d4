"""app.web.updates: a few fields to set or unset, and nothing else."""

from decimal import Decimal

import pytest
from pydantic import JsonValue

from app.errors import BadFieldError
from app.web import updates
from schemas.wire.api import Change


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"statusReason": "x"}, Change(status_reason="x")),
        ({"$set": {"statusReason": "x"}}, Change(status_reason="x")),
        ({"$unset": {"statusReason": ""}}, Change(unset_status_reason=True)),
        ({"costUsd": "0.004044"}, Change(cost_usd=Decimal("0.004044"))),
        (
            {"$set": {"metadata.labels.a": "$where"}, "$unset": {"metadata.labels.b": True}},
            Change(set_labels={"a": "$where"}, unset_labels=("b",)),
        ),
        ({"$set": {}, "$unset": {}}, Change()),
    ],
)
def test_what_can_be_changed_is_translated(body: JsonValue, expected: Change) -> None:
    """With operators or without."""
    assert updates.parse(body) == expected


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({}, "body"),
        ({"status": "completed"}, "status"),
        ({"price": "1"}, "price"),
        ({"metadata": {"labels": {"a": "b"}}}, "metadata"),
        ({"metadata.userId": "x"}, "metadata.userId"),
        ({"metadata.labels": {}}, "metadata.labels"),
        ({"metadata.labels.": "x"}, "metadata.labels."),
        ({"metadata.labels.a.b": "x"}, "metadata.labels.a.b"),
        ({"metadata.labels.$a": "x"}, "metadata.labels.$a"),
        ({"metadata.labels.a": 1}, "metadata.labels.a"),
        ({"metadata.labels.a": {"$function": "x"}}, "metadata.labels.a"),
        ({"metadata.labels.a": "x" * 257}, "metadata.labels.a"),
        ({f"metadata.labels.{n}": "x" for n in range(17)}, "metadata.labels"),
        ({"statusReason": None}, "statusReason"),
        ({"costUsd": 0.004}, "costUsd"),
        ({"costUsd": "NaN"}, "costUsd"),
        ({"costUsd": "-1"}, "costUsd"),
        ({"costUsd": "0.0000001"}, "costUsd"),
        ({"$inc": {"costUsd": 1}}, "$inc"),
        ({"$set": {"statusReason": "x"}, "statusReason": "y"}, "statusReason"),
        ({"$set": "x"}, "$set"),
        ({"$unset": {"costUsd": ""}}, "costUsd"),
        ({"$unset": {"status": ""}}, "status"),
        ({"$set": {"statusReason": "x"}, "$unset": {"statusReason": ""}}, "statusReason"),
    ],
)
def test_anything_else_is_refused_by_name(body: JsonValue, field: str) -> None:
    """Nothing of it is done."""
    with pytest.raises(BadFieldError) as refused:
        updates.parse(body)
    assert refused.value.field == field
