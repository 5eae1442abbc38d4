"""Replicate's own faults: what it made is gone, its webhooks lie or are lost, it refuses us."""

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Final

import pytest

from app.clock import Clock
from processors.protocols import signing, standard_webhooks
from schemas.job import JobStatus
from tests.faults.chains import ALL_LOST, Tailor, a_line, a_step
from tests.peers import Json, Peers
from tests.service import WEBHOOK_SECRET, Service, until

pytestmark = pytest.mark.anyio

AGO: Final = 600
"""Seconds: longer ago than a signature holds."""


async def test_what_was_made_is_gone_before_it_was_copied(
    tailor: Tailor, peers: Peers, chat: int
) -> None:
    """It is made again at our cost, and the job goes on with that: one capture, one message."""
    await peers.control("replicate", files="gone")
    job = await tailor.order(chat, a_line(2))
    await tailor.predictions(job, 1, 2)
    await peers.control("replicate", files=None)

    job = await tailor.paid(job, 2)

    assert job.status is JobStatus.COMPLETED
    first, second = await tailor.records(job)
    assert (first["attempt"], second["attempt"]) == (2, 1)
    assert [len(each) for each in await tailor.sent(job)] == [2, 1]
    assert (await tailor.told(chat)).count("✅ Done") == 1


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"files": "gone"}, "❌ Step 2 of 2 could not begin"),
        ({"kept": 0}, "❌ Step 1 of 2 failed"),
    ],
    ids=["files", "data"],
)
async def test_what_was_made_is_gone_each_time(
    tailor: Tailor, peers: Peers, chat: int, how: Json, said: str
) -> None:
    """After so many attempts nothing of it is paid for, and the end says why."""
    await peers.control("replicate", **how)
    job = await tailor.order(chat, a_line(2))

    job = await tailor.paid(job, 0)

    first, second = await tailor.records(job)
    assert (first["attempt"], first["maxAttempts"], second["status"]) == (3, 3, "cancelled")
    assert [len(each) for each in await tailor.sent(job)] == [3, 0]
    assert (await tailor.told(chat))[-1] == said
    assert "gone before it could be stored" in (await peers.chat(chat))[-1]["text"]


async def test_signatures_that_are_not_right(
    service: Service, tailor: Tailor, peers: Peers, chat: int
) -> None:
    """Forged, foreign, old or missing: refused alike, nothing is read; the right one works."""
    job = await tailor.order(chat, [a_step(sandbox_end="none")])
    generation = job.steps[0].generation
    (prediction,) = await tailor.predictions(job, 1)
    await service.until(generation, "running")
    body = json.dumps({"id": prediction["id"], "status": "failed", "error": "a lie"}).encode()
    (key,), (other,) = (
        standard_webhooks.keys([each])
        for each in (peers.replicate_secret, "whsec_" + base64.b64encode(b"x" * 24).decode())
    )
    now = int(Clock().now().timestamp())
    right = headed(body, key, now)
    wrong = [
        {"Content-Type": "application/json"},
        headed(body, other, now),
        headed(body, key, now - AGO),
        headed(body, key, now + AGO),
        headed(body + b" ", key, now),
        right | {"webhook-id": "another"},
        right | {"webhook-timestamp": str(now + 1)},
        right | {"webhook-signature": right["webhook-signature"].replace("v1,", "v2,")},
    ]
    for headers in wrong:
        answer = await service.client.post(hook(service, generation), content=body, headers=headers)
        assert answer.status_code == 401
    forged = hook(service, generation)[:-1]
    assert (await service.client.post(forged, content=body, headers=right)).status_code == 401
    assert (await service.get(generation))["status"] == "running"

    done = await tailor.end(job, 1, silent=True)
    told = await service.client.get(
        f"{peers.replicate}/predictions/{done['id']}",
        headers={"Authorization": f"Bearer {peers.replicate_token}"},
    )
    signed = headed(told.content, key, now)
    for _ in range(3):
        answer = await service.client.post(
            hook(service, generation), content=told.content, headers=signed
        )
        assert answer.status_code == 200
    assert (await tailor.paid(job, 1)).status is JobStatus.COMPLETED
    assert (await tailor.told(chat)) == ["✅ Done"]


