"""Jobs of several steps: each run is sent once, paid for once, and told once, whatever happens."""

import asyncio
from collections.abc import Iterator
from typing import Final

import pytest

from schemas.job import Job, JobStatus
from tests.faults.chains import ALTER, RETELL, Tailor, a_line, a_step
from tests.faults.proxy import Proxy, Stop
from tests.peers import Json
from tests.service import Service, until

pytestmark = pytest.mark.anyio

UNHURRIED: Final[Json] = {"lease": 20, "send_limit": 15}
"""A message that is not answered in time is sent again, as it should be: not in a count of them."""


async def test_killed_between_the_end_of_a_step_and_the_start_of_the_next(
    service: Service, tailor: Tailor, wire: Proxy, chats: Iterator[int]
) -> None:
    """One kill hits a job between each two writes; of each the next step is sent once."""
    jobs = dict[int, Job]()
    for chat in (next(chats) for _ in range(9)):
        # Runs that are looked for after the kill are told apart by what they were given.
        steps = [a_step(prompt=f"a lighthouse for {chat}", sandbox_end="none"), a_step(1)]
        jobs[chat] = await tailor.order(chat, steps)
    for job in jobs.values():
        await service.until(job.steps[0].generation, "running")
    stops = _stops(wire, list(jobs.values()))
    async with asyncio.TaskGroup() as group:
        for job in jobs.values():
            group.create_task(tailor.end(job, 1))
    for stop in stops:
        await stop.reached()
    await service.kill()
    wire.resume()
    usual, service.timing = service.timing, service.timing | UNHURRIED
    await service.start()

    for chat, job in jobs.items():
        assert (await tailor.paid(job, 2)).status is JobStatus.COMPLETED
        assert [len(each) for each in await tailor.sent(job)] == [1, 1]
        assert (await tailor.told(chat)).count("✅ Done") == 1
    service.timing = usual
    await service.kill()
    await service.start()


def _stops(wire: Proxy, jobs: list[Job]) -> list[Stop]:
    """Stop around the end, its price, its copy, the start of what follows, and its sending."""
    first, second = ([job.steps[n].generation for job in jobs] for n in (0, 1))
    for n in range(6):
        # What is killed just before it is sent may have been, and would be given up.
        wire.stop_at("update", second[n], f"media:outputs/{first[n]}", side="before")
    return [
        wire.stop_at("update", first[0], "endedBy", side="before"),
        wire.stop_at("update", first[1], "endedBy", side="after"),
        wire.stop_at("insert", f"close:{first[2]}", side="after"),
        wire.stop_at("update", jobs[3].id, "priceReason", side="after"),
        wire.stop_at("update", f"outputs/{first[4]}", "contentType", side="before"),
        wire.stop_at("update", f"outputs/{first[5]}", "contentType", side="after"),
        wire.stop_at("update", second[6], f"media:outputs/{first[6]}", side="before"),
        wire.stop_at("update", second[7], f"media:outputs/{first[7]}", side="after"),
        wire.stop_at("update", second[8], "run_id", side="before"),
    ]


async def test_cancelled_while_the_next_step_is_being_sent(
    service: Service, tailor: Tailor, wire: Proxy, chat: int
) -> None:
    """What was made is paid for; the run that nobody had named yet is cancelled, and is free."""
    job = await tailor.order(chat, [a_step(sandbox_end="none"), a_step(1, sandbox_end="none")])
    sending = wire.stop_at("update", job.steps[1].generation, "run_id", side="before")
    await tailor.end(job, 1)
    await sending.reached()
    answer = await service.call("POST", f"/api/jobs/{job.id}/cancel")
    assert answer.raise_for_status().json()["status"] == "active"
    wire.resume()

    assert (await tailor.paid(job, 1)).status is JobStatus.CANCELLED
    (prediction,) = (await tailor.sent(job))[1]
    assert prediction["status"] == "canceled"


async def test_stopped_at_a_pause(service: Service, tailor: Tailor, chat: int) -> None:
    """What was made is kept and paid for, the rest returned; it cannot go on afterwards."""
    job = await tailor.order(chat, a_line(3), manual=True)
    await until(lambda: tailor.job(job.id), lambda it: it.pause)
    assert await tailor.statuses(job) == ["completed", "waiting", "waiting"]

    await service.call("POST", f"/api/jobs/{job.id}/cancel")

    job = await tailor.paid(job, 1)
    assert await tailor.statuses(job) == ["completed", "cancelled", "cancelled"]
    late = await service.call("POST", f"/api/jobs/{job.id}/continue", {"step": 1})
    assert late.status_code == 409
    assert [len(each) for each in await tailor.sent(job)] == [1, 0, 0]


async def test_a_step_retried_after_a_failure(service: Service, tailor: Tailor, chat: int) -> None:
    """Only what is made again is charged for, and what was made before is not made again."""
    steps = [a_step(), a_step(1, sandbox_end="none"), a_step(2)]
    failed = await tailor.order(chat, steps)
    await tailor.end(failed, 2, "failed", error="the model broke")
    failed = await tailor.paid(failed, 1)
    assert failed.status is JobStatus.FAILED
    assert await tailor.statuses(failed) == ["completed", "failed", "cancelled"]

    again = [
        await service.call(
            "POST", f"/api/jobs/{failed.id}/retry", {"step": 2}, **{"Idempotency-Key": "once"}
        )
        for _ in range(2)
    ]

    first, second = (each.raise_for_status().json()["id"] for each in again)
    assert first == second
    new = await tailor.job(first)
    assert (new.goes_on, new.first, len(new.steps)) == (failed.id, 2, 2)
    await tailor.end(new, 1)
    assert (await tailor.paid(new, 3)).status is JobStatus.COMPLETED
    (sent,) = (await tailor.sent(new))[0]
    assert sent["input"]["image"]
    assert ALTER in {each.preset for each in new.steps}


async def test_a_chain_of_fifty_steps(tailor: Tailor, chat: int) -> None:
    """Each is sent once, after the one before it, and takes what that has made."""
    job = await tailor.paid(await tailor.order(chat, a_line(50, RETELL), notify=None), 50)

    assert job.status is JobStatus.COMPLETED
    sent = await tailor.sent(job)
    assert [len(each) for each in sent] == [1] * 50
    times = [each["created_at"] for (each,) in sent]
    assert times == sorted(times)
    assert {each["input"]["prompt"] for (each,) in sent} == {"a lighthouse"}


@pytest.mark.parametrize("count", [100, 3])
async def test_a_step_made_many_times_of_which_one_fails(
    tailor: Tailor, chat: int, count: int
) -> None:
    """All others are kept and paid for, one is returned, and one message says so."""
    ends = ["succeeded"] * count
    ends[2] = "failed"
    step = a_step(preset=RETELL if count == 100 else ALTER) | {"over": {"sandbox_end": ends}}

    # What a hundred have made comes in more messages than Telegram takes within seconds.
    more: Json = {"notify": None} if count == 100 else {}
    job = await tailor.paid(await tailor.order(chat, [step], **more), count - 1)

    assert [len(each) for each in await tailor.sent(job)] == [1] * count
    statuses = await tailor.statuses(job)
    assert (statuses.index("failed"), statuses.count("completed")) == (2, count - 1)
    if not more:
        assert await tailor.told(chat) == ["⚠️ 2 of 3 made", "", "What next?"]
