"""Have presets stored as a file wants them: look first, then write all of it at once."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from app.clock import Clock
from app.errors import ConflictError
from app.ports import Presets, PresetWrite, Workflows
from processors import chains
from processors.presets import loading
from processors.presets.checking import Problem
from processors.presets.loading import Change
from schemas.preset import Definition

_MOVED_ON: Final = (
    "a preset has changed meanwhile, or cannot be read by this version; nothing was loaded"
)


class Misfit(NamedTuple):
    """Something that is wrong with a preset that is made of others."""

    preset: str
    problem: Problem


class LoadPresets:
    """Loads presets, in two steps so that somebody can look between them."""

    def __init__(self, presets: Presets, workflows: Workflows, clock: Clock) -> None:
        self._presets = presets
        self._workflows = workflows
        self._clock = clock

    async def misfits(self, wanted: Sequence[Definition]) -> tuple[Misfit, ...]:
        """Return what would be wrong with presets that are made of others, were these stored.

        Also with those that are stored already and name one of these.

        Raises:
            StoreDownError: The database does not answer.
        """
        stored = {each.name: each for each in await self._presets.all()}
        known = {**stored, **{each.name: each for each in wanted}}
        return tuple(
            Misfit(each.name, problem)
            for each in known.values()
            for problem in chains.misfits(each, known)
        )

    async def plan(self, wanted: Sequence[Definition], *, prune: bool) -> tuple[Change, ...]:
        """Return what would be written; nothing is.

        Raises:
            StoreDownError: The database does not answer.
        """
        return loading.plan(await self._presets.all(), wanted, prune=prune, now=self._clock.now())

    async def commit(self, changes: Sequence[Change], workflows: Mapping[str, bytes]) -> None:
        """Write what was planned, all of it or nothing.

        Args:
            changes: What was planned.
            workflows: By digest those that the presets run, kept before anybody can order them.

        Raises:
            ConflictError: A preset has changed since; nothing was written.
            StoreDownError: The database does not answer; all or nothing was written.
        """
        for digest, raw in workflows.items():
            await self._workflows.put(digest, raw, lasting=True)
        if not await self._presets.write([PresetWrite(*each) for each in changes]):
            raise ConflictError(_MOVED_ON)