@pytest.mark.parametrize("signed", ["stale", "lost"])
async def test_without_webhooks_who_asks_finds_the_end(
    tailor: Tailor, peers: Peers, chat: int, signed: str
) -> None:
    """None comes, or none that can be believed: the chain goes on all the same."""
    if signed == "lost":
        await peers.control("replicate", webhooks_lost=ALL_LOST)
    else:
        await peers.control("replicate", signed=signed)
    job = await tailor.paid(await tailor.order(chat, a_line(2)), 2)

    answers = {
        attempt["answered"]
        for step in await tailor.sent(job)
        for each in step
        for attempt in each["attempts"]
    }
    assert answers <= {401}
    assert bool(answers) == (signed != "lost")
    assert [len(each) for each in await tailor.sent(job)] == [1, 1]


@pytest.mark.parametrize(
    ("how", "lost"),
    [("taken-500", ()), ("taken-reset", ALL_LOST)],
    ids=["its webhook names it", "it is listed"],
)
async def test_the_answer_to_a_creation_is_lost(
    tailor: Tailor, peers: Peers, chat: int, how: str, lost: tuple[str, ...]
) -> None:
    """The run's webhook names it, or else the list: it is never sent twice."""
    await peers.control("replicate", create=how, create_left=1, webhooks_lost=lost)

    # The list says nothing of webhooks: the run is known by what we sent.
    steps = [a_step(prompt=f"a lighthouse for {chat}"), a_step(1)]
    job = await tailor.paid(await tailor.order(chat, steps), 2)

    assert job.status is JobStatus.COMPLETED
    assert [len(each) for each in await tailor.sent(job)] == [1, 1]


async def test_replicate_asks_us_to_slow_down(tailor: Tailor, peers: Peers, chat: int) -> None:
    """The order waits for as long as it says, and is sent then; nobody is told of it."""
    await peers.control("replicate", create="429", create_left=2, resets_in=1)

    job = await tailor.paid(await tailor.order(chat, a_line(2)), 2)

    assert job.status is JobStatus.COMPLETED
    assert [len(each) for each in await tailor.sent(job)] == [1, 1]
    assert (await tailor.told(chat)).count("✅ Done") == 1


async def test_the_account_has_no_credit_left(
    service: Service, tailor: Tailor, peers: Peers, chats: Iterator[int]
) -> None:
    """Orders wait until there is, one alert says why, and no person is told of our account."""
    before = service.printed.count("slug=replicate_down")
    await peers.control("replicate", auth="no-credits")
    jobs = {chat: await tailor.order(chat, [a_step()]) for chat in (next(chats), next(chats))}
    await until(lambda: _alerts(service), lambda found: found > before)
    assert {status for job in jobs.values() for status in await tailor.statuses(job)} <= {
        "pending",
        "submitting",
    }
    assert not any([await tailor.told(chat) for chat in jobs])
    await peers.control("replicate", auth=None)

    for chat, job in jobs.items():
        assert (await tailor.paid(job, 1)).status is JobStatus.COMPLETED
        assert [len(each) for each in await tailor.sent(job)] == [1]
        assert "credit of ours" not in str(await peers.chat(chat))
    assert service.printed.count("slug=replicate_down") == before + 1
    assert "no credit of ours left" in service.printed


def headed(body: bytes, key: bytes, timestamp: int) -> dict[str, str]:
    """Return the headers of a message that was signed by this key."""
    mac = hmac.digest(key, f"msg_{timestamp}.{timestamp}.".encode() + body, "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": f"msg_{timestamp}",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


def hook(service: Service, generation: str) -> str:
    """Return the webhook URL that Replicate was given for a generation."""
    key = signing.derive(WEBHOOK_SECRET.encode(), "webhook:replicate")
    token = signing.webhook_token(key, "replicate", generation, 1)
    return signing.webhook_url(service.url, "replicate", generation, token)


async def _alerts(service: Service) -> int:
    return service.printed.count("slug=replicate_down")
