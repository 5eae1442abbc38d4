"""Tell the end of a job, with what it came to; what changes later is told as well.

Of a job with several steps, each that is done while others follow is told before.
"""

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.ports import Messenger
from app.usecases.notify import Ends, Finish, Telling
from app.usecases.records import DecideOf, Records, RecordsOf, acknowledged
from app.usecases.show_job import Parts
from app.usecases.taking import Taking
from processors import debts, jobs, runs
from processors.notifications import Content, orders, step_ends
from processors.notifications.texts import Translate
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.job import Job, JobChat
from schemas.timing import Timing

NOTED: Final = timedelta(seconds=1)
"""How much later an end is told that would overtake the note of what was told before it."""


class NotifyJob(Telling[Job]):
    """Discharges ``notify`` of a job."""

    def __init__(
        self,
        ordered: RecordsOf[Job],
        records: Records,
        messenger: Messenger,
        *,
        parts: Parts,
        ends: Ends,
        finish: Finish,
        translate: Translate,
        taking: Taking,
        timing: Timing,
        journal: Journal,
        metrics: Metrics,
    ) -> None:
        super().__init__(
            ordered,
            messenger,
            translate=translate,
            taking=taking,
            timing=timing,
            journal=journal,
        )
        self._made = records
        self._parts = parts
        self._ends = ends
        self._finish: Final = finish
        self._metrics = metrics

    async def __call__(self, job: Job, debt: Debt) -> DecideOf[Job] | None:
        """Tell how a job stands now: its end, or what has changed since that was told.

        Where the debt is about a step that is done, tell that.
        """
        chat, number = job.chat, _step_of(debt)
        if chat is None or not (job.ended or number):
            return acknowledged(debt)
        place = f"{job.id}/{number}" if number else job.id
        async with self._messenger.turn(chat.telegram_chat_id, editing=False, end=place):
            record = await self._current(job, debt)
            if record is None:
                return None
            if number in record.steps_told:
                return acknowledged(debt)
            if not number and _step_being_told(record, self._clock.now()):
                return _later(debt)
            news = await self._news(record, chat, number)
            # Nothing is read or written between the telling and the note that it was done.
            await self._close(news)
            delivered = await self._messenger.tell(
                chat.telegram_chat_id,
                news.content,
                chat.telegram_message_id,
                news.replaced,
                news.hosts,
            )
        self._note(news)
        return _step_told(number, debt) if number else _told(record, debt, delivered=delivered)

    async def _news(self, job: Job, chat: JobChat, number: int | None) -> "_News":
        """Return what is to be told, having read all that it takes."""
        if not job.single:
            return await self._of_several(job, chat, number)
        made = await self._made.generations.get(job.steps[-1].generation)
        content = self._content(job, chat, made)
        if made is None:
            return _News(content)
        status = made.metadata.status_message_id
        if jobs.known(job):
            return _News(content, hosts=self._ends.hosts(made))
        return self._ended(job, content, made, self._ends.hosts(made), status)

    async def _of_several(self, job: Job, chat: JobChat, number: int | None) -> "_News":
        made, titles = await self._parts.made(job), await self._parts.titles(job)
        parts = {each.generation for each in (job.parts(number) if number else job.steps)}
        last = max((each for id_, each in made.items() if id_ in parts), key=_over, default=None)
        hosts = {host for each in made.values() for host in self._ends.hosts(each)}
        if number:
            content = self._ends.step_done(job, number, made, titles)
            return _News(content, last, tuple(sorted(hosts)), shown=True, what="step")
        if job.steps[-1].outcome is None:
            return _News(orders.not_started(job, chat.language, self._translate))
        # Records that have expired have nothing more to show than what they came to.
        if last is None or jobs.known(job):
            return _News(step_ends.settled_later(job, titles=titles, translate=self._translate))
        content = self._ends.of_steps(job, made, titles)
        return self._ended(job, content, last, tuple(sorted(hosts)), chat.status_message_id)

    def _content(self, job: Job, chat: JobChat, made: Generation | None) -> Content:
        step = job.steps[-1]
        if step.outcome is None:
            return orders.not_started(job, chat.language, self._translate)
        charge = orders.charge_of(step, step.outcome)
        # A record that has expired has nothing more to show than what it came to.
        if made is None or jobs.known(job):
            return orders.settled_later(job, charge, chat.language, self._translate)
        return self._ends.content(made, charge)

    def _ended(
        self,
        job: Job,
        content: Content,
        made: Generation,
        hosts: tuple[str, ...],
        status: int | None,
    ) -> "_News":
        """Return the telling of an end: in place of the status message, or beside it."""
        if self._finish == "edit":
            replaced = status if job.told is None else None
            return _News(content, made, hosts, replaced=replaced, what="end")
        return _News(content, made, hosts, shown=status is not None, what="end")

    async def _close(self, news: "_News") -> None:
        """Have the status message that stands beside the result brought up to it.

        It waits for the chat's turn, which the result has. After an end, its button goes.
        """
        if news.shown and news.of is not None:
            await self._made.change(
                news.of.id, lambda each, now: runs.shown(each, now, self._taking.taker(now))
            )

    def _note(self, news: "_News") -> None:
        """Note that an end was told, or a step; that its price is known by now is neither."""
        if news.of is None or news.what is None:
            return
        self._journal.told(news.of, news.what)
        if news.what == "end" and news.of.history:
            lag = self._clock.now() - news.of.history[-1].at
            self._metrics.told_lag(lag.total_seconds())


