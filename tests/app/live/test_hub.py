"""The hub: whoever reads, and however they come and go, the newest state arrives."""

import asyncio
from datetime import timedelta

import pytest

from app.clock import monotonic
from app.errors import StoreDownError, UnavailableError
from app.live.hub import PENDING_MOST, READERS_MOST
from app.live.reader import Reader
from app.main.server import CONNECTIONS
from schemas.generation import Generation, StatusChange
from schemas.job import JobStatus
from schemas.live import Position, Wanted
from schemas.preview import Preview
from schemas.run import RunStatus
from tests.app.live.readers import PATIENCE, Told, running, until
from tests.builders import (
    ID,
    JOB,
    NOON,
    USER,
    a_generation,
    a_job,
    an_order,
    its_id,
    later,
    some_metadata,
)
from tests.fakes.hubs import PROMPT, Scenery

pytestmark = pytest.mark.anyio


def put(scenery: Scenery, record: Generation, **changes: object) -> Generation:
    """Store the next version of a record."""
    new = record.change(version=record.version + 1, **changes)
    scenery.generations[record.id] = new
    return new


def moved(scenery: Scenery, record: Generation, status: RunStatus) -> Generation:
    """Store a record at another status."""
    was = StatusChange(status=status, at=NOON, source="engine")
    return put(scenery, record, status=status, history=(*record.history, was))


async def test_a_reader_is_shown_what_there_is_and_then_what_changes() -> None:
    """With a word between the two, each state with its version, previews when they come."""
    scenery = Scenery()
    first = scenery.generations[ID] = a_generation(version=3)
    scenery.jobs[JOB] = a_job(version=2)
    async with running(scenery):
        told = Told(scenery)
        assert await told.begin() == ["reset new", "job 77@2", "generation 01@3", "ready"]
        put(scenery, first, progress=0.5)
        assert await told.more() == ["generation 01@4"]
        scenery.previews[ID] = Preview(b"picture", "image/jpeg", later(1))
        assert await told.more() == ["preview 01@4"]
        late = Told(scenery)
        assert (await late.begin())[-3:] == ["generation 01@4", "preview 01@4", "ready"]
        await late.leave()
        scenery.jobs[JOB] = a_job(version=3, status=JobStatus.COMPLETED)
        assert await told.more() == ["job 77@3"]
        moved(scenery, scenery.generations[ID], RunStatus.COMPLETED)
        after = Told(scenery, Wanted(generation=ID))
        assert await after.begin() == ["reset new", "generation 01@5", "ready"]
        await after.leave()
        assert scenery.metrics.readers == 1
        await told.leave()
    assert scenery.metrics.readers == 0
    assert scenery.changes.followers == 1


async def test_a_slow_reader_is_told_the_newest_only() -> None:
    """What they have not read is replaced; an end comes after everything before it."""
    scenery = Scenery()
    record = scenery.generations[ID] = a_generation(version=1)
    async with running(scenery):
        slow, quick = Told(scenery), Told(scenery)
        await slow.begin()
        await quick.begin()
        for progress in (0.1, 0.2, 0.3):
            record = put(scenery, record, progress=progress)
            await quick.until(f"generation 01@{record.version}")
        record = moved(scenery, record, RunStatus.COMPLETED)
        await quick.until("generation 01@5")
        assert await slow.more() == ["generation 01@5"]
    assert scenery.metrics.skipped == 3


