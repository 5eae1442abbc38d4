"""schemas.run: what the inbox keeps, and what engines are translated into."""

import pytest
from pydantic import ValidationError

from schemas.run import Batch, Delivery, RunStatus
from tests.builders import NOON, a_delivery, a_run_event


def test_a_batch_is_read_as_it_was_stored() -> None:
    """Bodies are bytes that nobody has looked into: one that is no JSON fails no neighbour."""
    batch = Batch(id="b", at=NOON, events=(a_delivery(b"\xff\x00{"), a_delivery()))

    assert Batch.read(batch.document()) == batch
    assert batch.document()["_id"] == "b"


def test_a_delivery_is_kept_under_short_names() -> None:
    """What the inbox is searched by."""
    assert set(a_delivery().document()) == set(Delivery.model_fields)


def test_an_event_is_built_strictly() -> None:
    """A status of the engine's own never gets past its protocol."""
    with pytest.raises(ValidationError):
        a_run_event(progress=2.0)
    with pytest.raises(ValidationError):
        a_run_event("success")  # pyright: ignore[reportArgumentType] - the point
    assert a_run_event(None).status is None
    assert RunStatus("completed") is RunStatus.COMPLETED
