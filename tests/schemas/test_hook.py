"""schemas.hook: endpoints and deliveries as they are kept and shown."""

from schemas.hook import Delivery, DeliveryStatus, Endpoint, HookEvent
from tests.builders import HOOK_SECRET, NOON, an_endpoint


def test_a_secret_is_shown_nowhere() -> None:
    """Neither by the API nor in what a log would write."""
    endpoint = an_endpoint(last_error="answered 500", paused_at=NOON, paused_why="gone")
    shown = endpoint.internal()

    assert HOOK_SECRET not in f"{endpoint!r} {shown}"
    assert (shown["paused"], shown["pausedReason"]) == (True, "gone")
    assert shown["health"]["lastError"] == "answered 500"
    assert shown["health"]["lastSuccessAt"] is None


def test_an_endpoint_is_read_as_it_was_stored() -> None:
    """With events of a newer version, which nothing here ever is."""
    stored = an_endpoint().document()
    assert Endpoint.read(stored) == an_endpoint()
    newer = Endpoint.read({**stored, "events": ["generation.resized"]})
    assert newer.events[0] not in frozenset(HookEvent)


def test_a_delivery_survives_a_newer_status() -> None:
    """It is kept as it is."""
    made = Delivery(
        id="a:1:b",
        updated_at=NOON,
        endpoint=an_endpoint().id,
        event=HookEvent.JOB,
        what="job",
        record="a",
        body="{}",
        created_at=NOON,
    )
    newer = Delivery.read({**made.document(), "status": "resting"})
    assert newer.status not in frozenset(DeliveryStatus)
    assert Delivery.read(made.document()) == made
