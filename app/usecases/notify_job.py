"""Tell the end of a job, with what it came to; what changes later is told as well."""

from datetime import datetime
from typing import Final

from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.ports import Messenger
from app.usecases.notify import Ends, Finish, Telling
from app.usecases.records import DecideOf, Records, RecordsOf, acknowledged
from app.usecases.taking import Taking
from processors import debts, jobs, runs
from processors.notifications import Content, orders
from processors.notifications.texts import Translate
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.job import Job, JobChat
from schemas.timing import Timing


class NotifyJob(Telling[Job]):
    """Discharges ``notify`` of a job."""

    def __init__(
        self,
        ordered: RecordsOf[Job],
        records: Records,
        messenger: Messenger,
        *,
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
        self._ends = ends
        self._finish: Final = finish
        self._metrics = metrics

    async def __call__(self, job: Job, debt: Debt) -> DecideOf[Job] | None:
        """Tell how a job stands now: its end, or what has changed since that was told."""
        chat = job.chat
        if chat is None or not job.ended:
            return acknowledged(debt)
        async with self._messenger.turn(chat.telegram_chat_id, editing=False, end=job.id):
            record = await self._current(job, debt)
            if record is None:
                return None
            made = await self._made.generations.get(record.steps[-1].generation)
            content = self._content(record, chat, made)
            # Nothing is read or written between the telling and the note that it was done.
            await self._close(record, made)
            delivered = await self._messenger.tell(
                chat.telegram_chat_id,
                content,
                chat.telegram_message_id,
                self._replaced(record, made),
                self._ends.hosts(made) if made else (),
            )
        self._note(record, made)
        return _told(record, debt, delivered=delivered)

    def _content(self, job: Job, chat: JobChat, made: Generation | None) -> Content:
        step = job.steps[-1]
        if step.outcome is None:
            return orders.not_started(job, chat.language, self._translate)
        charge = orders.charge_of(step, step.outcome)
        # A record that has expired has nothing more to show than what it came to.
        if made is None or jobs.known(job):
            return orders.settled_later(job, charge, chat.language, self._translate)
        return self._ends.content(made, charge)

    def _replaced(self, job: Job, made: Generation | None) -> int | None:
        """Return the status message that the result takes the place of."""
        if made is None or job.told is not None or self._finish != "edit":
            return None
        return made.metadata.status_message_id

    async def _close(self, job: Job, made: Generation | None) -> None:
        """Have a status message that stands beside the result closed: its button goes.

        It waits for the chat's turn, which the result has. Where a result takes the place of the
        status message, there is none any more.
        """
        if made is None or self._finish == "edit" or jobs.known(job):
            return
        if made.metadata.status_message_id is not None:
            await self._made.change(
                made.id, lambda each, now: runs.shown(each, now, self._taking.taker(now))
            )

    def _note(self, job: Job, made: Generation | None) -> None:
        """Note that an end was told; that its price is known by now is none."""
        if made is None or jobs.known(job):
            return
        self._journal.told(made, "end")
        self._metrics.told_lag((self._clock.now() - made.history[-1].at).total_seconds())


def _told(told: Job, debt: Debt, *, delivered: bool) -> DecideOf[Job]:
    """Take the debt off, and note what its chat knows by now."""

    def noted(record: Job, now: datetime) -> Job:
        del now
        knows = record.change(told=jobs.told(told, delivered=delivered))
        return debts.put(knows, debts.acknowledge(knows.owed, debt.key, debt.n))

    return noted
