"""What happens in a simulated world, and how it is drawn.

A plan is a handful of sparse lists, so that Hypothesis can take away whatever a failure does not
need. Where a list has come to its end everything goes well, so that every world comes to rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from hypothesis import strategies as st

from schemas.run import RunStatus

Submit = Literal["ok", "refused", "busy", "down", "lost", "late", "never"]
"""What becomes of a POST: ``lost`` and ``late`` are taken and ``never`` is not; none of the three
is answered in time."""
Answer = Literal["ok", "busy", "unknown", "down"]
Send = Literal["ok", "sent_unanswered", "unsent_unanswered", "flood", "down"]
Ending = Literal["success", "failed", "cancelled", "timeout"]
Word = Literal["go_on", "twice", "stop", "again", "silence"]
"""What a person says who is asked whether a job goes on; ``again`` is for the step just done."""
Shape = Literal["one", "line", "fan", "each", "apart"]
"""One run; three in a row; a fan-out and a fan-in; a fan-out of which each item is gone on with;
two that have nothing to do with each other after the first."""
Preset = Literal["fixed", "cost", "unknown", "fee"]
"""At a fixed price; at one by the cost; by a cost that nobody knows; at a fixed one, a run that
is cancelled at its cost."""


@dataclass(frozen=True)
class Interruption:
    """What befalls whoever passes a point of waiting.

    Attributes:
        gap: How many points later than the one before it.
        kind: The process dies, or stands still; or the database's answer is lost, or it is gone.
        seconds: How long it takes.
    """

    gap: int
    kind: Literal["crash", "stall", "lost_answer", "outage"]
    seconds: float


@dataclass(frozen=True)
class Life:
    """How a run goes.

    Attributes:
        queued: Seconds before a machine has it.
        steps: Seconds between two messages while it runs.
        ending: How it ends, None where it never does.
        cancellable: Whether the engine can cancel it.
        gone: At how many attempts what it makes is gone before anybody has fetched it.
    """

    queued: float = 1.0
    steps: tuple[float, ...] = (2.0, 2.0)
    ending: Ending | None = "success"
    cancellable: bool = True
    gone: int = 0


@dataclass(frozen=True)
class Purchase:
    """An order of a person that their credits move for.

    Attributes:
        at: When they order.
        person: Who of them.
        preset: What.
        life: How its run goes.
        chat: Whether they are told in a chat.
        again: After how many seconds the same request comes once more, None where it does not.
        shape: What it consists of.
        lives: How the runs of each of its parts go; the last for all that follow.
        words: What its person says each time that they are asked; None where nobody asks. Where
            there is nothing left to say, it goes on.
        retry: Which step is ordered again after the end, None where none is.
    """

    at: float = 0.0
    person: int = 0
    preset: Preset = "fixed"
    life: Life = field(default_factory=Life)
    chat: bool = True
    again: float | None = None
    shape: Shape = "one"
    lives: tuple[Life, ...] = ()
    words: tuple[Word, ...] | None = None
    retry: int | None = None

    def life_of(self, part: int) -> Life:
        """Return how the runs of a part go, counted from 0."""
        return (self.lives or (self.life,))[min(part, max(len(self.lives) - 1, 0))]


@dataclass(frozen=True)
class Forgery:
    """An event made up by somebody who knows a generation's webhook URL."""

    at: float
    order: int
    status: str
    true_run: bool


