"""Pause and resume engines and presets, and cap what they may cost in a day."""

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Final, NamedTuple

from app.clock import Clock
from app.errors import ContendedError, NotFoundError
from app.ports import Controls, Deeds, Presets
from app.usecases.pauses import Spending
from schemas.base import EngineName, plain
from schemas.control import Control, Subject
from schemas.deed import Deed, DeedId

MAX_TRIES: Final = 10
"""Ten lost races in a row on one control mean that something is wrong."""

_NOTHING: Final = Decimal("0.000000")


class Watch(NamedTuple):
    """A control, and what its subject has cost today."""

    control: Control
    spent_usd: Decimal


class Controlling:
    """An operator's switches.

    Args:
        controls: Where they are kept.
        presets: What can be switched, besides engines.
        engines: All engines that there could be, on or off.
        spending: What was spent.
        deeds: Where what was done is written down.
        clock: The time, and ids.
    """

    def __init__(
        self,
        controls: Controls,
        presets: Presets,
        engines: Collection[EngineName],
        *,
        spending: Spending,
        deeds: Deeds,
        clock: Clock,
    ) -> None:
        self._controls = controls
        self._presets = presets
        self._engines = engines
        self._spending = spending
        self._deeds = deeds
        self._clock = clock

    async def all(self) -> tuple[Watch, ...]:
        """Return every control and what was spent there, and what was spent where there is none.

        What has no control is shown as it is: nothing is paused, and nothing capped.
        """
        spent = await self._spending.today()
        found = {each.id: each for each in await self._controls.all()}
        bare = {key: self._none(key) for key in spent if key not in found}
        known = {**found, **bare}
        return tuple(Watch(known[key], spent.get(key, _NOTHING)) for key in sorted(known))

    async def get(self, subject: Subject) -> Watch:
        """Return the control of something, and what it has cost today.

        Raises:
            NotFoundError: There is no such engine or preset.
        """
        found = await self._known(subject)
        spent = await self._spending.today()
        return Watch(found or self._none(subject.key), spent.get(subject.key, _NOTHING))

    async def pause(self, subject: Subject, *, by: str, reason: str | None = None) -> Control:
        """Have no new orders taken; what runs goes on.

        Raises:
            NotFoundError: There is no such engine or preset.
            ContendedError: Others kept winning the write.
        """
        return await self._change(
            subject, lambda each: each.change(paused=True, reason=reason), "pause", by, reason
        )

    async def resume(self, subject: Subject, *, by: str, reason: str | None = None) -> Control:
        """Have orders taken again; why is written down with who did it.

        Raises:
            NotFoundError: There is no such engine or preset.
            ContendedError: Others kept winning the write.
        """
        return await self._change(
            subject, lambda each: each.change(paused=False, reason=None), "resume", by, reason
        )

    async def cap(self, subject: Subject, usd: Decimal | None, *, by: str) -> Control:
        """Have no new orders taken on a day that has cost so much; None for no cap.

        Raises:
            NotFoundError: There is no such engine or preset.
            ContendedError: Others kept winning the write.
        """
        said = "none" if usd is None else f"{plain(usd)} USD"
        return await self._change(
            subject, lambda each: each.change(daily_cap_usd=usd), "cap", by, said
        )

    async def _change(
        self,
        subject: Subject,
        decide: Callable[[Control], Control],
        verb: str,
        by: str,
        said: str | None,
    ) -> Control:
        for _ in range(MAX_TRIES):
            before = await self._known(subject)
            now = self._clock.now()
            after = decide(before or self._none(subject.key))
            if before is not None and after == before:
                return before
            version = before.version + 1 if before else 1
            after = after.change(by=by, at=now, version=version)
            if await self._controls.write(before, after):
                await self._deeds.insert(
                    Deed(
                        id=DeedId(self._clock.new_id()),
                        at=now,
                        by=by,
                        verb=verb,
                        subject=subject.key,
                        said=said,
                    )
                )
                return after
        raise ContendedError(subject.key)

    async def _known(self, subject: Subject) -> Control | None:
        """Return the control of something that there is, or was when it was made.

        Raises:
            NotFoundError: There is no such engine or preset, and never was a control of it.
        """
        found = await self._controls.of((subject,))
        if found:
            return found[0]
        if subject.kind == "engine":
            there = subject.name in self._engines
        else:
            there = await self._presets.get(subject.name) is not None
        if not there:
            raise NotFoundError(subject.kind)
        return None

    def _none(self, key: str) -> Control:
        return Control(id=key, by="us", at=self._clock.now())
