"""Take orders and changes from programs: create, run again, cancel, correct."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

from app.clock import Clock
from app.errors import (
    BadFieldError,
    ConflictError,
    DiskFullError,
    EngineOffError,
    IdempotencyMismatchError,
    NotFoundError,
    StaleVersionError,
    TelegramOffError,
)
from app.usecases.own_hooks import HookWanted, OwnHooks
from app.usecases.records import Records
from app.usecases.requests import Requests
from app.usecases.taking import Taking
from processors import debts, hooks, runs
from schemas.base import EngineName, GenerationId
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation, Metadata, Request, StatusChange
from schemas.run import RunStatus
from schemas.wire.api import LABELS_MOST, Change, NewGeneration


class Desk:
    """The API's orders, carried out.

    Args:
        records: The generations.
        requests: What becomes of orders' workflows.
        engines: Names of the engines that are on.
        telegram: Whether Telegram is on: whoever orders for a chat is told the end there.
        taking: Who this process is.
        own_hooks: Endpoints that orders bring with them.
        disk_full: Whether there is too little disk left to take on anything new.
        admit: Raises PausedError where an engine is paused, or has reached its daily cap.
    """

    def __init__(
        self,
        records: Records,
        requests: Requests,
        engines: Collection[EngineName],
        *,
        telegram: bool,
        taking: Taking,
        own_hooks: OwnHooks,
        disk_full: Callable[[], bool],
        admit: Callable[[EngineName], Awaitable[None]],
    ) -> None:
        self._records = records
        self._requests = requests
        self._clock: Clock = records.clock
        self._engines = frozenset(engines)
        self._telegram = telegram
        self._taking = taking
        self._hooks = own_hooks
        self._disk_full = disk_full
        self._admit = admit

    async def create(
        self, order: NewGeneration, *, key: str | None, digest: str | None
    ) -> tuple[Generation, bool]:
        """Store an order, its submit owed with it; return it, and whether it is new.

        With a key the insert is the claim: of two orders at once, one makes the record and
        the other gets it for an answer.

        Raises:
            EngineOffError: Its engine is not set up here.
            TelegramOffError: It names a chat, and Telegram is not set up here.
            WorkflowRefusedError: Its workflow cannot be run, or has no such input.
            HookRefusedError: It brings an endpoint that cannot be.
            IdempotencyMismatchError: The key came with another body before.
            DiskFullError: Nothing new is taken on.
            PausedError: Nothing new is taken on for its engine.
        """
        engine = EngineName(order.engine)
        if engine not in self._engines:
            on = ", ".join(sorted(self._engines)) or "none"
            raise EngineOffError("engine", f"{engine} is not set up here; set up: {on}")
        self._check_chat(order.metadata.telegram_chat_id)
        known = await self._known(key, digest)
        if known is not None:
            return known, False
        await self._check_open(engine)
        metadata = Metadata(
            **order.metadata.model_dump(exclude={"cost_rate"}), cost_rate=order.metadata.cost_rate
        )
        blank = self._blank(engine, await self._requests.of(order), metadata)
        ordered = blank.change(max_attempts=order.tries, priority=order.priority)
        if order.webhook is None:
            return await self._added(ordered, key, digest)
        wanted = HookWanted(order.webhook.url, order.webhook.events, order.webhook.secret)
        own = self._hooks.of(wanted, hooks.ENDS, ordered)
        await self._hooks.keep(own)
        added = await self._added(ordered.change(hooked=own.events), key, digest)
        if not added[1]:
            await self._hooks.drop(own)
        return added

    async def rerun(
        self, generation_id: GenerationId, *, key: str | None, digest: str | None
    ) -> tuple[Generation, bool]:
        """Order the same again: a new generation, with a record and a run of its own.

        Raises:
            NotFoundError: There is no such generation.
            EngineOffError: Its engine is not set up here any more.
            TelegramOffError: It was for a chat, and Telegram is not set up here any more.
            IdempotencyMismatchError: The key came with another body before.
            DiskFullError: Nothing new is taken on.
            PausedError: Nothing new is taken on for its engine.
            WorkflowRefusedError: Its workflow is not kept here any more.
        """
        old = await self._records.generations.get(generation_id)
        if old is None:
            raise NotFoundError("generation")
        if old.engine not in self._engines:
            raise EngineOffError("engine", f"{old.engine} is not set up here")
        self._check_chat(old.metadata.telegram_chat_id)
        known = await self._known(key, digest)
        if known is not None:
            return known, False
        await self._check_open(old.engine)
        metadata = old.metadata.change(run_id=None, status_message_id=None)
        request = await self._requests.again(old.request_payload)
        blank = self._blank(old.engine, request, metadata)
        again = blank.change(max_attempts=old.max_attempts, priority=old.priority)
        return await self._added(again, key, digest)

    async def cancel(self, generation_id: GenerationId) -> Generation:
        """Want a generation cancelled; one that has ended stays as it ended.

        Raises:
            NotFoundError: There is no such generation.
        """
        after = await self._records.change(
            generation_id,
            lambda record, now: runs.cancel_wanted(record, now, self._taking.taker(now)),
        )
        if after is None:
            raise NotFoundError("generation")
        return after

    async def update(
        self, generation_id: GenerationId, change: Change, *, if_match: int | None
    ) -> Generation:
        """Correct a record by hand.

        Raises:
            NotFoundError: There is no such generation.
            StaleVersionError: It is not at the version named.
            ConflictError: Its cost is known already.
            BadFieldError: It would have too many labels.
        """

        def updated(record: Generation, now: datetime) -> Generation:
            del now
            if if_match is not None and record.version != if_match:
                raise StaleVersionError(record.version)
            return _changed(record, change)

        after = await self._records.change(generation_id, updated)
        if after is None:
            raise NotFoundError("generation")
        return after

    def _check_chat(self, chat_id: int | None) -> None:
        """Refuse what would end in silence: an end that nobody can tell."""
        if chat_id is not None and not self._telegram:
            raise TelegramOffError("metadata.telegramChatId", "Telegram is not set up here")

    async def _check_open(self, engine: EngineName) -> None:
        """Take on nothing new where it cannot be kept, or shall not be."""
        if self._disk_full():
            raise DiskFullError("the disk is nearly full; nothing new is taken on")
        await self._admit(engine)

    async def _known(self, key: str | None, digest: str | None) -> Generation | None:
        """Return what was made under a key, if its body was the same."""
        if key is None:
            return None
        known = await self._records.generations.by_idempotency_key(key)
        if known is not None and known.idempotency_digest != digest:
            raise IdempotencyMismatchError
        return known

    def _blank(self, engine: EngineName, request: Request, metadata: Metadata) -> Generation:
        """Return a new order, which owes nothing yet."""
        now = self._clock.now()
        return Generation(
            id=self._clock.new_id(),
            engine=engine,
            created_at=now,
            updated_at=now,
            request_timestamp=now,
            metadata=metadata,
            request_payload=request,
            history=(StatusChange(status=RunStatus.PENDING, at=now, source="api"),),
        )

    async def _added(
        self, blank: Generation, key: str | None, digest: str | None
    ) -> tuple[Generation, bool]:
        """Store an order, its submit owed with it, unless one was made under its key meanwhile."""
        now = blank.created_at
        submit = Debt(key=runs.SUBMIT, kind=DebtKind.SUBMIT, next_at=now)
        keyed = blank.change(idempotency_key=key, idempotency_digest=digest)
        generation = debts.put(keyed, debts.owe((), submit, taker=self._taking.taker(now)))
        if await self._records.add(generation):
            return generation, True
        known = await self._known(key, digest)
        if known is None:
            raise ConflictError("the id of this order is taken; order again")
        return known, False


def _changed(record: Generation, change: Change) -> Generation:
    """Return the record with what a person corrected."""
    labels = {**record.metadata.labels, **change.set_labels}
    kept = {name: text for name, text in labels.items() if name not in change.unset_labels}
    if len(kept) > LABELS_MOST:
        raise BadFieldError("metadata.labels", f"a generation has at most {LABELS_MOST} labels")
    after = record
    if kept != record.metadata.labels:
        after = after.change(metadata=after.metadata.change(labels=kept))
    if change.unset_status_reason or change.status_reason is not None:
        after = after.change(status_reason=change.status_reason)
    if change.cost_usd is not None:
        if record.cost_usd is not None:
            raise ConflictError("costUsd: the cost is known, and is not changed by hand")
        after = after.change(cost_usd=change.cost_usd, cost_reason="by_hand")
    return after