@dataclass(frozen=True)
class Plan:
    """Everything that is going to happen.

    Attributes:
        orders: When each generation is ordered, and how its run goes.
        cancels: When which of them is cancelled.
        interruptions: What befalls the processes.
        submits: What becomes of each POST, with its seconds.
        reads: What becomes of each question.
        sends: What becomes of each message.
        webhooks: For each message of the engine, the delays of its copies; none: it is dropped.
        forgeries: What an attacker says.
        purchases: What people order for their credits.
        withdrawals: When which purchase is cancelled.
        refunds: When which purchase is given back, by an administrator.
        grants: When whom more credits are given.
        given: For how many runs credits are given each time.
    """

    orders: tuple[tuple[float, Life], ...] = ((0.0, Life()),)
    cancels: tuple[tuple[float, int], ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    submits: tuple[tuple[Submit, float], ...] = ()
    reads: tuple[Answer, ...] = ()
    sends: tuple[Send, ...] = ()
    webhooks: tuple[tuple[float, ...], ...] = ()
    forgeries: tuple[Forgery, ...] = field(default=())
    purchases: tuple[Purchase, ...] = ()
    withdrawals: tuple[tuple[float, int], ...] = ()
    refunds: tuple[tuple[float, int], ...] = ()
    grants: tuple[tuple[float, int], ...] = ()
    given: str = "1.5"


def _several(each: st.SearchStrategy[object], most: int) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(each, max_size=most).map(tuple)


_SHORT = st.sampled_from([0.0, 0.05, 0.5, 1.0, 3.0, 20.0])
_LONG = st.sampled_from([0.2, 1.0, 10.0, 40.0, 80.0, 200.0, 1200.0])

interruptions = st.builds(
    Interruption,
    gap=st.integers(1, 60),
    kind=st.sampled_from(["crash", "crash", "stall", "stall", "lost_answer", "outage"]),
    seconds=_LONG,
)
lives = st.builds(
    Life,
    queued=_SHORT,
    steps=_several(_SHORT, 4),
    ending=st.sampled_from(["success", "success", "failed", "cancelled", "timeout", None]),
    cancellable=st.booleans(),
)
forgeries = st.builds(
    Forgery,
    at=_SHORT,
    order=st.integers(0, 2),
    status=st.sampled_from(["success", "failed", "running", "cancelled"]),
    true_run=st.booleans(),
)
submits = st.tuples(
    st.sampled_from(["ok", "ok", "refused", "busy", "down", "lost", "late", "never"]), _SHORT
)
plans = st.builds(
    Plan,
    orders=st.lists(st.tuples(_SHORT, lives), min_size=1, max_size=3).map(tuple),
    cancels=_several(st.tuples(_SHORT, st.integers(0, 2)), 2),
    interruptions=_several(interruptions, 8),
    submits=_several(submits, 4),
    reads=_several(st.sampled_from(["ok", "ok", "busy", "unknown", "down"]), 8),
    sends=_several(
        st.sampled_from(["ok", "sent_unanswered", "unsent_unanswered", "flood", "down"]), 5
    ),
    webhooks=_several(_several(_SHORT, 3), 12),
    forgeries=_several(forgeries, 2),
)

_AGES = st.sampled_from([0.0, 1.0, 30.0, 2400.0, 7200.0])
"""Seconds; the last two are past the time that a run may take, one of them past the grace too."""
purchases = st.builds(
    Purchase,
    at=_SHORT,
    person=st.integers(0, 1),
    preset=st.sampled_from(["fixed", "fixed", "cost", "unknown", "fee"]),
    life=st.builds(
        Life,
        queued=_SHORT,
        steps=_several(_AGES, 3),
        # A run that never ends is asked about for days, which takes seconds of ours.
        ending=st.sampled_from(["success", "success", "failed", "cancelled", "timeout"]),
        cancellable=st.booleans(),
        gone=st.integers(0, 1),
    ),
    chat=st.booleans(),
    again=st.none() | _SHORT,
)
trades = st.builds(
    Plan,
    orders=st.just(()),
    purchases=st.lists(purchases, min_size=1, max_size=5).map(tuple),
    withdrawals=_several(st.tuples(_SHORT, st.integers(0, 4)), 3),
    refunds=_several(st.tuples(_LONG, st.integers(0, 4)), 2),
    grants=_several(st.tuples(_LONG, st.integers(0, 1)), 2),
    interruptions=_several(interruptions, 8),
    submits=_several(submits, 4),
    reads=_several(st.sampled_from(["ok", "ok", "busy", "unknown", "down"]), 8),
    sends=_several(
        st.sampled_from(["ok", "sent_unanswered", "unsent_unanswered", "flood", "down"]), 5
    ),
    webhooks=_several(_several(_SHORT, 3), 12),
)

_parts = st.builds(
    Life,
    queued=_SHORT,
    steps=_several(_AGES, 2),
    ending=st.sampled_from(["success", "success", "success", "success", "failed", "cancelled"]),
    cancellable=st.booleans(),
    gone=st.sampled_from([0, 0, 0, 1, 2]),
)
chained = st.builds(
    Purchase,
    at=_SHORT,
    person=st.integers(0, 1),
    chat=st.booleans(),
    again=st.none() | _SHORT,
    shape=st.sampled_from(["line", "fan", "each", "apart"]),
    lives=_several(_parts, 4),
    words=st.none()
    | _several(st.sampled_from(["go_on", "go_on", "twice", "stop", "again", "silence"]), 3),
    retry=st.none() | st.integers(1, 3),
)
chains = st.builds(
    Plan,
    orders=st.just(()),
    purchases=st.lists(chained, min_size=1, max_size=2).map(tuple),
    withdrawals=_several(st.tuples(_SHORT, st.integers(0, 1)), 2),
    grants=_several(st.tuples(_LONG, st.integers(0, 1)), 1),
    given=st.just("7"),
    interruptions=_several(interruptions, 8),
    submits=_several(submits, 4),
    reads=_several(st.sampled_from(["ok", "ok", "busy", "unknown", "down"]), 8),
    sends=_several(
        st.sampled_from(["ok", "sent_unanswered", "unsent_unanswered", "flood", "down"]), 5
    ),
    webhooks=_several(_several(_SHORT, 3), 12),
)

ENDINGS: dict[Ending, RunStatus] = {
    "success": RunStatus.COMPLETED,
    "failed": RunStatus.FAILED,
    "cancelled": RunStatus.CANCELLED,
    "timeout": RunStatus.TIMEOUT,
}


def scheduled(befall: Iterable[Interruption]) -> dict[int, Interruption]:
    """Return what befalls whoever passes each point, by its number."""
    schedule, point = dict[int, Interruption](), 0
    for each in befall:
        point += each.gap
        schedule[point] = each
    return schedule
