"""What every keeper of jobs does: the fake that tests use, and MongoDB."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from app.ports import Jobs, Oldest, OpenJobs, Write
from processors import jobs as deciding
from schemas.base import InstanceName, UserId
from schemas.debt import DebtKind
from schemas.job import JOB_OPEN, Job, JobId, JobStatus, Outcome, Pause, PriceReason, Told
from schemas.run import RunStatus
from tests.builders import JOB, NOON, USER, a_debt, a_job, a_preset, a_step, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

START = frozenset({DebtKind.START})
STRANGER = UserId("0198c0ffee0198c0ffee0198c0ffee98")


@pytest.fixture
def jobs(ports: Ports) -> Jobs:
    """The port under test."""
    return ports.jobs


def the(number: int) -> JobId:
    """Return the id of that number; ids sort by number."""
    return JobId(f"{number:032x}")


def changed(before: Job, **fields: object) -> Write[Job]:
    """Return the write of some fields."""
    return Write(before, before.change(version=before.version + 1, **fields))


async def ids(found: AsyncIterator[Job]) -> list[str]:
    """Return the ids of what is yielded."""
    return [each.id async for each in found]


async def test_what_was_stored_is_read_as_it_was(jobs: Jobs) -> None:
    """Before its generations are made and after its end, to the last place of its amounts."""
    agreed = deciding.step_for(
        a_preset(),
        {"prompt": "a lighthouse", "steps": 3},
        a_step().generation,
        user=USER,
        estimate_usd=None,
        credits_per_usd=Decimal("99.999999"),
    )
    outcome = Outcome(
        status=RunStatus.COMPLETED,
        price=Decimal("0.000001"),
        price_reason=PriceReason.PRICE,
        refunded=Decimal("0.000001"),
        cost_usd=Decimal("0.004044"),
        duration_seconds=1.5,
    )
    told = Told(status=JobStatus.COMPLETED, outputs="a", delivered=True)
    for record in (
        a_job(id=the(1), status=JobStatus.PENDING, steps=(agreed,), owed=(a_debt("start"),)),
        a_job(id=the(2), steps=(a_step(outcome=outcome),), ended_at=later(0.123), told=told),
    ):
        assert await jobs.insert(record)
        assert await jobs.get(record.id) == record
    assert await jobs.get(the(404)) is None


async def test_an_id_is_taken_once(jobs: Jobs) -> None:
    """A second insert of an id is refused and changes nothing."""
    await jobs.insert(a_job())

    assert not await jobs.insert(a_job(status_reason="second"))
    assert await jobs.get(JOB) == a_job()


async def test_an_idempotency_key_is_taken_once(jobs: Jobs) -> None:
    """The insert is the claim; once it is given up, it is anybody's."""
    first = a_job(id=the(1), idempotency_key="k", idempotency_digest="d")
    second = a_job(id=the(2), idempotency_key="k")

    assert await jobs.insert(first)
    assert not await jobs.insert(second)
    assert await jobs.by_idempotency_key("k") == first
    assert await jobs.by_idempotency_key("another") is None
    freed = changed(first, idempotency_key=None, idempotency_digest=None)
    assert await jobs.write([freed]) == frozenset()
    assert await jobs.insert(second)
    assert await jobs.by_idempotency_key("k") == second
    assert await jobs.insert(a_job(id=the(3)))


async def test_a_write_needs_the_version_it_replaces(jobs: Jobs) -> None:
    """Of two decided on the same state the second is lost, alone or in a bulk."""
    before, other = a_job(id=the(1)), a_job(id=the(2))
    for each in (before, other):
        await jobs.insert(each)
    first = changed(before, cancel_wanted=True)

    assert await jobs.write([]) == frozenset()
    assert await jobs.write([first]) == frozenset()
    assert await jobs.write([changed(before, status_reason="late")]) == {the(1)}
    done = changed(other, status=JobStatus.FAILED, ended_at=NOON)
    missing = changed(a_job(id=the(3)), status_reason="none")
    bulk = [changed(before, status_reason="late"), done, missing]
    assert await jobs.write(bulk) == {the(1), the(3)}
    assert await jobs.get(the(1)) == first.after
    assert await jobs.get(the(2)) == done.after


async def test_a_step_is_written_as_a_whole(jobs: Jobs) -> None:
    """What is gone from it is gone; what a value says is taken to the letter."""
    step = a_step(inputs={"prompt": "$set", "nested": ["$a.b"]})
    before = a_job(steps=(step,), idempotency_key="k", told=Told(status=JobStatus.FAILED))
    await jobs.insert(before)
    outcome = Outcome(status=RunStatus.FAILED, reason="$version")
    write = changed(before, steps=(step.change(outcome=outcome),), told=None)

    assert await jobs.write([write]) == frozenset()
    assert await jobs.get(JOB) == write.after


async def test_due_gives_live_debts_of_the_kinds_the_longest_due_first(jobs: Jobs) -> None:
    """Not the dead, not those of other kinds, not those whose time is to come."""
    debts = {
        1: a_debt("start", next_at=later(-1)),
        2: a_debt("start", next_at=later(-5)),
        3: a_debt("start", next_at=later(5)),
        4: a_debt("cancel", next_at=later(-9)),
        5: a_debt("start", next_at=later(-9), dead_at=NOON),
    }
    for number, debt in debts.items():
        await jobs.insert(a_job(id=the(number), owed=(debt,)))

    assert [each.id for each in await jobs.due(NOON, START, 9)] == [the(2), the(1)]
    assert [each.id for each in await jobs.due(NOON, START, 1)] == [the(2)]
    assert await jobs.due(NOON, frozenset({DebtKind.NOTIFY}), 9) == ()


