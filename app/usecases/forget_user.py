"""Forget somebody: their data is removed piece by piece, and a stub without a name stays.

That it is wanted is written into their record first; from then on they order nothing. The
pieces are idempotent, so whoever comes next, the sweep of any process, goes on where a crash
left it. The stub keeps the person's id, for the ledger's numbers stay, and a keyed digest of
the Telegram id: being forgotten and coming again brings no second welcome, and lets nobody in
who was blocked.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from app.clock import Clock
from app.errors import ConflictError, ContendedError, NotFoundError, PeerError, UnavailableError
from app.ports import Chats, Conversations, Deeds, Generations, Jobs, Storage, Users
from app.usecases.records import Records, RecordsOf
from processors import jobs, runs
from processors.images import keys
from schemas.base import UserId
from schemas.deed import Deed, DeedId
from schemas.generation import Generation
from schemas.job import JOB_OPEN, Job
from schemas.user import User

MAX_TRIES: Final = 10
"""Ten lost races in a row on one person mean that something is wrong."""
NAMED_MOST: Final = 5
"""Open jobs that are named to whoever wants somebody forgotten."""
AT_ONCE: Final = 50
"""Records that are read at once."""


class Part(Protocol):
    """Removes one kind of data. Every part may raise an UnavailableError or a PeerError."""

    async def __call__(self, user: User) -> bool:
        """Remove what there is of somebody; return whether nothing is left.

        Something is left for now where it is still needed: a run has not ended, or a message
        is on its way.
        """
        ...


class ForgetUser:
    """Forgets people.

    Args:
        users: Who is known.
        parts: What there is of them, each removed by its own.
        kept: Their jobs, which have to have ended.
        digest: Makes what is left of a Telegram id.
        deeds: Where it is written down.
        clock: The time, and ids.
    """

    def __init__(
        self,
        users: Users,
        parts: Sequence[Part],
        *,
        kept: Jobs,
        digest: Callable[[int], str],
        deeds: Deeds,
        clock: Clock,
    ) -> None:
        self._users = users
        self._parts = parts
        self._kept = kept
        self._digest = digest
        self._deeds = deeds
        self._clock = clock
        self._log = structlog.get_logger()

    async def begin(self, user_id: UserId, *, by: str) -> User:
        """Want somebody forgotten; the sweep does the rest. Who is forgotten already stays so.

        Raises:
            NotFoundError: There is no such person.
            ConflictError: Jobs of theirs have not ended; names them.
            ContendedError: Others kept winning the write.
        """
        before = await self._existing(user_id)
        if before.gone:
            return before
        waiting = await self._open_jobs(user_id)
        if waiting:
            raise ConflictError(f"jobs have not ended: {', '.join(waiting)}; cancel or await them")
        now = self._clock.now()
        # Before it is done: nothing that was done is unknown, whoever dies in between.
        deed = Deed(
            id=DeedId(self._clock.new_id()), at=now, by=by, verb="forget", subject=f"user:{user_id}"
        )
        await self._deeds.insert(deed)
        return await self._change(user_id, lambda each: each.change(forget_wanted_at=now))

    async def go_on(self, user: User) -> bool:
        """Remove what can be removed of somebody; return whether they are forgotten.

        Raises:
            UnavailableError: The database does not answer; what was removed stays removed.
            PeerError: The storage does not.
        """
        if await self._open_jobs(user.id):
            return False
        # All of them, though one has something left: the next pass has less to do.
        left = [part for part in self._parts if not await part(user)]
        if left:
            return False
        now = self._clock.now()
        digest = None if user.telegram_id is None else self._digest(user.telegram_id)
        await self._change(
            user.id,
            lambda each: each.change(
                telegram_id=None,
                username=None,
                first_name=None,
                language=None,
                roles=(),
                welcome=None,
                idempotency_key=None,
                idempotency_digest=None,
                forget_wanted_at=None,
                forgotten_at=now,
                telegram_digest=digest or each.telegram_digest,
            ),
        )
        return True

    async def sweep(self) -> int:
        """Go on with everybody who is to be forgotten; return how many now are.

        Raises:
            StoreDownError: The database does not answer.
        """
        done = 0
        for user in await self._users.to_forget(AT_ONCE):
            try:
                done += await self.go_on(user)
            except (UnavailableError, PeerError) as error:
                self._log.warning("somebody is not forgotten yet", user=user.id, error=str(error))
        return done

    async def _open_jobs(self, user_id: UserId) -> tuple[str, ...]:
        page = await self._kept.page(user_id, None, NAMED_MOST, statuses=JOB_OPEN)
        return tuple(each.id for each in page.items)

    async def _change(self, user_id: UserId, decide: Callable[[User], User]) -> User:
        for _ in range(MAX_TRIES):
            before = await self._existing(user_id)
            after = decide(before).change(version=before.version + 1, updated_at=self._clock.now())
            if await self._users.write(before, after):
                return after
        raise ContendedError(f"user {user_id}")

    async def _existing(self, user_id: UserId) -> User:
        found = await self._users.get(user_id)
        if found is None:
            raise NotFoundError("user")
        return found


class ForgetGenerations:
    """What somebody had made, and what was told to their private chat: it costs what it did.

    Args:
        records: The generations.
        storage: Where pictures that were given lie, and copies of what was made.
    """

    def __init__(self, records: Records, storage: Storage) -> None:
        self._records = records
        self._storage = storage

    async def __call__(self, user: User) -> bool:
        """See Part."""
        gone = True
        wanted: list[dict[str, str | int]] = [{"metadata.userId": user.id}]
        if user.telegram_id is not None:
            # What programs ordered for somebody: a private chat has the id of its person.
            wanted.append({"metadata.telegramChatId": user.telegram_id})
        for each in wanted:
            cursor: str | None = None
            more = True
            while more:
                page = await self._records.generations.page(each, cursor, AT_ONCE)
                for generation in page.items:
                    gone &= await self._forget(generation)
                cursor, more = page.next, page.next is not None
        return gone

    async def _forget(self, seen: Generation) -> bool:
        """Remove one; its files go while its record names them, and after its debts.

        So a crash leaves no file that nobody names, and no copy is made of what was deleted.
        """
        if not runs.forgettable(seen):
            return False
        released = await self._records.change(seen.id, lambda each, _: runs.released(each), seen)
        if released is None or released.owed:
            return released is None
        for key in sorted(runs.files_of(released)):
            await self._storage.delete(key)
        if released.response_payload.outputs:
            async for stored in self._storage.listed(f"{runs.COPIES}{released.id}/"):
                await self._storage.delete(stored.key)
        await self._records.change(seen.id, lambda each, _: runs.blanked(each), released)
        return True


class ForgetJobs:
    """What somebody ordered: what it came to stays.

    Args:
        kept: The jobs, to be listed.
        orders: The jobs, to be changed.
    """

    def __init__(self, kept: Jobs, orders: RecordsOf[Job]) -> None:
        self._kept = kept
        self._orders = orders

    async def __call__(self, user: User) -> bool:
        """See Part."""
        gone, cursor, more = True, None, True
        while more:
            page = await self._kept.page(user.id, cursor, AT_ONCE)
            for job in page.items:
                after = await self._orders.change(job.id, lambda each, _: jobs.blanked(each))
                gone &= after is None or jobs.forgettable(after)
            cursor, more = page.next, page.next is not None
        return gone


class ForgetPictures:
    """What somebody gave, whether or not they ever ordered anything with it.

    Args:
        generations: A picture stays while one that has not ended needs it.
        storage: Where pictures that were given lie.
    """

    def __init__(self, generations: Generations, storage: Storage) -> None:
        self._generations = generations
        self._storage = storage

    async def __call__(self, user: User) -> bool:
        """See Part."""
        # Storage lists folders, so everybody's are gone through: forgetting is rare.
        mine = keys.owned(user.id)
        found = [
            each.key
            async for each in self._storage.listed(keys.INPUTS)
            if each.key.startswith(mine)
        ]
        needed = await self._needed() if found else frozenset[str]()
        for key in found:
            if key not in needed:
                await self._storage.delete(key)
        return needed.isdisjoint(found)

    async def _needed(self) -> frozenset[str]:
        needed = set[str]()
        async for inputs in self._generations.open_inputs():
            needed.update(keys.keys_in(inputs))
        return frozenset(needed)


class ForgetChat:
    """What is known of somebody's private chat, which has the person's own id.

    What they wrote to the bot, there or in groups, expires by itself within days.
    """

    def __init__(self, chats: Chats, conversations: Conversations) -> None:
        self._chats = chats
        self._conversations = conversations

    async def __call__(self, user: User) -> bool:
        """See Part."""
        if user.telegram_id is not None:
            await self._chats.forget(user.telegram_id)
            await self._conversations.clear(user.telegram_id, user.telegram_id)
        return True