async def test_a_reader_with_too_much_to_read_is_sent_away_and_goes_on_where_they_were() -> None:
    """What waits for them has a bound; what they missed is told when they come again."""
    scenery = Scenery()
    async with running(scenery):
        slow = Told(scenery)
        await slow.begin()
        for n in range(PENDING_MOST + 1):
            scenery.generations[its_id(n)] = an_order(id=its_id(n))
        await until(lambda: slow.reader.bye)
        assert slow.reader.pending == ()
        assert await slow.more() == ["bye slow True"]
        assert await slow.more() == []
        await slow.leave()

        again = Told(scenery, after=scenery.changes.told[-2].at)
        assert len(await again.begin()) == 3
        much = Told(scenery, after=slow.at)
        assert (await much.begin())[0] == "reset too_much"
    assert scenery.metrics.resyncs == ["too_much"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted(user=USER), {0}),
        (Wanted(job=JOB), {1}),
        (Wanted(generation=its_id(2)), {2}),
        (Wanted(user=USER, job=JOB), set[int]()),
        (Wanted(status="open"), {0, 1, 2}),
        (Wanted(status="running"), {2}),
        (Wanted(), {0, 1, 2, 3}),
    ],
    ids=str,
)
async def test_only_what_is_wanted_is_told(wanted: Wanted, told: set[int]) -> None:
    """At first and later: one person's, one job's, one, of a status."""
    scenery = Scenery()
    records = [
        an_order(id=its_id(0), metadata=some_metadata(user_id=USER)),
        an_order(id=its_id(1), job_id=JOB),
        an_order(id=its_id(2), status=RunStatus.RUNNING),
        an_order(id=its_id(3), status=RunStatus.FAILED),
    ]
    for each in records:
        scenery.generations[each.id] = each
    async with running(scenery):
        reader, everything = Told(scenery, wanted), Told(scenery)
        shown = [line for line in await reader.begin() if line.startswith("generation")]
        await everything.begin()
        assert {f"generation {its_id(n)[-2:]}@{records[n].version}" for n in told} == set(shown)
        for each in records:
            put(scenery, each, progress=0.5)
        await everything.until(f"generation {its_id(3)[-2:]}@{records[3].version + 1}")

        assert {its_id(n) for n in told} == {each.record.id for each in reader.reader.pending}


async def test_what_leaves_a_status_is_told_to_those_who_look_at_it() -> None:
    """Else it would be shown as open for ever; what changes after its end is not told to them."""
    scenery = Scenery()
    record = scenery.generations[ID] = a_generation(RunStatus.RUNNING, version=1)
    job = scenery.jobs[JOB] = a_job(version=1)
    async with running(scenery):
        at_open, everything = Told(scenery, Wanted(status="open")), Told(scenery)
        at_pending = Told(scenery, Wanted(status="pending"))
        for each in (at_open, at_pending, everything):
            await each.begin()
        record = moved(scenery, record, RunStatus.COMPLETED)
        assert await at_open.more() == ["generation 01@2"]
        record = put(scenery, record, price_reason="price")
        await everything.until("generation 01@3")
        assert at_open.reader.pending == ()
        scenery.jobs[JOB] = job.change(version=2, status=JobStatus.COMPLETED)
        assert await at_open.more() == ["job 77@2"]
        assert at_pending.lines[-1] == "ready"
        assert (await at_pending.more())[-1] == "job 77@2"


async def test_a_change_during_the_snapshot_is_told_once_and_in_order() -> None:
    """Whether it is read before or after it: the version never falls."""
    scenery = Scenery()
    record = scenery.generations[ID] = a_generation(version=1)
    async with running(scenery):
        quick = Told(scenery)
        await quick.begin()
        reading, go_on = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            scenery.views.gate = scenery.changes.gate
            reading.set()
            await go_on.wait()

        late = Told(scenery)
        scenery.views.gate = hold
        async with asyncio.TaskGroup() as group:
            beginning = group.create_task(late.begin())
            await reading.wait()
            record = put(scenery, record, progress=0.5)
            await quick.until("generation 01@2")
            go_on.set()
        assert beginning.result() == ["reset new", "generation 01@2", "ready"]
        assert late.reader.pending == ()


