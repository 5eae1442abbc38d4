"""app.usecases.delivery_debts: it is sent until it is taken, and none holds others up."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from app.errors import PeerBusyError
from app.ports import Receipt
from app.usecases.delivery_debts import (
    AT_ONCE,
    FAILING,
    PAUSED,
    REMEMBERED,
    WAITING,
    Turns,
)
from processors import hooks
from schemas.base import RunId
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.hook import Endpoint, EndpointId, HookEvent
from schemas.job import JobStatus
from schemas.run import RunStatus
from tests.app.telegram.conditions import until
from tests.app.usecases.posts import Post
from tests.builders import ID, NOON, a_generation, a_job, an_endpoint, some_metadata

pytestmark = pytest.mark.anyio

ORDER = EndpointId(ID)


def running() -> Generation:
    """A generation that runs."""
    return a_generation(status=RunStatus.RUNNING, started_at=NOON, owed=(), due_at=None)


def done() -> Generation:
    """The same, completed."""
    return running().change(status=RunStatus.COMPLETED, ended_by="engine")


def other(generation: Generation) -> Generation:
    """The same of another order."""
    return generation.change(id="f" * 32, metadata=some_metadata(run_id=RunId("run-2")))


async def test_an_end_is_told_to_everybody_who_listens() -> None:
    """Each under an id of its own; whoever hears of something else hears nothing."""
    post = Post(an_endpoint(1), an_endpoint(2), an_endpoint(3, events=(HookEvent.JOB,)))
    await post.tell(running(), done())
    await post.settle()

    version = done().version + 1
    assert sorted(each.headers["webhook-id"] for each in post.courier.sent) == [
        f"{ID}:{version}:{an_endpoint(number).id}" for number in (1, 2)
    ]
    assert {each.state for each in post.kept.records.values()} == {"delivered"}
    told = json.loads(post.courier.sent[0].body)
    assert (told["type"], told["data"]["version"]) == ("generation.completed", version)
    assert post.endpoint().last_success_at == post.clock.now()


async def test_nothing_is_owed_where_nobody_listens() -> None:
    """And who listens is asked once in a while, not at each write."""
    post = Post(an_endpoint(events=(HookEvent.JOB,)))
    for _ in range(3):
        written = await post.write(running(), done())
        assert [each for each in written.owed if each.kind is DebtKind.WEBHOOK] == []

    assert post.endpoints.asked == 1
    post.endpoints.records = {an_endpoint().id: an_endpoint()}
    post.clock.move(timedelta(seconds=4))
    written = await post.write(running(), done())
    assert [each.target for each in written.owed] == ["generation.completed"]


async def test_an_order_s_own_endpoint_hears_of_it_alone() -> None:
    """As any other does, though nobody else listens."""
    own = an_endpoint(id=ORDER, order=ID, events=hooks.ENDS)
    post = Post(own)
    await post.tell(running().change(hooked=own.events), done().change(hooked=own.events))
    await post.tell(*(other(each) for each in (running(), done())))

    assert [each.endpoint for each in post.kept.records.values()] == [ORDER]


async def test_a_job_s_end_is_told_with_what_it_made() -> None:
    """Its own endpoint hears of it."""
    job = a_job(status=JobStatus.ACTIVE, owed=())
    post = Post()
    post.jobs.records[job.id] = job
    after = await post.orders.change(
        job.id, lambda each, _: each.change(status=JobStatus.CANCELLED)
    )
    assert after is not None
    assert await post.job(after, after.owed[0]) is not None

    assert (post.only.event, post.only.record) == (HookEvent.JOB, job.id)
    assert json.loads(post.only.body)["data"]["status"] == "cancelled"


async def test_what_was_asked_for_is_told_with_it() -> None:
    """Though the write that made it happen was decided on a record remembered without."""
    post = Post()
    lean = running().request_payload.change(inputs={})
    written = await post.write(running(), done())
    await post.generation(written.change(request_payload=lean), written.owed[0])

    told = json.loads(post.only.body)["data"]["requestPayload"]["inputs"]
    assert told == dict(running().request_payload.inputs) != {}


async def test_handing_out_again_changes_nothing() -> None:
    """What was frozen stays, though the record has moved on; one that was replaced is not told."""
    post = Post()
    written = await post.write(running(), done())
    await post.generation(written, written.owed[0])
    frozen = post.only.body
    await post.generation(written.change(progress=0.9), written.owed[0])
    assert post.only.body == frozen

    other = Post()
    await other.generation(written.change(status=RunStatus.FAILED), written.owed[0])
    assert other.kept.records == {}


async def test_a_receiver_that_fails_hears_the_same_again() -> None:
    """After a wait, its own where it names one; meanwhile its health says what it did."""
    receipts = (
        Receipt(500),
        Receipt(503, retry_after=timedelta(minutes=5)),
        Receipt(None, "did not answer in time"),
        Receipt(204),
    )
    post = Post(receipts=receipts)
    await post.tell(running(), done())
    await post.settle()
    assert (post.only.last_status, post.only.attempts) == (500, 1)
    post.clock.move(timedelta(seconds=2))
    await post.settle()
    assert post.only.due_at == post.clock.now() + timedelta(minutes=5)
    post.clock.move(timedelta(minutes=5))
    await post.settle()
    assert post.endpoint().failures == 3
    assert post.endpoint().last_error == "did not answer in time"
    post.clock.move(timedelta(minutes=5))
    await post.settle()

    assert post.only.state == "delivered"
    assert len({(each.headers["webhook-id"], each.body) for each in post.courier.sent}) == 1
    assert len({each.headers["webhook-timestamp"] for each in post.courier.sent}) == 4
    assert post.endpoint().failures == 0


async def test_who_is_gone_is_left_alone_and_loses_nothing() -> None:
    """410 pauses an endpoint, with a word to the administrator; resumed, it hears what waits."""
    post = Post(receipts=(Receipt(410), Receipt(200)))
    await post.tell(running(), done())
    await post.settle()
    assert (post.endpoint().paused_why, post.alerts.raised) == ("gone", ["webhook_paused"])
    assert "hooks.example.com" in post.alerts.messages[0]
    assert post.only.owed[0].last_error == PAUSED
    post.clock.move(timedelta(hours=1))
    await post.settle()
    assert len(post.courier.sent) == 1

    await post.desk.change(post.endpoint().id, by="cli:ada", paused=False)
    await post.settle()
    assert post.only.state == "delivered"


async def test_who_fails_for_long_is_left_alone_too() -> None:
    """What it is owed waits for days, and dies then; replayed, it lives again."""
    ill = an_endpoint(failures=9, failing_since=NOON)
    post = Post(ill, receipts=(Receipt(500),))
    post.clock.move(timedelta(hours=12))
    await post.tell(running(), done())
    await post.settle()
    assert post.endpoint().paused_why == "failing"
    post.clock.move(timedelta(days=3))
    await post.settle()
    assert post.only.state == "dead"
    assert post.alerts.raised == ["webhook_paused", "debt_dead"]

    assert await post.desk.replay(ill.id, None) == 1
    assert await post.desk.replay(ill.id, post.only.id) == 0
    assert post.only.state == "waiting"


async def test_a_delivery_dies_after_its_tries() -> None:
    """A day of them; somebody is told."""
    post = Post(receipts=(Receipt(404),))
    await post.tell(running(), done())
    for _ in range(20):
        await post.settle()
        post.clock.move(timedelta(hours=8))
        post.endpoints.records[an_endpoint().id] = an_endpoint()

    assert post.only.state == "dead"
    assert post.alerts.raised == ["debt_dead"]
    assert b'outgoing_webhooks_total{outcome="dead"} 1.0' in post.metrics.render()


async def test_what_is_owed_to_nobody_is_given_up() -> None:
    """An endpoint that was taken away is sent nothing."""
    post = Post()
    await post.tell(running(), done())
    post.endpoints.records.clear()
    await post.settle()

    assert (post.only.state, post.courier.sent) == ("dead", [])


async def test_a_dead_receiver_does_not_hold_up_the_others() -> None:
    """It takes a few hands at once, and fewer once it fails."""
    turns, endpoint = Turns(timedelta()), an_endpoint()

    async def refused(who: Endpoint) -> timedelta | None:
        try:
            async with turns.of(who):
                return None
        except PeerBusyError as error:
            return error.retry_after

    async with turns.of(endpoint), turns.of(endpoint), turns.of(endpoint):
        assert await refused(endpoint) is None
        assert await refused(endpoint.change(failures=3)) is not None
        async with turns.of(endpoint):
            assert AT_ONCE == 4
            assert await refused(endpoint) is not None
            assert await refused(an_endpoint(2)) is None
    assert await refused(endpoint.change(failures=3)) is None


async def test_a_message_waits_for_its_turn_a_moment() -> None:
    """So that many at once go out as fast as they are taken; hands are left for other endpoints."""
    turns, sent = Turns(timedelta(minutes=1)), list[int]()
    taken, busy = asyncio.Event(), list[int]()

    async def send(number: int) -> None:
        try:
            async with turns.of(an_endpoint()):
                sent.append(number)
                await taken.wait()
        except PeerBusyError:
            busy.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE + WAITING + 1):
            group.create_task(send(number))
        await until(lambda: bool(busy))
        async with turns.of(an_endpoint(2)):
            assert sent == list(range(AT_ONCE))
        taken.set()
    assert sorted(sent) == list(range(AT_ONCE + WAITING))


async def test_what_orders_brought_takes_the_turns_of_its_host() -> None:
    """However many orders brought one that hangs; a host that failed is sent one at a time."""
    turns = Turns(timedelta())
    first, *others = (an_endpoint(number, order=f"{number:032x}") for number in range(1, 9))

    async def free(number: int) -> bool:
        async with AsyncExitStack() as stack:
            try:
                for each in others[:number]:
                    await stack.enter_async_context(turns.of(each))
            except PeerBusyError:
                return False
        return True

    assert await free(AT_ONCE)
    assert not await free(AT_ONCE + 1)
    for _ in range(FAILING):
        turns.failed(first)
    assert not await free(2)
    turns.worked(first)
    assert await free(2)

    # Only so many hosts are remembered.
    for _ in range(FAILING):
        turns.failed(first)
    for number in range(REMEMBERED):
        turns.failed(first.change(url=f"https://host{number}.example.com/"))
    assert await free(2)


async def test_a_message_whose_turn_it_is_not_waits_without_a_try() -> None:
    """One that hangs takes its endpoint's turn; the other is sent once that is over."""
    post = Post(an_endpoint(failures=3))
    post.courier.may.clear()
    await post.tell(running(), done())
    written = await post.write(*(other(each) for each in (running(), done())))
    await post.generation(written, written.owed[0])
    async with post.at_work():
        await until(lambda: any(each.owed[0].last_error for each in post.kept.records.values()))
        post.courier.may.set()
        await until(lambda: any(each.state == "delivered" for each in post.kept.records.values()))
    assert sorted(each.attempts for each in post.kept.records.values()) == [0, 1]

    post.clock.move(timedelta(seconds=20))
    await post.settle()
    assert {each.state for each in post.kept.records.values()} == {"delivered"}
