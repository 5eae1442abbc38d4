"""processors.hooks.delivering: what is sent, how it is signed, and what comes of it."""

import json
from datetime import timedelta

import pytest

from processors import debts, hooks
from processors.hooks import About
from processors.protocols import standard_webhooks
from processors.protocols.standard_webhooks import Signed
from schemas.debt import DebtKind
from schemas.hook import Delivery, HookEvent, HookSecret
from schemas.job import JobChat
from schemas.timing import Timing
from tests.builders import (
    HERE,
    HOOK_SECRET,
    NOON,
    USER,
    a_generation,
    a_job,
    a_taker,
    an_endpoint,
    later,
    some_metadata,
)

OTHER = "whsec_" + "b3RoZXItc2VjcmV0LW9mLXRlc3Rz"
TOLD = About(HookEvent.COMPLETED, 7, "2026-01-01T12:00:00.000Z")
TAKER = a_taker(DebtKind.DELIVER)


def a_sending() -> Delivery:
    """A delivery, claimed."""
    return hooks.made(a_generation(), TOLD, "{}", an_endpoint(), now=NOON, taker=TAKER)


def test_an_event_is_frozen_for_each_endpoint() -> None:
    """Under an id that making it again makes again; whose it is is kept, to be forgotten."""
    record = a_generation(metadata=some_metadata(user_id=USER, telegram_chat_id=4711))
    frozen = hooks.body(HookEvent.COMPLETED, TOLD.at, {"id": record.id})
    made = hooks.made(record, TOLD, frozen, an_endpoint(), now=NOON, taker=TAKER)

    assert json.loads(made.body) == {
        "type": "generation.completed",
        "timestamp": "2026-01-01T12:00:00.000Z",
        "data": {"id": record.id},
    }
    assert made.id == f"{record.id}:7:{an_endpoint().id}"
    assert (made.what, made.record, made.people) == ("generation", record.id, (USER, "4711"))
    assert (made.owed[0].kind, made.owed[0].by, made.state) == (DebtKind.DELIVER, HERE, "waiting")


def test_a_job_is_of_its_person_and_chat() -> None:
    """Who is forgotten takes what tells of their jobs with them."""
    job = a_job(chat=JobChat(telegram_chat_id=4711))
    assert hooks.people_of(job) == (job.user_id, "4711")
    assert hooks.people_of(a_job(chat=None)) == (job.user_id,)
    assert hooks.made(job, TOLD, "{}", an_endpoint(), now=NOON).what == "job"


def test_each_try_is_signed_anew_by_every_secret_that_serves() -> None:
    """A receiver needs to know one of them; the id stays, the time does not."""
    said = hooks.headers("a:1:b", "{}", (HOOK_SECRET, OTHER), later(60))
    signed = Signed(
        *(said[f"webhook-{each}"].encode() for each in ("id", "timestamp", "signature"))
    )

    assert said["Content-Type"] == "application/json"
    assert said["webhook-timestamp"] == str(int(later(60).timestamp()))
    for secret in (HOOK_SECRET, OTHER):
        keys = standard_webhooks.keys([secret])
        assert standard_webhooks.verify(keys, signed, b"{}", later(60)) is None
        assert standard_webhooks.verify(keys, signed, b"{} ", later(60)) == "signature"


def test_a_try_out_says_which_endpoint_it_is() -> None:
    """Under an id of its own each time."""
    endpoint = an_endpoint()
    body = hooks.try_body(endpoint, NOON)

    assert json.loads(body)["type"] == "webhook.test"
    assert json.loads(body)["data"] == {"endpoint": endpoint.id}
    headers = hooks.try_headers(endpoint, body, "n1", NOON)
    assert headers["webhook-id"] == f"test:n1:{endpoint.id}"


def test_what_was_taken_owes_nothing() -> None:
    """Whoever has the claim by then."""
    after = hooks.delivered(a_sending(), 204, later(1))
    assert (after.state, after.owed, after.due_at) == ("delivered", (), None)
    assert (after.attempts, after.last_status, after.delivered_at) == (1, 204, later(1))
    assert after.internal()["nextAt"] is None


def test_a_failed_try_is_told_and_made_again() -> None:
    """Later where the receiver says so; a wait that it names never makes it sooner."""
    before = a_sending()
    owed = debts.fail(
        before.owed, hooks.DELIVER, 1, error="x", now=NOON, jitter=0.5, timing=Timing()
    )
    counted = debts.put(before, owed)
    after = hooks.failed(before, counted, 500, "answered 500", None)

    assert (after.attempts, after.last_status, after.last_error) == (1, 500, "answered 500")
    assert after.due_at == later(1)
    assert hooks.failed(before, counted, 503, "x", later(90)).due_at == later(90)
    assert hooks.failed(before, counted, 503, "x", NOON).due_at == later(1)
    assert hooks.failed(before, before, 500, "x", None) is before
    dead = debts.put(before, debts.bury(before.owed, hooks.DELIVER, 1, error="x", now=NOON))
    gone = hooks.failed(before, dead, None, "x", later(90))
    assert (gone.state, gone.due_at, gone.internal()["state"]) == ("dead", None, "dead")


@pytest.mark.parametrize(
    ("age", "state"), [(timedelta(hours=1), "waiting"), (timedelta(days=3), "dead")]
)
def test_what_a_paused_endpoint_is_owed_is_kept_for_days(age: timedelta, state: str) -> None:
    """Then it is given up, and can be replayed."""
    before = a_sending()
    after = hooks.put_off(
        before,
        before.owed[0],
        "paused",
        NOON + age,
        wait=timedelta(minutes=30),
        most=timedelta(days=3),
    )
    assert (after.state, after.owed[0].last_error, after.owed[0].by) == (state, "paused", None)


def test_an_endpoint_is_hopeless_after_many_failures_for_long() -> None:
    """Neither of the two is enough."""
    after = timedelta(hours=12)
    ill = an_endpoint(failures=6, failing_since=NOON)
    assert hooks.hopeless(ill, NOON + after, after)
    assert not hooks.hopeless(ill, later(60), after)
    assert not hooks.hopeless(ill.change(failures=5), NOON + after, after)
    assert not hooks.hopeless(an_endpoint(), NOON + after, after)


def test_a_secret_that_was_replaced_signs_for_a_day_yet() -> None:
    """And those before it for what is left of theirs, four at most."""
    first = (HookSecret(value=HOOK_SECRET),)
    second = hooks.rotated(first, OTHER, NOON)
    assert second == (
        HookSecret(value=OTHER),
        HookSecret(value=HOOK_SECRET, until=NOON + timedelta(days=1)),
    )
    endpoint = an_endpoint(secrets=second)
    assert endpoint.keys(later(60)) == (OTHER, HOOK_SECRET)
    assert endpoint.keys(NOON + timedelta(days=1)) == (OTHER,)
    again = hooks.rotated(second, HOOK_SECRET, later(60))
    assert [each.value for each in again] == [HOOK_SECRET, OTHER]
    many = second
    for number in range(6):
        many = hooks.rotated(many, f"whsec_{number}", later(60))
    assert len(many) == 4
    assert len(hooks.rotated(many, "whsec_x", NOON + timedelta(days=2))) == 2