async def test_who_comes_again_is_told_what_they_missed_and_no_more() -> None:
    """By their position, each record once; of one generation how it stands."""
    scenery = Scenery()
    records = [an_order(id=its_id(n)) for n in range(3)]
    for each in records:
        scenery.generations[each.id] = each
    async with running(scenery):
        first = Told(scenery)
        await first.begin()
        await first.leave()
        ended = moved(scenery, put(scenery, records[1], progress=0.5), RunStatus.FAILED)
        again = Told(scenery, Wanted(status="open"), after=first.at)
        one = Told(scenery, Wanted(generation=its_id(0)), after=first.at)
        name = its_id(1)[-2:]
        missed = await again.begin()

        assert [f"generation {name}@{ended.version}", "ready"] == missed[-2:]
        assert [f"generation {its_id(0)[-2:]}@{records[0].version}", "ready"] == await one.begin()
    assert scenery.metrics.resyncs == []


@pytest.mark.parametrize("reason", ["too_old", "unknown", "forgotten"])
async def test_who_was_away_too_long_is_shown_everything_anew(reason: str) -> None:
    """So is who comes from another database, and whose changes the database forgot."""
    scenery = Scenery()
    scenery.generations[ID] = a_generation(version=1)
    after = await scenery.changes.now()
    if reason == "unknown":
        after = Position(9_999, 1)
    elif reason == "too_old":
        scenery.changes.pass_by(int(PROMPT.live_resume.total_seconds()) + 1)
    else:
        scenery.changes.oldest = Position(after.seconds, after.increment + 1)
    async with running(scenery):
        told = Told(scenery, after=after)

        why = "unknown" if reason == "unknown" else "too_old"
        assert [f"reset {why}", "generation 01@1", "ready"] == await told.begin()


async def test_after_a_loss_everybody_is_shown_everything_anew() -> None:
    """By one read for all who look at the same, as soon as the database answers."""
    scenery = Scenery()
    record = scenery.generations[ID] = a_generation(version=1)
    async with running(scenery):
        many = [Told(scenery) for _ in range(20)]
        for each in many:
            await each.begin()
        scenery.generations.put_unheard(ID, record.change(version=2))
        read = scenery.views.read
        scenery.changes.lose()
        async with asyncio.TaskGroup() as group:
            anew = [group.create_task(each.more()) for each in many]

        assert all(each.result() == ["reset lost", "generation 01@2", "ready"] for each in anew)
        assert scenery.views.read - read <= 2
    assert scenery.metrics.resyncs == ["lost"] * 20


async def test_after_a_restored_backup_what_is_older_is_told() -> None:
    """Versions may have fallen: what was read before counts no more."""
    scenery = Scenery()
    scenery.generations[ID] = a_generation(version=7)
    async with running(scenery):
        told = Told(scenery)
        await told.begin()
        scenery.generations.put_unheard(ID, a_generation(version=3))
        scenery.changes.lose()
        assert await told.more() == ["reset lost", "generation 01@3", "ready"]
        scenery.generations[ID] = a_generation(version=4)
        assert await told.more() == ["generation 01@4"]


async def test_who_comes_while_changes_cannot_be_followed_is_refused_in_time() -> None:
    """They are told nothing of which they might miss the rest."""
    scenery = Scenery(PROMPT.change(live_open=timedelta(0)))
    scenery.changes.gate = _never
    async with running(scenery):
        told = Told(scenery)
        refused = (await asyncio.gather(told.begin(), return_exceptions=True))[0]
        assert isinstance(refused, StoreDownError)
        await told.leave()


async def test_a_database_that_is_away_delays_and_loses_nothing() -> None:
    """Changes are told once it answers; who comes meanwhile is refused."""
    scenery = Scenery()
    record = scenery.generations[ID] = a_generation(version=1)
    async with running(scenery):
        told = Told(scenery)
        await told.begin()
        scenery.views.down = scenery.changes.down = True
        record = put(scenery, record, progress=0.5)
        late = Told(scenery)
        refused = (await asyncio.gather(late.begin(), return_exceptions=True))[0]
        assert isinstance(refused, StoreDownError)
        await late.leave()
        put(scenery, record, progress=0.6)
        scenery.views.down = scenery.changes.down = False
        assert "generation 01@3" in await told.until("generation 01@3")


