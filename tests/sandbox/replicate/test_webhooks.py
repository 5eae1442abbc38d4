"""sandbox.replicate.webhooks: what is told, how it is signed, and what is told again."""

import base64
import hashlib
import hmac
import json

import pytest
from starlette.responses import RedirectResponse, Response

from tests.peers import Peers
from tests.sandbox.receiver import ELSEWHERE, Heard, Receiver
from tests.sandbox.replicate.client import attempts, create, created, sample, shown

pytestmark = pytest.mark.anyio

_EVERY = ["start", "output", "logs", "completed"]
_STALE = 600


async def test_tells_what_it_was_asked_to(peers: Peers, receiver: Receiver) -> None:
    """Start and end once; logs and output as they grow; the body is what GET shows."""
    await peers.control("replicate", event_gap=0)
    prediction_id = await created(peers, receiver, events=_EVERY, num_outputs=3)
    heard = await receiver.until(_over)

    statuses = [one.body["status"] for one in heard]
    assert (statuses[0], statuses[-1]) == ("starting", "succeeded")
    assert set(statuses[1:-1]) == {"processing"}
    logs = [len(one.body["logs"]) for one in heard]
    assert logs == sorted(logs)
    assert [len(one.body["output"] or []) for one in heard][-4:] == [1, 2, 3, 3]
    assert heard[-1].body == await shown(peers, prediction_id)


async def test_tells_outputs_and_the_end_unless_asked_otherwise(
    peers: Peers, receiver: Receiver
) -> None:
    """That is what happens without a filter."""
    prediction_id = await created(peers, receiver)

    assert await _events(peers, prediction_id, 2) == ["output", "completed"]


async def test_tells_no_more_often_than_it_may(peers: Peers, receiver: Receiver) -> None:
    """Within the gap there is one webhook of logs; what is owed then is told after it."""
    await peers.control("replicate", event_gap=1000, hold_ends=True)
    quiet = await created(peers, receiver, events=_EVERY, num_outputs=3)
    await receiver.until(lambda heard: len(heard) == 3)
    await peers.control("replicate", hold_ends=False)
    assert await _events(peers, quiet, 4) == ["start", "logs", "output", "completed"]

    receiver.renew()
    await peers.control("replicate", event_gap=0.1, hold_ends=True)
    await created(peers, receiver, events=["logs"], sandbox_seconds=0)
    heard = await receiver.until(lambda heard: "100%" in str(heard[-1:]))
    assert "100%" not in heard[0].body["logs"]


async def test_signs_as_the_samples_are(peers: Peers, receiver: Receiver) -> None:
    """The way of checking that takes the sample's cases takes these webhooks."""
    cases = sample("webhook_cases.json")
    case = next(one for one in cases["cases"] if one["name"] == "completed")
    assert _signed(case["headers"], case["body"].encode(), cases["secret"])
    await created(peers, receiver, events=_EVERY)

    heard = await receiver.until(_over)
    assert all(_right(one, peers.replicate_secret) for one in heard)
    assert len({one.headers["webhook-id"] for one in heard}) == len(heard)


@pytest.mark.parametrize("manner", ["wrong", "old", "both", "none", "stale"])
async def test_signs_as_it_should_not(peers: Peers, receiver: Receiver, manner: str) -> None:
    """By a stranger's secret, the one before, both, not at all, or long ago."""
    await peers.control("replicate", signed=manner)
    prediction_id = await created(peers, receiver, events=["completed"])
    [one] = await receiver.until(_over)
    known = await peers.look("replicate/secrets")
    [attempt] = await attempts(peers, prediction_id, 1)

    assert _right(one, known["now"]) == (manner in {"both", "stale"})
    assert _right(one, known["old"]) == (manner in {"old", "both"})
    assert ("webhook-id" in one.headers) == (manner != "none")
    said = one.headers.get("webhook-timestamp") or attempt["timestamp"]
    assert attempt["timestamp"] - int(said) == (_STALE if manner == "stale" else 0)