async def test_a_status_of_a_newer_version_is_left_alone(jobs: Jobs) -> None:
    """It is shown, and nothing that it owes is taken up here."""
    newer = a_job(status=JobStatus("archived"), owed=(a_debt("start"),))
    await jobs.insert(newer)

    assert await jobs.get(JOB) == newer
    assert (await jobs.page(USER, None, 9)).items == (newer,)
    assert await jobs.due(later(9), START, 9) == ()


async def test_claimed_gives_what_a_process_holds(jobs: Jobs) -> None:
    """By whom, whatever the kind."""
    until = later(75)
    for number, by in enumerate(["here", "there", None, "here"]):
        debt = a_debt("start", by=by, next_at=until - timedelta(seconds=number))
        await jobs.insert(a_job(id=the(number), owed=(debt,)))

    found = await jobs.claimed(InstanceName("here"), until)
    assert sorted(each.id for each in found) == [the(0), the(3)]


async def test_debts_are_counted_by_kind_and_state(jobs: Jobs) -> None:
    """With the age of the oldest, of a dead one since its death."""
    owed = (
        a_debt("start", next_at=later(-30)),
        a_debt("cancel", next_at=later(75), by="here"),
        a_debt("notify", next_at=later(9), dead_at=later(-60)),
    )
    await jobs.insert(a_job(id=the(1), owed=owed))
    await jobs.insert(a_job(id=the(2), owed=(a_debt("start", next_at=later(9)),)))

    counted = {(each.kind.value, each.state): each for each in await jobs.owed(NOON)}
    assert {key: (each.number, each.age.total_seconds()) for key, each in counted.items()} == {
        ("start", "live"): (2, 30.0),
        ("cancel", "claimed"): (1, 0.0),
        ("notify", "dead"): (1, 60.0),
    }


async def test_the_dead_and_the_indebted_are_found(jobs: Jobs) -> None:
    """Oldest first; who owes nothing is not among them."""
    dead = a_debt("notify", dead_at=NOON)
    for number, owed in ((3, (dead,)), (2, (a_debt("start"),)), (1, (dead, a_debt("start")))):
        await jobs.insert(a_job(id=the(number), owed=owed))
    await jobs.insert(a_job(id=the(0)))

    assert await ids(jobs.dead()) == [the(1), the(3)]
    assert await ids(jobs.indebted()) == [the(1), the(2), the(3)]


async def test_a_page_is_of_one_person_or_of_everybody(jobs: Jobs) -> None:
    """Newest first, each from where the one before ended; the last says that there is no other."""
    for number in range(5):
        await jobs.insert(a_job(id=the(number), user_id=STRANGER if number == 2 else USER))

    first = await jobs.page(USER, None, 2)
    assert [each.id for each in first.items] == [the(4), the(3)]
    second = await jobs.page(USER, first.next, 2)
    assert ([each.id for each in second.items], second.next) == ([the(1), the(0)], None)
    everybody = await jobs.page(None, None, 4)
    assert [each.id for each in everybody.items] == [the(4), the(3), the(2), the(1)]
    assert (await jobs.page(None, everybody.next, 4)).items == (a_job(id=the(0)),)
    assert (await jobs.page(UserId("nobody"), None, 4)).items == ()


async def test_a_page_can_be_of_some_statuses(jobs: Jobs) -> None:
    """Of one person or of everybody."""
    for number, status in enumerate(
        (JobStatus.PENDING, JobStatus.ACTIVE, JobStatus.COMPLETED, JobStatus.ACTIVE)
    ):
        user = STRANGER if number == 3 else USER
        await jobs.insert(a_job(id=the(number), status=status, user_id=user))

    mine = await jobs.page(USER, None, 9, statuses=JOB_OPEN)
    assert [each.id for each in mine.items] == [the(1), the(0)]
    everybody = await jobs.page(None, None, 9, statuses=frozenset({JobStatus.ACTIVE}))
    assert [each.id for each in everybody.items] == [the(3), the(1)]
    rest = await jobs.page(None, the(3), 9, statuses=frozenset({JobStatus.ACTIVE}))
    assert [each.id for each in rest.items] == [the(1)]


async def test_what_fails_and_what_was_given_up_is_found(jobs: Jobs) -> None:
    """What was tried often, of kinds that are counted; what was given up since a time."""
    debts = {
        1: a_debt("start", attempts=6),
        2: a_debt("start", attempts=5),
        3: a_debt("notify", attempts=9),
        4: a_debt("cancel", attempts=7, next_at=later(9)),
        5: a_debt("notify", attempts=8, dead_at=NOON),
    }
    for number, debt in debts.items():
        await jobs.insert(a_job(id=the(number), owed=(debt, a_debt("show", next_at=later(9)))))

    assert {each.id for each in await jobs.failing(9)} == {the(1), the(4)}
    assert len(await jobs.failing(1)) == 1
    assert [each.id for each in await jobs.died(later(-1), 9)] == [the(5)]
    assert await jobs.died(NOON, 9) == ()
    assert await jobs.died(later(-1), 9) == await jobs.died(later(-2), 1)


async def test_what_is_open_is_counted(jobs: Jobs) -> None:
    """With what waits for its person's word, which is not silent; the oldest is named."""
    assert await jobs.count_open() == OpenJobs(0, 0, None)
    pause = Pause(step=1, at=NOON, until=later(9))
    for number, fields in enumerate(
        (
            {"status": JobStatus.COMPLETED, "pause": pause},
            {"status": JobStatus.PENDING, "created_at": later(5)},
            {"pause": pause},
        )
    ):
        await jobs.insert(a_job(id=the(number), **fields))

    assert await jobs.count_open() == OpenJobs(2, 1, Oldest(the(1), later(5)))
    assert [each.id for each in await jobs.silent(later(1), 9)] == [the(1)]