class _News(NamedTuple):
    """What is told, and what follows from it.

    Attributes:
        content: What.
        of: Whose news it is: the generation that has ended last, or the last of its step.
        hosts: Host patterns from which outputs may be fetched.
        replaced: The status message that the result takes the place of.
        shown: Whether the status message that stands beside it is brought up to it.
        what: What it is noted as: an end, or a step; nothing where only money has moved.
    """

    content: Content
    of: Generation | None = None
    hosts: tuple[str, ...] = ()
    replaced: int | None = None
    shown: bool = False
    what: Literal["end", "step"] | None = None


def _over(generation: Generation) -> datetime:
    """Return when a generation ended; when it was made, where it has not."""
    return generation.response_timestamp or generation.created_at


def _step_of(debt: Debt) -> int | None:
    """Return the number of the step that a debt is about; None where it is about the end."""
    _, _, number = debt.key.partition(":")
    return int(number) if number else None


def _step_being_told(job: Job, now: datetime) -> bool:
    """Return whether somebody tells of a step, or has just done so and not noted it yet."""
    return any(_step_of(each) and each.by is not None and each.next_at > now for each in job.owed)


def _later(debt: Debt) -> DecideOf[Job]:
    """Have an end told after the step that is being told, and without what that has made."""

    def later(record: Job, now: datetime) -> Job:
        why = "a step is told first"
        return debts.put(record, debts.postpone(record.owed, debt.key, debt.n, now + NOTED, why))

    return later


def _step_told(number: int, debt: Debt) -> DecideOf[Job]:
    """Take the debt off, and note which step its chat knows of by now."""

    def noted(record: Job, now: datetime) -> Job:
        del now
        if not debts.held(record.owed, debt.key, debt.n):
            # It has made something else since, which is to be told.
            return record
        knows = jobs.step_told(record, number)
        return debts.put(knows, debts.acknowledge(knows.owed, debt.key, debt.n))

    return noted


def _told(told: Job, debt: Debt, *, delivered: bool) -> DecideOf[Job]:
    """Take the debt off, and note what its chat knows by now."""
    steps = tuple(range(1, told.last + 1))

    def noted(record: Job, now: datetime) -> Job:
        del now
        knows = record.change(told=jobs.told(told, delivered=delivered), steps_told=steps)
        return debts.put(knows, debts.acknowledge(knows.owed, debt.key, debt.n))

    return noted
