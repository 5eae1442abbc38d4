"""What waits for one reader: the newest of each record, in the order of the changes."""

from hypothesis import given
from hypothesis import strategies as st

from app.live.reader import Reader
from app.live.states import State
from schemas.live import Kind, Position, Wanted
from schemas.run import RunStatus
from tests.builders import a_generation, its_id

STEPS = st.lists(
    st.one_of(st.just("read"), st.tuples(st.integers(0, 3), st.booleans(), st.booleans())),
    max_size=40,
)


def nothing() -> None:
    """End no connection."""


@given(STEPS)
def test_however_slowly_one_reads_nothing_falls_back_and_nothing_is_missed(
    steps: list[str | tuple[int, bool, bool]],
) -> None:
    """Versions only rise, ids too, the last state of each record arrives, and so do all ends."""
    reader = Reader(Wanted(), cut=nothing)
    versions, ended = dict[str, int](), set[str]()
    told, told_ends = dict[str, int](), set[str]()
    at, last = 0, Position(0, 0)
    for step in (*steps, "read"):
        if isinstance(step, tuple):
            name, ends, again = its_id(step[0]), step[1], step[2]
            at += 1
            # Of two reads the older may be offered later, or the same twice.
            version = versions.get(name, 1) if again else versions.get(name, 0) + 1
            versions[name] = max(version, versions.get(name, 0))
            ended |= {name} if ends else set()
            status = RunStatus.COMPLETED if name in ended else RunStatus.RUNNING
            record = a_generation(status, id=name, version=version)
            reader.offer(State(Kind.GENERATION, record, Position(1, at)), 10)
            continue
        for state in reader.take():
            assert state.version >= told.get(state.record.id, 0)
            told[state.record.id] = state.version
            assert state.since > last
            last = state.since
            told_ends |= {state.record.id} if state.record.status is RunStatus.COMPLETED else set()

    assert told == versions
    assert told_ends == ended
    assert reader.pending == ()


def test_what_is_sent_away_is_told_nothing_more() -> None:
    """The first reason counts; nothing waits for them in memory."""
    reader = Reader(Wanted(), cut=nothing)
    reader.offer(State(Kind.GENERATION, a_generation()), 10)
    reader.send_away("expired")
    reader.send_away("slow")

    assert not reader.offer(State(Kind.GENERATION, a_generation()), 10)
    assert (reader.pending, reader.bye) == ((), "expired")


def test_an_older_state_does_not_take_a_newer_ones_place() -> None:
    """Whatever order they are offered in."""
    reader = Reader(Wanted(), cut=nothing)
    reader.offer(State(Kind.GENERATION, a_generation(version=7), Position(1, 2)), 10)

    assert not reader.offer(State(Kind.GENERATION, a_generation(version=6), Position(1, 3)), 10)
    assert [each.version for each in reader.take()] == [7]
