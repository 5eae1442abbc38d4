"""Hypothesis strategies: lives of runs, and the ways their messages may reach us.

Engines deliver in any order, more than once, and we fold what came in any batches. A *life*
is what an engine says of one run, each message once; a *delivery* is one way to hear it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from hypothesis import strategies as st

from schemas.base import RunId
from schemas.debt import DebtKind
from schemas.generation import EngineRun, Generation
from schemas.run import OPEN, TERMINAL, Output, RunEvent, RunStatus
from tests.builders import (
    NOON,
    RUN,
    a_debt,
    a_generation,
    a_run_event,
    a_sign_of_life,
    an_order,
    an_output,
    later,
    some_metadata,
)

Batches = Sequence[Sequence[RunEvent]]
HEARD: Final = sorted(OPEN - {RunStatus.WAITING, RunStatus.PENDING, RunStatus.SUBMITTING})
"""Statuses that an engine may say of a run that goes on."""

moments = st.integers(-5, 120).map(lambda quarters: later(quarters / 4))
"""Moments around noon; few enough that two of them are often the same."""

shares = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)

endings = st.sampled_from(sorted(TERMINAL))

words = st.none() | st.sampled_from(["", "Executing KSampler", "Executing VAEDecode"])
"""Live statuses, none at all and the empty one among them."""


@st.composite
def told_outputs(draw: st.DrawFn) -> tuple[Output, ...]:
    """Outputs of one message: few ids and few addresses, so that messages contradict each other."""
    names = draw(st.lists(st.sampled_from("abc"), max_size=3, unique=True))
    at = draw(moments)
    return tuple(
        an_output(name, at, url=f"https://outputs.example.com/{draw(st.sampled_from('xy'))}.png")
        for name in names
    )


def events_of(
    run_id: RunId, attempt: int, statuses: st.SearchStrategy[RunStatus | None]
) -> st.SearchStrategy[RunEvent]:
    """Events of one run with any of `statuses`; None is a status that we do not know."""
    return st.builds(
        a_run_event,
        statuses,
        run_id=st.just(run_id),
        attempt=st.just(attempt),
        progress=shares,
        live_status=words,
        outputs=told_outputs(),
        received_at=moments,
    )


signs_of_life = st.builds(a_sign_of_life, moments)

foreign = events_of(RunId("run-of-a-stranger"), 1, st.sampled_from(sorted(RunStatus)))
"""Events of a run that is not ours, for a record that knows its run."""


@st.composite
def lives(draw: st.DrawFn) -> list[RunEvent]:
    """What an engine says of run `RUN`: at most one kind of ending, in any number of messages."""
    going: st.SearchStrategy[RunStatus | None] = st.none() | st.sampled_from(HEARD)
    ending = draw(st.none() | endings)
    said = draw(st.lists(events_of(RUN, 1, going) | signs_of_life, max_size=6))
    if ending is not None:
        said += draw(st.lists(events_of(RUN, 1, st.just(ending)), min_size=1, max_size=3))
    return said


@st.composite
def deliveries(draw: st.DrawFn, said: Sequence[RunEvent]) -> Batches:
    """One way to hear all of `said`: in any order, with repetition, in any batches."""
    again = draw(st.lists(st.sampled_from(said), max_size=4)) if said else []
    order = draw(st.permutations([*said, *again]))
    cuts = sorted(draw(st.sets(st.integers(0, len(order)), max_size=4)) | {0, len(order)})
    return [order[start:end] for start, end in pairwise(cuts)]


@st.composite
def records(draw: st.DrawFn) -> Generation:
    """Records that a run may be heard for: under way, ended by us, sent and not yet answered."""
    chat = draw(st.sampled_from([None, 4711]))
    known = some_metadata(run_id=RUN, telegram_chat_id=chat)
    sending = some_metadata(telegram_chat_id=chat)
    ask = a_debt(DebtKind.ASK, next_at=later(draw(st.sampled_from([-60, 0, 60]))))
    claimed = draw(st.booleans())
    owed = (ask.change(by="there", next_at=later(75)) if claimed else ask,)
    match draw(st.sampled_from(["queued", "running", "ended by us", "submitting", "retried"])):
        case "queued":
            return a_generation(metadata=known, owed=owed)
        case "running":
            show = a_debt(DebtKind.SHOW, target="4711") if chat else None
            return a_generation(
                RunStatus.RUNNING,
                metadata=known,
                progress=0.3,
                live_status="Executing KSampler",
                started_at=later(1),
                owed=(*owed, show) if show else owed,
            )
        case "ended by us":
            return a_generation(
                draw(endings), metadata=known, ended_by="us", confirmed=True, owed=owed
            )
        case "submitting":
            return an_order(status=RunStatus.SUBMITTING, metadata=sending)
        case _:
            former = EngineRun(attempt=1, run_id=RUN, submitted_at=NOON)
            current = EngineRun(attempt=2, run_id=RunId("run-2"), submitted_at=NOON)
            return a_generation(
                attempt=2,
                metadata=known.change(run_id=current.run_id),
                runs=(former, current),
                owed=owed,
            )
