"""Chat debts while nobody can discharge them: they wait where no sweep stumbles over them.

The records that owe anything are swept in the order in which they are due. Debts to chats that
nobody claims, because the bot's token is refused or its sender is gone, would gather at the
head of that order, and every sweep would step over all of them.
"""

from datetime import datetime, timedelta
from typing import Final, Generic

from app.ports import OwingT, Write
from app.usecases.records import RecordsOf
from app.usecases.taking import Taking
from processors import debts
from schemas.debt import CHAT

PAGE: Final = 200
"""Records put off at once, or brought forward."""
OVERDUE: Final = timedelta(seconds=15)
"""What has been due for so long is not about to be taken up by whoever is on duty."""
NEAR: Final = timedelta(seconds=15)
FAR: Final = timedelta(minutes=4)
"""What is put off comes back after `NEAR`; after up to `FAR` where there is more than a page."""
WHY: Final = "nobody is on duty for chats"


class Unattended(Generic[OwingT]):
    """Puts chat debts off while this process is not the bot's sender; has them back when it is."""

    def __init__(self, records: RecordsOf[OwingT], taking: Taking) -> None:
        self._records = records
        self._taking = taking
        self._away = NEAR
        self._off_duty = True

    async def tend(self, *, due: bool = True) -> None:
        """Put off one page of what nobody takes up, or bring one forward that is taken up now.

        Args:
            due: Whether anything is due at all, as far as is known.

        Raises:
            StoreDownError: The database does not answer.
        """
        kinds = self._taking.kinds()
        if kinds >= CHAT:
            await self._bring_forward()
        elif kinds:
            self._off_duty = True
            if due:
                await self._put_off()

    async def _put_off(self) -> None:
        now = self._records.clock.now()
        found = await self._records.kept.due(now - OVERDUE, CHAT, PAGE)
        until = now + self._away
        await self._records.change_all([_put_off(each, now, until) for each in found])
        self._away = min(2 * self._away, FAR) if len(found) == PAGE else NEAR

    async def _bring_forward(self) -> None:
        if not self._off_duty:
            return
        now = self._records.clock.now()
        found = await self._records.kept.due(now + FAR, CHAT, PAGE)
        writes = [_brought_forward(each, now) for each in found]
        await self._records.change_all([each for each in writes if each.after != each.before])
        # One page keeps the sender busy until the others come back by themselves.
        self._off_duty = False


def _put_off(record: OwingT, now: datetime, until: datetime) -> Write[OwingT]:
    return Write(record, debts.put(record, debts.put_off(record.owed, CHAT, now, until, WHY)))


def _brought_forward(record: OwingT, now: datetime) -> Write[OwingT]:
    return Write(record, debts.put(record, debts.bring_forward(record.owed, now, WHY)))
