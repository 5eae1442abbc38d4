"""Bring the one status message of a job with several generations up to its newest state.

Any of its generations' news shows the whole job. The message's id belongs to the job, and is read
and written within the chat's turn: so of two that have news at once only one sends it.
"""

import asyncio
from typing import Final

from app.errors import ContendedError, PeerRefusedError, StoreDownError, UnreadableError
from app.observability.journal import Journal
from app.ports import Messenger, Presets
from app.usecases.discharge import Handler
from app.usecases.notify import Finish, refused
from app.usecases.records import Decide, Records, RecordsOf, acknowledged
from processors import runs
from processors.notifications import StatusMessage, step_ends, steps
from processors.notifications.stages import Made, Titles
from processors.notifications.texts import Language, Translate, language_of
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.job import Job

PAUSE: Final = 0.3
"""Seconds before the id of a message that was sent is written again."""


class Parts:
    """What has to be read to tell of a job with several generations.

    Args:
        records: The generations.
        presets: What they were ordered as.
    """

    def __init__(self, records: Records, presets: Presets) -> None:
        self._records = records
        self._presets = presets

    async def made(self, job: Job) -> Made:
        """Return its generations, as far as there are any yet, or still."""
        return await self._records.readable([each.generation for each in job.steps])

    async def titles(self, job: Job) -> Titles:
        """Return what its steps' presets are called, in its person's language."""
        language = language_of(job.chat.language if job.chat else None)
        found = {name: await self._title(name, language) for name in _presets(job)}
        return {name: title for name, title in found.items() if title is not None}

    async def _title(self, name: str, language: Language) -> str | None:
        try:
            preset = await self._presets.get(name)
        except UnreadableError:
            return None
        return preset.titles.of(language.value) if preset else None


class ShowJob:
    """Discharges ``show`` of a generation that is one of several of its job.

    Args:
        records: The generations.
        ordered: The jobs.
        messenger: The bot's sender.
        parts: Reads what is to be told.
        finish: Whether an end takes the place of the status message: then nothing closes it.
        translate: Where the words come from.
        journal: Told of every message.
    """

    def __init__(
        self,
        records: Records,
        ordered: RecordsOf[Job],
        messenger: Messenger,
        *,
        parts: Parts,
        finish: Finish,
        translate: Translate,
        journal: Journal,
    ) -> None:
        self._clock = records.clock
        self._ordered = ordered
        self._messenger = messenger
        self._parts = parts
        self._finish: Final = finish
        self._translate = translate
        self._journal = journal
        self._waiting = dict[str, Debt]()

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Send or edit the status message, unless the end is about to be told.

        While one waits for the chat's turn, others of its job are done with: it shows their news.
        """
        job = await self._ordered.kept.get(generation.job_id or "")
        if job is None or job.chat is None or self._pointless(job) or job.id in self._waiting:
            return acknowledged(debt)
        self._waiting[job.id] = debt
        try:
            async with self._messenger.turn(job.chat.telegram_chat_id, editing=True):
                # Whoever has news from here on has to show it themselves.
                del self._waiting[job.id]
                shown = await self._show(job)
        except PeerRefusedError as error:
            return refused(debt, str(error))
        finally:
            if self._waiting.get(job.id) is debt:
                del self._waiting[job.id]
        if shown:
            self._journal.told(generation, "status")
        return acknowledged(debt)

    async def _show(self, known: Job) -> bool:
        """Show how a job stands just now; return whether there was anything to show."""
        job = await self._ordered.kept.get(known.id)
        if job is None or job.chat is None or self._pointless(job):
            return False
        status = await self._status(job)
        if status is None:
            return False
        chat = job.chat
        message_id = await self._messenger.show(
            chat.telegram_chat_id,
            chat.status_message_id,
            status.text,
            chat.telegram_message_id,
            status.rows,
        )
        if message_id != chat.status_message_id:
            await self._noted(job, message_id)
        return True

    async def _status(self, job: Job) -> StatusMessage | None:
        """Return what to show; None where the last generation has just ended: the end is next."""
        if job.ended:
            return step_ends.status_message(job, translate=self._translate)
        made = await self._parts.made(job)
        if len(made) == len(job.steps) and all(each.ended for each in made.values()):
            return None
        return steps.status_message(
            job,
            made,
            titles=await self._parts.titles(job),
            now=self._clock.now(),
            translate=self._translate,
        )

    async def _noted(self, job: Job, message_id: int | None) -> None:
        """Note which message it is, however long the database takes: it is not sent twice."""

        def noted(record: Job) -> Job:
            chat = record.chat
            changed = chat.change(status_message_id=message_id) if chat else None
            return record.change(chat=changed)

        while True:
            try:
                await self._ordered.change(job.id, lambda record, _: noted(record))
            except (StoreDownError, ContendedError):
                await asyncio.sleep(PAUSE)
            else:
                return

    def _pointless(self, job: Job) -> bool:
        """Return whether there is no state to show: only a message that stands is closed."""
        none = job.chat is None or job.chat.status_message_id is None
        return job.ended and (none or self._finish == "edit")


def for_jobs(alone: Handler, together: Handler) -> Handler:
    """Return what shows a generation: alone, or together with the others of its job."""

    async def shown(generation: Generation, debt: Debt) -> Decide | None:
        handler = together if runs.several(generation) else alone
        return await handler(generation, debt)

    return shown


def _presets(job: Job) -> frozenset[str]:
    return frozenset(each.preset for each in job.steps)
