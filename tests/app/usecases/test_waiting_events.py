"""What waits to be applied: little of what tells progress, and all of everything else."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.usecases.waiting_events import WaitingEvents
from processors import runs
from schemas.run import RunEvent, RunStatus
from schemas.timing import Timing
from tests.builders import ID, NOON, RUN, a_generation, a_run_event

PROGRESS = st.tuples(
    st.sampled_from([RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.UPLOADING, None]),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    st.sampled_from([None, "KSampler 9/20", "KSampler 10/20"]),
)
ANYTHING = st.lists(PROGRESS, max_size=30)


def told(number: int, status: RunStatus | None, progress: float, words: str | None) -> RunEvent:
    """The event of a second."""
    at = NOON + timedelta(seconds=number)
    return a_run_event(received_at=at, status=status, progress=progress, live_status=words)


@given(ANYTHING, st.integers(0, 30))
def test_what_waits_joins_to_what_all_would_have(
    steps: list[tuple[RunStatus | None, float, str | None]], taken: int
) -> None:
    """Also when some is being written while more comes."""
    events = [told(n, *step) for n, step in enumerate(steps)]
    waiting, record = WaitingEvents(), a_generation()

    def hear(events: list[RunEvent]) -> None:
        nonlocal record
        record = runs.hear(record, events, now=NOON, timing=Timing()).generation

    for event in events[:taken]:
        waiting.fetch(event)
    written = waiting.of(ID) if ID in waiting else ()
    for event in events[taken:]:
        waiting.fetch(event)
    assert waiting.number <= 4 + 1
    for some in (written, waiting.take_off(ID, written) if ID in waiting else ()):
        hear([each.event for each in some])

    alike = runs.hear(a_generation(), events, now=NOON, timing=Timing()).generation
    for field in ("status", "progress", "live_status", "queued_at", "started_at"):
        assert getattr(record, field) == getattr(alike, field)


def test_only_what_lies_in_the_inbox_takes_room() -> None:
    """And each of its events waits, whatever it tells."""
    waiting, event = WaitingEvents(), a_run_event()
    for _ in range(3):
        waiting.accept("batch", event)
        waiting.fetch(event._replace(run_id=RUN, progress=0.5))

    assert (waiting.accepted, waiting.number, len(waiting), list(waiting)) == (3, 5, 1, [ID])
    waiting.take_off(ID, waiting.of(ID))
    assert (waiting.accepted, waiting.number, len(waiting)) == (0, 0, 0)
