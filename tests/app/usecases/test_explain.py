"""What is known of a generation, gathered; see also tests/app/cli/test_explaining.py."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.errors import NotFoundError
from app.usecases.explain import Explain, told_of
from processors import debts, hooks, ledger
from processors.hooks import About
from processors.ledger import Act
from processors.protocols import comfydeploy
from schemas.generation import Retry, StatusChange
from schemas.hook import HookEvent
from schemas.job import Job, JobStatus, Told
from schemas.ledger import Entry, EntryId
from schemas.run import Batch, Delivery, RunStatus
from tests.builders import (
    CHAT,
    COMFYDEPLOY,
    ID,
    JOB,
    NOON,
    RUN,
    USER,
    a_debt,
    a_generation,
    a_job,
    an_endpoint,
    an_entry,
    later,
)
from tests.fakes.generations import FakeGenerations
from tests.fakes.hooks import FakeDeliveries
from tests.fakes.inbox import FakeInbox
from tests.fakes.jobs import FakeJobs
from tests.fakes.ledger import FakeLedger

pytestmark = pytest.mark.anyio

RECEIVERS = {COMFYDEPLOY: comfydeploy.receive}


async def test_what_came_long_after_the_end_is_told_as_well() -> None:
    """As long as it is kept: a late event is what somebody may be looking for."""
    ended = a_generation(RunStatus.COMPLETED, response_timestamp=later(60))
    days = timedelta(days=3)
    raw = f'{{"run_id": "{RUN}", "status": "running"}}'.encode()
    event = Delivery(generation=ID, attempt=1, engine=COMFYDEPLOY, at=NOON + days, raw=raw)
    inbox = FakeInbox({"late": Batch(id="late", at=event.at, events=(event,))})
    explain = Explain(
        FakeGenerations({ID: ended}),
        FakeJobs(),
        FakeLedger(),
        inbox,
        RECEIVERS,
        deliveries=FakeDeliveries(),
    )
    [page] = (await explain(ID, NOON + 2 * days)).pages

    assert (page.moments[-1].at, page.moments[-1].who) == (event.at, "webhook")


async def test_what_is_not_there_cannot_be_explained() -> None:
    """It is said, not made up."""
    with pytest.raises(NotFoundError):
        await explaining(FakeGenerations())(ID, NOON)


@pytest.mark.parametrize("named", [ID, JOB])
async def test_a_job_and_its_generation_are_one_story(named: str) -> None:
    """Whichever of the two ids is given: order, hold, close, refund, end and message."""
    ended = a_generation(
        RunStatus.COMPLETED, job_id=JOB, price=Decimal(5), response_timestamp=later(60)
    )
    dead = a_debt(dead_at=later(90), attempts=3, last_error="blocked")
    told = Told(status=JobStatus.COMPLETED, delivered=True)
    job = a_job(status=JobStatus.COMPLETED, ended_at=later(61), owed=(dead,), told=told)
    story = await explaining(FakeGenerations({ID: ended}), job, *entries(job))(named, later(99))

    [page] = story.pages
    said = [each.what for each in page.moments if each.who in {"ledger", "telegram"}]
    assert story.job == job
    assert [each.key for each in story.entries] == [f"hold:{JOB}", f"close:{ID}", f"refund:{ID}"]
    assert said == [
        f"ordered job {JOB}",
        "5.000000 credits held (balance 5.000000)",
        "5.000000 credits captured, 0 returned: price (balance 5.000000)",
        "refund of 5.000000 credits: lost (balance 10.000000)",
        "job's notify given up after 3 tries: blocked",
    ]
    assert "job -> completed" in [each.what for each in page.moments]
    assert page.told == f"chat {CHAT} could not be told: blocked"


async def test_who_was_told_is_known_by_the_job() -> None:
    """Its generation owes nobody the telling."""
    ended = a_generation(RunStatus.COMPLETED, job_id=JOB)
    job = a_job(status=JobStatus.COMPLETED)
    whole, bare = (Told(status=JobStatus.COMPLETED, delivered=each) for each in (True, False))

    assert told_of(ended, job) == f"chat {CHAT}, once it is settled"
    assert told_of(ended, job.change(told=bare)) == f"chat {CHAT} was told completed"
    assert told_of(ended, job.change(told=whole)) == f"chat {CHAT} was told completed with files"


def explaining(generations: FakeGenerations, job: Job | None = None, *kept: Entry) -> Explain:
    """What explains what is in these."""
    jobs = FakeJobs({job.id: job} if job else {})
    return Explain(
        generations,
        jobs,
        FakeLedger(kept=[*kept]),
        FakeInbox(),
        RECEIVERS,
        deliveries=FakeDeliveries(),
    )


def entries(job: Job) -> list[Entry]:
    """A grant of 10, and the hold, close and refund of a job of 5."""
    grant = an_entry()
    act = Act(EntryId("e"), USER, "us", later(1))
    hold = ledger.hold(grant, act, job.id, {ID: Decimal(5)})
    paid = act._replace(at=later(60), reason="price")
    close = ledger.close(hold, paid, hold, ID, Decimal(5))
    back = act._replace(at=later(80), reason="lost")
    return [grant, hold, close, ledger.refund(close, back, close, ID)]


async def test_another_try_is_a_moment_that_says_why() -> None:
    """What came before it stays in the history."""
    again = StatusChange(status=RunStatus.PENDING, at=later(30), source=Retry.LOST)
    record = a_generation(RunStatus.PENDING, attempt=2, max_attempts=3, history=(again,))
    [page] = (await explaining(FakeGenerations({ID: record}))(ID, later(99))).pages

    assert "-> pending: its server has it no more, so it is tried again" in [
        each.what for each in page.moments
    ]


async def test_who_listens_is_part_of_the_story() -> None:
    """What was taken, what waits, and what was given up, of the run and of its job."""
    ended, job = a_generation(RunStatus.COMPLETED, job_id=JOB), a_job(status=JobStatus.COMPLETED)
    told = About(HookEvent.COMPLETED, 7, "2026-01-01T12:00:00.000Z")
    first, second, third = (
        hooks.made(ended, told, "{}", an_endpoint(number), now=NOON) for number in (1, 2, 3)
    )
    lost = debts.bury(second.owed, hooks.DELIVER, 1, error="answered 404", now=later(60))
    kept = (
        hooks.delivered(first, 204, later(9)),
        debts.put(second, lost).change(attempts=9),
        third,
        hooks.made(job, told._replace(event=HookEvent.JOB), "{}", an_endpoint(), now=NOON),
    )
    explain = Explain(
        FakeGenerations({ID: ended}),
        FakeJobs({job.id: job}),
        FakeLedger(),
        FakeInbox(),
        RECEIVERS,
        deliveries=FakeDeliveries({each.id: each for each in kept}),
    )
    [page] = (await explain(ID, later(99))).pages

    said = {each.what.replace(f"{0:031x}", "") for each in page.moments}
    assert said >= {
        "webhook generation.completed to 1: taken",
        "webhook generation.completed to 2: given up after 9 tries",
        "webhook generation.completed to 3: waits after 0 tries",
        "webhook job.completed to 1: waits after 0 tries",
    }
