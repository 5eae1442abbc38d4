"""`runrelay jobs`: what is open, what is stuck and since when, and having it moved."""

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

from rich.text import Text

from app.bootstrap import Store
from app.cli import opening, speaking, stepping
from app.cli.administering import meant, people_of
from app.cli.granting import me
from app.cli.settling import refuse, refusing
from app.clock import Clock
from app.errors import NotFoundError
from app.observability.journal import Journal
from app.usecases import open_work
from app.usecases.open_work import JobStanding, OpenWork, Standing
from app.usecases.records import Records, RecordsOf
from app.usecases.reset_job import ResetJob
from processors.jobs import stuck
from processors.jobs.resetting import Did
from schemas.base import plain, rfc3339
from schemas.job import JOB_OPEN, Job, JobId, JobStatus
from schemas.stuck import Stuck
from schemas.timing import Timing

_DID: Final = {
    Did.HURRIED: "is due now",
    Did.RELEASED: "is due now: whoever took it up did not do it",
    Did.REPLAYED: "is tried again, though it was given up",
    Did.OWED: "is owed again",
    Did.ENDED: "is ended: all of it was over",
}


class Chosen(NamedTuple):
    """Which jobs are wanted.

    Attributes:
        stuck: Only those that are stuck, or something of theirs.
        open: Only those that have not ended.
        user: Whose, as somebody names them; None for everybody's.
        status: Only those in this status.
        limit: At most so many.
    """

    stuck: bool = False
    open: bool = False
    user: str | None = None
    status: str | None = None
    limit: int = 50

    def statuses(self) -> frozenset[JobStatus] | None:
        """Return the statuses that are wanted; None for all."""
        if self.status is None:
            return JOB_OPEN if self.open else None
        if self.status not in set(JobStatus):
            words = ", ".join(each.value for each in JobStatus)
            refuse([f"--status: {self.status} is none of {words}"])
        return frozenset({JobStatus(self.status)})


async def open_(*, as_json: bool, check: bool) -> int:
    """Print what is open and what is stuck; return 1 where that is asked and something is."""
    async with _database() as (store, clock):
        found = await _work(store, clock)()
    if as_json:
        speaking.say(open_work.shown(found).model_dump_json(by_alias=True))
    else:
        _standing(found)
    return int(check and bool(found.stuck))


async def list_(chosen: Chosen, *, as_json: bool, check: bool) -> int:
    """Print jobs, newest first; return 1 where that is asked and one of them is stuck."""
    statuses = chosen.statuses()
    async with _database() as (store, clock):
        work, now = _work(store, clock), clock.now()
        user = None
        if chosen.user is not None:
            user = (await meant(people_of(store, clock), chosen.user)).id
        if chosen.stuck:
            jobs = await work.stuck_jobs(chosen.limit, user=user, statuses=statuses)
        else:
            jobs = (await store.jobs.page(user, None, chosen.limit, statuses=statuses)).items
        found = [await work.of(each.id) for each in jobs]
    told = [each for each in found if each is not None]
    if as_json:
        speaking.say(json.dumps({"asOf": rfc3339(now), "items": [_told(e, now) for e in told]}))
    elif told:
        headings = ("job", "user", "presets", "status", "step", "age", "stuck for", "why")
        speaking.show(headings, (_row(each, now) for each in told))
    else:
        speaking.say("no job is stuck" if chosen.stuck else "there is no such job")
    return int(check and any(each.stuck for each in told))


async def show(job_id: str, *, as_json: bool) -> None:
    """Print a job with its steps, and what of it is stuck."""
    async with _database() as (store, clock):
        found, now = await _work(store, clock).of(JobId(job_id)), clock.now()
        if found is None:
            raise NotFoundError("job")
    if as_json:
        made = [each.internal() for each in found.made.values()]
        speaking.say(json.dumps({**_told(found, now), **found.job.internal(), "generations": made}))
        return
    _show(found, now)


async def reset(named: str, *, by: str | None) -> None:
    """Have everything that a job owes done now, and say what that was."""
    async with _database() as (store, clock):
        journal = Journal()
        resets = ResetJob(
            Records(store.generations, clock, journal),
            RecordsOf[Job](store.jobs, clock, journal.ordered),
            store.deeds,
        )
        done = await resets(named, by=f"cli:{by or me()}")
    if not done.done:
        speaking.say("nothing was to be done: all that is owed is due already, or under way")
        return
    rows = ((each.record, each.debt or "the job", _DID[each.did]) for each in done.done)
    speaking.show(("record", "what", "now"), rows)
    speaking.say("a service, a worker or the next call of the worker's address takes it up")