async def test_streams_end_when_their_time_is_over_and_when_we_stop() -> None:
    """With a word that says why, and whether to come again; after it nobody is taken in."""
    scenery = Scenery()
    async with running(scenery):
        short, long = Told(scenery, until=later(60)), Told(scenery)
        await short.begin()
        await long.begin()
        scenery.clock.move(timedelta(minutes=1))
        assert await short.more() == ["bye expired False"]
        scenery.hub.close()
        assert await long.more() == ["bye stopping True"]
        refused = (await asyncio.gather(Told(scenery).begin(), return_exceptions=True))[0]
        assert isinstance(refused, UnavailableError)


async def test_who_does_not_read_is_cut_off_and_the_others_hear_a_heartbeat() -> None:
    """A connection that takes nothing for so long is ended at once."""
    timing = PROMPT.change(live_unread=timedelta(0), live_beat=timedelta(0))
    scenery = Scenery(timing)
    async with running(scenery):
        stuck, well = Told(scenery), Told(scenery)
        await stuck.begin()
        await well.begin()
        stuck.reader.busy_since = 0.0
        assert await well.more() == ["beat"]
        assert await stuck.more() == ["bye slow True"]
        assert stuck.cuts >= 1


async def test_who_does_not_read_does_not_hold_up_the_end() -> None:
    """At the end nobody is waited for who takes nothing; who reads is told to come again."""
    scenery = Scenery()
    async with running(scenery):
        stuck, well = Told(scenery), Told(scenery)
        await stuck.begin()
        await well.begin()
        stuck.reader.busy_since = monotonic()
        scenery.hub.close()
        await until(lambda: stuck.cuts)
        assert await well.more() == ["bye stopping True"]
        assert not well.cuts


async def test_readers_leave_room_for_everybody_else() -> None:
    """So many at most that orders and webhooks still find a connection; then one who goes."""
    scenery = Scenery()
    reader = Reader(Wanted(), cut=_nothing)
    async with running(scenery):
        scenery.hub.join(reader)
        for _ in range(READERS_MOST - 1):
            scenery.hub.join(Reader(Wanted(), cut=_nothing))
        refused = (await asyncio.gather(Told(scenery).begin(), return_exceptions=True))[0]
        assert isinstance(refused, UnavailableError)
        scenery.hub.leave(reader)
        assert await Told(scenery).begin() == ["reset new", "ready"]
    assert READERS_MOST <= CONNECTIONS * 3 // 4


async def test_changes_are_followed_only_while_somebody_reads() -> None:
    """They are followed anew when somebody comes after a while, and nothing is missed."""
    scenery = Scenery(PROMPT.change(live_idle=timedelta(0)))
    record = scenery.generations[ID] = a_generation(version=1)
    async with running(scenery):
        for n in range(2):
            told = Told(scenery)
            assert f"generation 01@{n + 1}" in await told.begin()
            await told.leave()
            await until(lambda: not scenery.changes.followed)
            record = put(scenery, record, progress=0.5)
    assert scenery.changes.followers == 2


async def test_nobody_is_let_in_by_what_is_not_followed_any_more() -> None:
    """Even if it was opened at the moment when it was ended, as the driver may have it."""
    scenery = Scenery(PROMPT.change(live_idle=timedelta(0), live_open=timedelta(0)))
    opening, ended = asyncio.Event(), asyncio.Event()

    async def late() -> None:
        opening.set()
        try:
            await asyncio.Event().wait()
        finally:
            scenery.hub.opened()
            ended.set()

    async with running(scenery), asyncio.timeout(PATIENCE):
        scenery.changes.gate = late
        gone, told = Told(scenery), Told(scenery)
        scenery.hub.join(gone.reader)
        await opening.wait()
        scenery.changes.gate = _never
        await gone.leave()
        await ended.wait()
        refused = (await asyncio.gather(told.begin(), return_exceptions=True))[0]
    assert isinstance(refused, StoreDownError)


def _nothing() -> None:
    """Have no connection to cut."""


async def _never() -> None:
    await asyncio.Event().wait()
