"""A hub on fakes: what changes in them is told."""

from dataclasses import dataclass, field
from datetime import timedelta

from app.live.beginnings import Beginnings
from app.live.hub import Hub
from schemas.live import Kind
from schemas.timing import Timing
from tests.fakes.changes import FakeChanges, Kept
from tests.fakes.clock import FakeClock
from tests.fakes.views import FakeViews

PROMPT = Timing(
    live_batch=timedelta(0),
    live_preview_every=timedelta(0),
    live_look=timedelta(milliseconds=5),
    live_beat=timedelta(hours=1),
)
"""Nothing is waited for, and nothing is said but what is news."""


@dataclass
class FakeLiveMetrics:
    """Remembers what was counted."""

    readers: int = 0
    told: int = 0
    skipped: int = 0
    resyncs: list[str] = field(default_factory=list[str])

    def live_readers(self, number: int) -> None:
        """Know how many readers there are."""
        self.readers = number

    def live_told(self, number: int) -> None:
        """Count states that were told."""
        self.told += number

    def live_skipped(self, number: int) -> None:
        """Count states that were passed over."""
        self.skipped += number

    def live_resync(self, reason: str) -> None:
        """Remember why somebody was shown everything anew."""
        self.resyncs.append(reason)


class Scenery:
    """Records that people look at, and the hub that tells of them."""

    def __init__(self, timing: Timing = PROMPT) -> None:
        self.changes = FakeChanges()
        self.generations: Kept = self.changes.kept(Kind.GENERATION)
        self.jobs: Kept = self.changes.kept(Kind.JOB)
        self.previews: Kept = self.changes.kept(Kind.PREVIEW)
        self.views = FakeViews(self.generations, self.jobs, self.previews)
        self.clock = FakeClock()
        self.metrics = FakeLiveMetrics()
        self.hub = Hub(
            self.changes,
            self.views,
            clock=self.clock,
            timing=timing,
            metrics=self.metrics,
        )

    def beginnings(self, longest: timedelta) -> Beginnings:
        """Return what reads what readers are told first."""
        return Beginnings(self.changes, self.views, longest)
