"""Tell people: the state of a run while it goes on, and its end, once."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Generic, Literal

from app.clock import Clock
from app.errors import PeerRefusedError
from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.ports import Engine, Messenger, OwingT
from app.usecases.records import Decide, RecordsOf, acknowledged
from app.usecases.taking import Taking
from processors import debts, jobs, notifications, runs
from processors.notifications import Content, Linked, Trusted, step_ends, steps
from processors.notifications.charging import Charge
from processors.notifications.stages import Made, Titles
from processors.notifications.texts import Translate
from processors.protocols import addresses
from processors.protocols.addresses import ForbiddenUrlError
from schemas.base import EngineName
from schemas.debt import Debt
from schemas.generation import Generation
from schemas.job import Job
from schemas.timing import Timing

Finish = Literal["send", "edit"]
"""Whether a result is a message of its own, or takes the place of the status message."""


class Telling(Generic[OwingT]):
    """What showing and notifying have in common: a chat's turn, and a last look before it."""

    def __init__(
        self,
        records: RecordsOf[OwingT],
        messenger: Messenger,
        *,
        translate: Translate,
        taking: Taking,
        timing: Timing,
        journal: Journal,
    ) -> None:
        self._records = records
        self._clock: Clock = records.clock
        self._messenger = messenger
        self._translate = translate
        self._taking = taking
        self._timing = timing
        self._journal = journal

    async def _current(self, known: OwingT, debt: Debt) -> OwingT | None:
        """Read the record again just before sending; None where the claim is not ours to use.

        The wait for the chat's turn may have used up the claim. Then it is renewed, and the
        renewed claim does the sending.
        """
        record = await self._records.kept.get(known.id)
        if record is None or not debts.held(record.owed, debt.key, debt.n):
            return None
        if debt.next_at - self._clock.now() >= self._timing.send_limit:
            return record
        await self._records.change(known.id, self._taking.renewed(debt.key, debt.n))
        return None


class Show(Telling[Generation]):
    """Discharges ``show``: the status message is brought up to the newest state."""

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Send or edit the status message, unless the end is about to be told."""
        chat = generation.metadata.telegram_chat_id
        if chat is None or _pointless(generation):
            return acknowledged(debt)
        async with self._messenger.turn(chat, editing=True):
            record = await self._current(generation, debt)
            if record is None:
                return None
            if _pointless(record):
                return acknowledged(debt)
            meta = record.metadata
            shown = notifications.status_message(
                record, now=self._clock.now(), translate=self._translate
            )
            try:
                message_id = await self._messenger.show(
                    chat,
                    meta.status_message_id,
                    shown.text,
                    meta.telegram_message_id,
                    shown.rows,
                )
            except PeerRefusedError as error:
                return refused(debt, str(error))
        self._journal.told(record, "status")
        return self._shown(debt, message_id)

    def _shown(self, debt: Debt, message_id: int | None) -> Decide:
        def shown(record: Generation, now: datetime) -> Generation:
            metadata = record.metadata.change(status_message_id=message_id)
            owed = debts.acknowledge(record.owed, debt.key, debt.n)
            done = debts.put(record.change(metadata=metadata), owed)
            new = message_id not in (None, record.metadata.status_message_id)
            if new and not _pointless(done) and done.ended:
                # The end was told while this message was on its way: nobody else closes it.
                return runs.shown(done, now, self._taking.taker(now))
            return done

        return shown


class Ends:
    """How the end of a generation is told: with which outputs, and from where they may come.

    Args:
        engine_of: Finds an engine by name.
        allow_private: Whether outputs may lie on this machine or in this network.
        own: Base URLs of servers of our own, where they may in any case.
        linked: Where a person can have our copy of an output.
        translate: Where the words come from.
    """

    def __init__(
        self,
        *,
        engine_of: Callable[[EngineName], Engine | None],
        allow_private: bool,
        linked: Linked,
        translate: Translate,
        own: tuple[str, ...] = (),
    ) -> None:
        self._engine_of = engine_of
        self._allow_private = allow_private
        self._own = own
        self._linked = linked
        self._translate = translate

    def content(self, record: Generation, charge: Charge | None = None) -> Content:
        """Return what to tell, within Telegram's limits."""
        return notifications.end(
            record,
            trusted=self._trusted_of(record),
            translate=self._translate,
            linked=self._linked,
            charge=charge,
        )

    def step_done(self, job: Job, number: int, made: Made, titles: Titles) -> Content:
        """Return what to tell of a step that is done while others follow."""
        return steps.done(
            job,
            number,
            made,
            trusted=self._trusted_of,
            titles=titles,
            translate=self._translate,
            linked=self._linked,
        )

    def of_steps(self, job: Job, made: Made, titles: Titles) -> Content:
        """Return how to tell the end of a job with several generations."""
        return step_ends.end(
            job,
            made,
            untold=jobs.untold(job),
            trusted=self._trusted_of,
            titles=titles,
            translate=self._translate,
            linked=self._linked,
        )

    def hosts(self, record: Generation) -> tuple[str, ...]:
        """Return the host patterns from which its outputs may be fetched."""
        engine = self._engine_of(record.engine)
        return engine.hosts if engine else ()

    def _trusted_of(self, record: Generation) -> Trusted:
        hosts = self.hosts(record)
        return lambda url: self._trusted(url, hosts)

    def _trusted(self, url: str, hosts: tuple[str, ...]) -> bool:
        private = self._allow_private or addresses.below(url, self._own) is not None
        try:
            addresses.check_url(url, hosts=hosts, allow_private=private)
        except ForbiddenUrlError:
            return False
        return True


