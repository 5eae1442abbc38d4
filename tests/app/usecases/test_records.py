"""A record is read, decided on, and written if nobody was first."""

from collections.abc import Mapping, Sequence

import pytest

from app.errors import UnreadableError
from app.observability.journal import Journal
from app.ports import Write
from app.usecases.records import Records
from processors import debts, runs
from schemas.base import GenerationId
from schemas.generation import Generation
from tests.builders import HERE, ID, a_debt, a_generation, later, some_metadata
from tests.fakes.clock import LoopClock
from tests.fakes.generations import FakeGenerations
from tests.fakes.waker import FakeWaker

pytestmark = pytest.mark.anyio

OTHER = GenerationId("e" * 32)


class CountedGenerations(FakeGenerations):
    """Counts how often a record is read."""

    reads = 0

    async def get(self, record_id: str, /) -> Generation | None:
        """See app.ports.Generations."""
        self.reads += 1
        return await super().get(record_id)


def kept(record: Generation) -> tuple[Records, CountedGenerations]:
    """Store a record."""
    generations = CountedGenerations({record.id: record})
    return Records(generations, LoopClock(), Journal()), generations


async def test_a_record_just_seen_is_not_read_again() -> None:
    """It is written on as it was seen, for it still is so."""
    seen = a_generation(progress=0.1)
    records, generations = kept(seen)
    after = await records.change(ID, lambda record, _: record.change(progress=0.5), seen)

    assert generations.reads == 0
    assert after == generations.records[ID]
    assert after is not None
    assert after.progress == 0.5


async def test_a_record_that_has_moved_on_is_decided_on_anew() -> None:
    """What was seen loses to what somebody wrote since."""
    seen = a_generation(progress=0.1, version=1)
    records, generations = kept(seen.change(version=2, progress=0.4))
    await records.change(ID, lambda record, _: record.change(progress=record.progress * 2), seen)

    assert generations.reads == 1
    assert generations.records[ID].progress == 0.8


async def test_that_nothing_is_to_be_written_is_looked_up() -> None:
    """A record that was seen may be out of date, and then there may be something."""
    seen = a_generation(progress=0.5, version=1)
    records, generations = kept(seen.change(version=2, progress=0.1))
    await records.change(ID, lambda record, _: record.change(progress=0.5), seen)

    assert generations.records[ID].progress == 0.5
    assert await records.change(ID, lambda record, _: record) == generations.records[ID]


async def test_there_may_be_no_record() -> None:
    """Then nothing is decided."""
    records, _ = kept(a_generation())

    assert await records.change(GenerationId("f" * 32), lambda record, _: record) is None


async def test_others_are_woken_for_what_is_left_to_them() -> None:
    """By a new record, and by a write; not again while it stays as it is."""
    records, _ = kept(a_generation())
    waker = FakeWaker()
    records.leave_to(waker)
    left = a_debt(runs.SUBMIT)
    other = GenerationId("e" * 32)
    await records.add(a_generation(id=other, metadata=some_metadata(run_id=None), owed=(left,)))
    assert waker.woken == 1
    await records.change(ID, lambda record, _: debts.put(record, (left,)))
    assert waker.woken == 2
    await records.change(ID, lambda record, _: record.change(progress=0.5))

    assert waker.woken == 2


async def test_nobody_is_woken_for_what_has_a_hand_or_has_time() -> None:
    """A debt of ours, and one of later."""
    records, _ = kept(a_generation())
    waker = FakeWaker()
    records.leave_to(waker)
    ours, far = a_debt(runs.ASK, by=HERE), a_debt(runs.END, next_at=later(9))
    await records.change(ID, lambda record, _: debts.put(record, (ours, far)))

    assert waker.woken == 0


async def test_whoever_watches_is_told_of_every_change() -> None:
    """Of a new record, too; of what was not written nothing."""
    known = a_generation(progress=0.1)
    records, _ = kept(known)
    seen = list[tuple[Generation | None, Generation]]()
    records.watched_by(lambda before, after: seen.append((before, after)))
    after = await records.change(ID, lambda record, _: record.change(progress=0.5))
    await records.change(ID, lambda record, _: record)
    new = a_generation(id=GenerationId("f" * 32), metadata=some_metadata(run_id="run-2"))
    assert await records.add(new)
    assert not await records.add(new)

    assert seen == [(known, after), (None, new)]


async def test_what_can_be_read_is_had_beside_what_cannot() -> None:
    """A record of a newer version holds up no other; one that is gone is no fault."""

    class Odd(FakeGenerations):
        """Generations one of which cannot be read."""

        async def many(self, ids: Sequence[GenerationId]) -> Mapping[GenerationId, Generation]:
            """See app.ports.Generations."""
            if OTHER in ids:
                raise UnreadableError(OTHER)
            return await super().many(ids)

    records = Records(Odd({ID: a_generation()}), LoopClock(), Journal())
    found = await records.readable([OTHER, ID, GenerationId("0" * 32)])

    assert list(found) == [ID]
    assert list(await records.readable([ID])) == [ID]
    assert await records.readable([]) == {}


async def test_what_a_write_left_claimed_is_handed_on_although_it_counts_as_lost() -> None:
    """Of many, those that somebody has written on at once cannot be told from those that lost."""

    class Quick(FakeGenerations):
        """Generations that somebody writes on before their writer learns that it has written."""

        async def write(self, writes: Sequence[Write[Generation]]) -> frozenset[str]:
            """Write, and write on."""
            await super().write(writes)
            for each in writes:
                known = self.records[each.before.id]
                self.records[each.before.id] = known.change(version=known.version + 1)
            return frozenset(each.before.id for each in writes)

    class Heir:
        """Takes what is handed on."""

        taken = 0

        def take(self, before: Generation | None, after: Generation) -> None:
            """Count the debts that were not there before."""
            self.taken += len(after.owed) - len(before.owed if before else ())

    known = a_generation(owed=(a_debt(runs.ASK, by=HERE),))
    records, heir = Records(Quick({ID: known}), LoopClock(), Journal()), Heir()
    records.inherit(heir)
    ended = debts.put(known, (*known.owed, a_debt(runs.END, by=HERE)))
    assert await records.change_all([Write(known, ended)]) == {ID}
    assert heir.taken == 0
    for _ in range(2):
        await records.many([ID])

    assert heir.taken == 1