@asynccontextmanager
async def _database() -> AsyncGenerator[tuple[Store, Clock]]:
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            yield store, clock


def _work(store: Store, clock: Clock) -> OpenWork:
    records = Records(store.generations, clock, Journal())
    return OpenWork(records, store.jobs, timing=Timing())


def _standing(found: Standing) -> None:
    jobs, runs = found.jobs, found.runs
    paused = f", {jobs.paused} of them wait for their person's word" if jobs.paused else ""
    said = "1 job is open" if jobs.number == 1 else f"{jobs.number} jobs are open"
    speaking.say(said + paused)
    if jobs.oldest is not None:
        age = speaking.span(found.at - jobs.oldest.since)
        speaking.say(f"the oldest is {jobs.oldest.id}, ordered {age} ago")
    if runs.counted:
        speaking.say("\nRuns that are open", "bold")
        rows = sorted((each.engine, each.status.value, str(each.number)) for each in runs.counted)
        speaking.show(("engine", "status", "runs"), rows)
    if not found.stuck:
        speaking.say("\nnothing is stuck" if runs.counted else "nothing is stuck")
        return
    speaking.say("\nStuck", "bold")
    _stuck(found.stuck, found.at)


def _stuck(found: Iterable[Stuck], now: datetime) -> None:
    rows = (
        (
            each.job or "",
            each.generation or "",
            _place(each.step, each.of),
            each.engine or "",
            each.status,
            Text(speaking.span(now - each.since), style="yellow"),
            stuck.words_of(each),
            "" if each.next is None else f"in {speaking.span(each.next - now)}",
        )
        for each in found
    )
    headings = ("job", "generation", "step", "engine", "status", "for", "why", "next try")
    speaking.show(headings, rows)


def _show(found: JobStanding, now: datetime) -> None:
    job = found.job
    price = "not settled" if job.price is None else f"{plain(job.price)} credits"
    facts = (
        ("status", _status(job)),
        ("user", job.user_id),
        ("ordered", f"{speaking.clock(job.created_at)} UTC by {job.by}, {_age(job, now)} ago"),
        ("held", f"{plain(job.held)} credits"),
        ("price", price),
    )
    speaking.say(f"Job {job.id}", "bold")
    speaking.show(("", ""), facts)
    speaking.say("\nSteps", "bold")
    stepping.show(job, found.made)
    if found.stuck:
        speaking.say("\nStuck", "bold")
        _stuck(found.stuck, now)
        speaking.say(f"\nrunrelay jobs reset {job.id}   has all that it owes done now", "dim")


def _row(found: JobStanding, now: datetime) -> tuple[str | Text, ...]:
    job = found.job
    first = min(found.stuck, key=lambda each: each.since, default=None)
    return (
        job.id,
        job.user_id,
        ", ".join(dict.fromkeys(each.preset for each in job.steps)),
        _status(job),
        _place(_step(job), job.last),
        _age(job, now),
        Text("" if first is None else speaking.span(now - first.since), style="yellow"),
        "" if first is None else stuck.words_of(first),
    )


def _told(found: JobStanding, now: datetime) -> dict[str, Any]:
    """Return a job as a line of JSON tells it."""
    job = found.job
    told = [open_work.shown_stuck(each, now) for each in found.stuck]
    return {
        "id": job.id,
        "user": job.user_id,
        "presets": [each.preset for each in job.steps],
        "status": job.status,
        "paused": job.pause is not None,
        "step": _step(job),
        "of": job.last,
        "createdAt": rfc3339(job.created_at),
        "ageSeconds": open_work.age(job.created_at, now),
        "stuck": [each.model_dump(mode="json", by_alias=True) for each in told],
    }


def _status(job: Job) -> str:
    paused = "paused" if job.pause is not None and not job.ended else None
    return ", ".join(filter(None, (job.status.value, paused, job.status_reason)))


def _step(job: Job) -> int:
    """Return the number of the step that a job is at; of the last one once it is over."""
    return next((each.number for each in job.steps if each.outcome is None), job.last)


def _place(step: int | None, of: int | None) -> str:
    if step is None or of is None:
        return ""
    return f"{step} of {of}"


def _age(job: Job, now: datetime) -> str:
    return speaking.span(now - job.created_at)
