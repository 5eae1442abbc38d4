"""Records as documents, and the update that turns one state into another."""

from decimal import Decimal

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.documents import CODEC, Document, update
from schemas.generation import Generation, Request
from tests.builders import NOON, a_debt, a_generation, an_order, some_metadata


def through_bson(document: Document) -> Document:
    """Return what is read of a document that was written."""
    raw = bson.encode(document, codec_options=CODEC)
    return bson.decode(raw, codec_options=CODEC)  # pyright: ignore[reportUnknownMemberType] - its overloads leave a type open


def test_nothing_changed_is_no_update() -> None:
    """Neither for the same object nor for an equal one."""
    assert update(an_order(), an_order()) == {}


def test_only_the_paths_that_differ_are_named() -> None:
    """A part of a part is set by its own path; what is gone is unset."""
    before = a_generation(status_reason="why")
    after = before.change(
        version=2, status_reason=None, metadata=before.metadata.change(status_message_id=7)
    )

    assert update(before, after) == {
        "$set": {"version": 2, "metadata.statusMessageId": 7},
        "$unset": {"statusReason": ""},
    }


def test_debts_are_set_as_a_whole() -> None:
    """A list has no paths: whoever writes it has read it at its version."""
    before, after = an_order(owed=()), an_order(owed=(a_debt("ask"),))

    assert set(update(before, after)["$set"]) == {"owed", "dueAt"}


@pytest.mark.parametrize("name", ["a.b", "$set", ""])
def test_a_name_that_would_be_misread_is_never_part_of_a_path(name: str) -> None:
    """What holds such a name is set as a whole."""
    before = an_order(request_payload=Request(deployment_id="d", inputs={name: 1}))
    after = an_order(request_payload=Request(deployment_id="d", inputs={name: 2}))

    assert update(before, after) == {"$set": {"requestPayload.inputs": {name: 2}}}


def test_money_survives_bson_to_the_digit() -> None:
    """Decimal128 there and Decimal here, with its trailing zeros."""
    document = {"cost": Decimal("0.004040")}

    read = through_bson(document)
    assert str(read["cost"]) == "0.004040"


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), inner
        )
    ),
    max_leaves=8,
)
inputs = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), values
)


@given(inputs)
def test_any_record_survives_bson(inputs: dict[str, object]) -> None:
    """What is written is what is read, whatever a payload holds."""
    request = Request.read({"deployment_id": "d", "inputs": inputs})
    record = an_order(request_payload=request, metadata=some_metadata(labels={"a": "$b"}))

    assert Generation.read(through_bson(record.document())) == record


def test_a_newer_versions_fields_are_passed_over() -> None:
    """Old and new processes run side by side."""
    document = {**an_order().document(), "later": 1, "createdAt": NOON}

    assert Generation.read(document) == an_order()
