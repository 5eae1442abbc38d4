"""What must be true of every write, and what is remembered of it."""

from collections import UserDict
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import datetime

from processors import debts, jobs, notifications, runs
from processors.images import keys
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation, Response
from schemas.job import Job, JobStatus
from schemas.run import RunStatus
from tests.speech import translate


@dataclass
class Story:
    """What was written of one generation.

    Attributes:
        ends: Each end that was written and is news: when, what, and the text that tells it.
        texts: The text of every end that was ever written, and the status it tells.
        acknowledged: When a telling was taken off what is owed.
    """

    ends: list[tuple[datetime, RunStatus, str]] = field(
        default_factory=list[tuple[datetime, RunStatus, str]]
    )
    texts: dict[str, RunStatus] = field(default_factory=dict[str, RunStatus])
    acknowledged: list[datetime] = field(default_factory=list[datetime])


class Watched(UserDict[str, Generation]):
    """The records, each write checked against the one before it."""

    def __init__(
        self,
        now: Callable[[], datetime],
        changed: Callable[[], None],
        files: Container[str] = (),
    ) -> None:
        super().__init__()
        self._now = now
        self._changed = changed
        self._files = files
        self.stories: dict[str, Story] = {}

    def __setitem__(self, key: str, item: Generation) -> None:
        """Check and store."""
        before = self.data.get(key)
        story = self.stories.setdefault(key, Story())
        assert item.due_at == debts.due_at(item.owed)
        if before is not None:
            _check(before, item)
            self._check_begun(before, item)
        self._remember(story, before, item)
        super().__setitem__(key, item)
        self._changed()

    def _check_begun(self, before: Generation, after: Generation) -> None:
        """See that what waited began with copies of what it waited for, and nothing else new."""
        if before.status is not RunStatus.WAITING or after.ended:
            return
        known, given = before.request_payload.inputs, after.request_payload.inputs
        assert known.items() <= given.items(), "an input was lost"
        for key in map(keys.key_in, given.values()):
            assert key is None or key in self._files, "begun before all was copied"

    def _remember(self, story: Story, before: Generation | None, after: Generation) -> None:
        if after.ended:
            text = notifications.end(after, trusted=lambda _: True, translate=translate).text
            if before is None or before.status is not after.status:
                story.ends.append((self._now(), after.status, text))
            story.texts[text] = after.status
        owed = debts.find(before.owed, runs.NOTIFY) if before else None
        if owed is not None and debts.find(after.owed, runs.NOTIFY) is None:
            story.acknowledged.append(self._now())


class WatchedJobs(UserDict[str, Job]):
    """The jobs, each write checked against the one before it.

    Attributes:
        owed: For each job, when the telling of its end was owed anew.
        acknowledged: For each job, when a telling was taken off what it owes.
    """

    def __init__(self, now: Callable[[], datetime], changed: Callable[[], None]) -> None:
        super().__init__()
        self._now = now
        self._changed = changed
        self.owed: dict[str, list[datetime]] = {}
        self.acknowledged: dict[str, list[datetime]] = {}

    def __setitem__(self, key: str, item: Job) -> None:
        """Check and store."""
        before = self.data.get(key)
        assert item.due_at == debts.due_at(item.owed)
        if before is not None:
            _check_job(before, item)
        tellings = before.owed if before else ()
        told = {each.key for each in tellings if each.kind is DebtKind.NOTIFY}
        if told - {each.key for each in item.owed}:
            self.acknowledged.setdefault(key, []).append(self._now())
        known = debts.find(before.owed, jobs.NOTIFY) if before else None
        owed = debts.find(item.owed, jobs.NOTIFY)
        if owed is not None and (known is None or _renewed(known, owed)):
            self.owed.setdefault(key, []).append(self._now())
        super().__setitem__(key, item)
        self._changed()


def _check_job(before: Job, after: Job) -> None:
    """See that nothing is taken back that was agreed on, or said for good."""
    assert after.version == before.version + 1
    assert after.ended or not before.ended, "an end was taken back"
    assert before.status is not JobStatus.REFUSED or after.status is JobStatus.REFUSED
    for step, later in zip(before.steps, after.steps, strict=True):
        assert (step.held, step.terms, step.generation) == (
            later.held,
            later.terms,
            later.generation,
        )
        settled, now = step.outcome, later.outcome
        if settled is not None and settled.price is not None:
            assert now is not None
            assert now.price == settled.price, "a price was changed"
            assert settled.refunded in {None, now.refunded}, "a refund was taken back"


def _renewed(before: Debt, after: Debt) -> bool:
    """Return whether a debt was owed again, not only claimed or tried."""
    return after.n > before.n and after.attempts == 0 and after.about != before.about


def _check(before: Generation, after: Generation) -> None:
    """See that nothing is taken back that was said for good."""
    assert after.version == before.version + 1
    if after.attempt != before.attempt:
        assert before.attempt + 1 == after.attempt <= after.max_attempts, "tried too often"
        assert not before.ended or runs.may_remake(before), "an end was taken back"
        return
    assert after.ended or not before.ended, "an end was taken back"
    ended_anew = (before.status, before.ended_by) != (after.status, after.ended_by)
    if before.cost_usd is not None or before.ended_by == "engine":
        assert after.cost_usd == before.cost_usd or ended_anew, "a cost was set twice"
    if before.ended_by == "engine":
        kept = ("status", "ended_by", "response_timestamp", "cost_usd")
        assert all(getattr(before, each) == getattr(after, each) for each in kept)
        assert _said(before) == _said(after)
        assert _copies(before) <= _copies(after), "a copy was forgotten"
    if before.metadata.run_id is not None:
        assert after.metadata.run_id == before.metadata.run_id, "a run was exchanged"


def _said(generation: Generation) -> Response:
    """Return what the engine made of it, without what we know of our copies."""
    response = generation.response_payload
    bare = (each.change(key=None, content_type=None, not_kept=None) for each in response.outputs)
    return response.change(outputs=tuple(bare))


def _copies(generation: Generation) -> set[str]:
    return {each.key for each in generation.response_payload.outputs if each.key is not None}
