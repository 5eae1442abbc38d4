"""Changes of fakes, told as a database tells them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.errors import StoreDownError
from app.ports import Ear, MissedError
from schemas.live import Change, Kind, Position
from tests.fakes.gates import Gate, ajar


class FakeChanges:
    """See app.ports.Changes.

    Attributes:
        told: Every change there was, in their order.
        oldest: What was before is forgotten.
        down: Whether the database does not answer.
        followers: How often somebody has begun to follow.
    """

    def __init__(self, gate: Gate = ajar) -> None:
        self.told = list[Change]()
        self.oldest = Position(0, 0)
        self.down = False
        self.followers = 0
        self.gate = gate
        self._ears = list[Ear]()
        self._at = Position(1_000, 0)

    @property
    def followed(self) -> bool:
        """Whether somebody follows."""
        return bool(self._ears)

    def kept(self, kind: Kind) -> "Kept":
        """Return records of a kind whose changes are told."""
        return Kept(self, kind)

    def tell(
        self, kind: Kind, name: str, *, moved: bool = False, drawn: datetime | None = None
    ) -> Position:
        """Tell of a change."""
        self._at = Position(self._at.seconds, self._at.increment + 1)
        change = Change(kind, name, self._at, moved, drawn)
        self.told.append(change)
        for each in self._ears:
            each.heard(change)
        return self._at

    def pass_by(self, seconds: int) -> None:
        """Let time pass in which nothing changes."""
        self._at = Position(self._at.seconds + seconds, 0)

    def lose(self) -> None:
        """Miss what happens, and follow anew."""
        for each in self._ears:
            each.lost()
            each.opened()

    async def follow(self, ear: Ear) -> None:
        """See app.ports.Changes."""
        self.followers += 1
        await self.gate()
        self._ears.append(ear)
        try:
            ear.opened()
            await asyncio.Event().wait()
        finally:
            self._ears.remove(ear)

    async def now(self) -> Position:
        """See app.ports.Changes."""
        await self.gate()
        if self.down:
            raise StoreDownError("it is down")
        return self._at

    async def since(self, position: Position, most: int) -> Sequence[Change]:
        """See app.ports.Changes."""
        await self.gate()
        if position > self._at:
            raise MissedError("unknown")
        if position < self.oldest:
            raise MissedError("too_old")
        found = dict[tuple[Kind, str], Change]()
        for each in self.told:
            if each.at >= position:
                name = each.kind, each.id
                found[name] = each.after(found.pop(name, None))
        if len(found) > most:
            raise MissedError("too_much")
        return tuple(found.values())


class Kept(dict[str, Any]):
    """Records, or previews, whose changes are told."""

    def __init__(self, changes: FakeChanges, kind: Kind) -> None:
        super().__init__()
        self._changes = changes
        self._kind = kind

    def __setitem__(self, name: str, value: Any) -> None:  # noqa: ANN401 - whatever is kept
        before = self.get(name)
        super().__setitem__(name, value)
        if self._kind is Kind.PREVIEW:
            self._changes.tell(self._kind, name, drawn=value.at)
        else:
            moved = before is None or before.status is not value.status
            self._changes.tell(self._kind, name, moved=moved)

    def put_unheard(self, name: str, value: Any) -> None:  # noqa: ANN401 - as above
        """Keep something that nobody is told of."""
        super().__setitem__(name, value)
