"""Who this process is when it decides, and which debts it takes up at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from app.ports import Messenger, OwingT
from app.usecases.calls import Calls
from processors import debts
from processors.debts import Taker
from schemas.base import InstanceName
from schemas.debt import CHAT, DebtKind
from schemas.timing import Timing

INWARD: Final = frozenset(DebtKind) - CHAT


class Taking:
    """What this process discharges: everything, but chats only while it is the bot's sender.

    Args:
        name: This process.
        timing: How long a claim holds.
        background: Whether it discharges at all times.
        calls: While one of them is open it discharges in any case.
        messenger: The bot's sender, or None where Telegram is off.
    """

    def __init__(
        self,
        name: InstanceName,
        timing: Timing,
        *,
        background: bool,
        messenger: Messenger | None,
        calls: Calls | None = None,
    ) -> None:
        self.name: Final = name
        self.background: Final = background
        self._timing = timing
        self._calls = calls or Calls()
        self._messenger = messenger

    def kinds(self) -> frozenset[DebtKind]:
        """Return the kinds of debt that this process may discharge now."""
        if not (self.background or self._calls.any):
            return frozenset()
        chats = (
            CHAT
            if self._messenger is not None and self._messenger.on_duty()
            else frozenset[DebtKind]()
        )
        return INWARD | chats

    def taker(self, now: datetime) -> Taker:
        """Return the taker of debts that are decided now."""
        return Taker(by=self.name, until=now + self._timing.lease, kinds=self.kinds())

    def renewed(self, key: str, n: int) -> Callable[[OwingT, datetime], OwingT]:
        """Claim anew a debt that is held under `n`: the renewed claim has its whole lease."""

        def renewed(record: OwingT, now: datetime) -> OwingT:
            if not debts.held(record.owed, key, n):
                return record
            return debts.put(record, debts.claim(record.owed, key, self.taker(now)))

        return renewed
