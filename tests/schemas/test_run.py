"""schemas.run: what the inbox keeps, and what engines are translated into."""

from schemas.run import Batch, Delivery
from tests.builders import NOON, a_delivery


def test_a_batch_is_read_as_it_was_stored() -> None:
    """Bodies are bytes that nobody has looked into: one that is no JSON fails no neighbour."""
    batch = Batch(id="b", at=NOON, events=(a_delivery(b"\xff\x00{"), a_delivery()))

    assert Batch.read(batch.document()) == batch
    assert batch.document()["_id"] == "b"


def test_a_delivery_is_kept_under_short_names() -> None:
    """What the inbox is searched by."""
    assert set(a_delivery().document()) == set(Delivery.model_fields)