async def test_tries_the_last_one_again(peers: Peers, receiver: Receiver) -> None:
    """Refusals make it come back under its id until it is taken; of others there is no second."""
    receiver.answers += [Response(status_code=status) for status in (500, 404, 500)]
    prediction_id = await created(peers, receiver, events=["start", "completed"])
    heard = await receiver.until(lambda heard: len(heard) == 4)

    assert [one.body["status"] for one in heard] == ["starting", *["succeeded"] * 3]
    assert len({one.headers["webhook-id"] for one in heard}) == 2
    assert all(_right(one, peers.replicate_secret) for one in heard)
    tries = await attempts(peers, prediction_id, 4)
    assert [one["answered"] for one in tries] == [500, 404, 500, 200]


async def test_gives_up_after_the_last_try(peers: Peers) -> None:
    """Nobody listens: each try is noted, and there are seven."""
    await peers.control("replicate", retry_scale=0)
    silent = await created(peers, Receiver("http://127.0.0.1:9/hooks"))
    tries = await attempts(peers, silent, 8)

    assert [one["event"] for one in tries] == ["output", *["completed"] * 7]
    assert {(one["answered"], one["error"]) for one in tries} == {(None, "ConnectError")}


async def test_follows_no_redirects(peers: Peers, receiver: Receiver) -> None:
    """One is an answer: the webhook is lost without a word."""
    receiver.answers.append(RedirectResponse(ELSEWHERE))
    first = await created(peers, receiver, events=["completed"])
    await receiver.until(_over)
    tries = await attempts(peers, first, 1)
    await created(peers, receiver, events=["completed"])
    heard = await receiver.until(lambda heard: len(heard) == 2)

    assert ELSEWHERE not in [one.path for one in heard]
    assert [one["answered"] for one in tries] == [307]


async def test_loses_and_doubles_and_delays(peers: Peers, receiver: Receiver) -> None:
    """Events that are lost are never tried; others come so often, under one id."""
    await peers.control("replicate", webhooks_lost=["start"], webhooks_times=3, webhooks_late=0.05)
    prediction_id = await created(peers, receiver, events=["start", "completed"])
    heard = await receiver.until(lambda heard: len(heard) == 3)

    assert {one.body["status"] for one in heard} == {"succeeded"}
    assert len({one.headers["webhook-id"] for one in heard}) == 1
    assert (await shown(peers, prediction_id))["status"] == "succeeded"


@pytest.mark.parametrize("order", ["reverse", "shuffle"])
async def test_changes_the_order(peers: Peers, receiver: Receiver, order: str) -> None:
    """All come once it has ended: the last one first, or by chance."""
    await peers.control("replicate", webhooks_order=order, event_gap=0)
    await created(peers, receiver, events=["start", "completed"])
    heard = await receiver.until(lambda heard: len(heard) == 2)

    statuses = [one.body["status"] for one in heard]
    assert sorted(statuses) == ["starting", "succeeded"]
    assert order != "reverse" or statuses == ["succeeded", "starting"]


async def test_holds_back_what_never_ends(peers: Peers, receiver: Receiver) -> None:
    """Of one that runs for ever the webhooks come once nothing more will happen."""
    await peers.control("replicate", webhooks_order="reverse")
    answer = await create(peers, receiver, sandbox_end="none")
    await receiver.until(bool)

    assert (await shown(peers, answer.json()["id"]))["status"] == "processing"


def _over(heard: list[Heard]) -> bool:
    return bool(heard) and heard[-1].body["completed_at"] is not None


async def _events(peers: Peers, prediction_id: str, count: int) -> list[str]:
    return [one["event"] for one in await attempts(peers, prediction_id, count)]


def _right(heard: Heard, secret: str) -> bool:
    # The stand-in sends what `json.dumps` makes, and so does this.
    return _signed(heard.headers, json.dumps(heard.body).encode(), secret)


def _signed(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Check a webhook as Standard Webhooks have it, but for its time."""
    if "webhook-id" not in headers:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    right = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return f"v1,{right}" in headers["webhook-signature"].split()