class Notify(Telling[Generation]):
    """Discharges ``notify``: an end is told to a chat."""

    def __init__(
        self,
        records: RecordsOf[Generation],
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
            records,
            messenger,
            translate=translate,
            taking=taking,
            timing=timing,
            journal=journal,
        )
        self._ends = ends
        self._finish: Final = finish
        self._metrics = metrics

    async def __call__(self, generation: Generation, debt: Debt) -> Decide | None:
        """Send the end that the record has now.

        Another end that is news owes this debt again, and so ends this claim.
        """
        chat = generation.metadata.telegram_chat_id
        if chat is None:
            return acknowledged(debt)
        async with self._messenger.turn(chat, editing=False, end=generation.id):
            record = await self._current(generation, debt)
            if record is None:
                return None
            content, hosts = self._ends.content(record), self._ends.hosts(record)
            replace = record.metadata.status_message_id if self._finish == "edit" else None
            await self._messenger.tell(
                chat, content, record.metadata.telegram_message_id, replace, hosts
            )
        self._journal.told(record, "end")
        if record.history:
            lag = self._clock.now() - record.history[-1].at
            self._metrics.told_lag(lag.total_seconds())
        return self._told(debt, replace)

    def _told(self, debt: Debt, replaced: int | None) -> Decide:
        """Take the debt off; a status message that stands beside the result is closed next."""

        def told(record: Generation, now: datetime) -> Generation:
            if not debts.held(record.owed, debt.key, debt.n):
                return record
            done = debts.put(record, debts.acknowledge(record.owed, debt.key, debt.n))
            if record.metadata.status_message_id in (None, replaced):
                return done
            return runs.shown(done, now, self._taking.taker(now))

        return told


def refused(debt: Debt, why: str) -> Decide:
    """Bury a state that cannot be shown: neither it nor a newer one is tried again.

    The end will be told all the same. What is left to close after that is let go.
    """

    def buried(record: Generation, now: datetime) -> Generation:
        if record.ended:
            return debts.put(record, debts.acknowledge(record.owed, debt.key, debt.n))
        return debts.put(record, debts.bury(record.owed, debt.key, debt.n, error=why, now=now))

    return buried


def _pointless(record: Generation) -> bool:
    """Return whether there is no state to show: the end is told first, and to its own message."""
    told = debts.find(record.owed, runs.NOTIFY) is None
    return record.ended and not (told and record.metadata.status_message_id is not None)
