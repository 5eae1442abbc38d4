"""Have presets stored as a file wants them: look first, then write all of it at once."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.clock import Clock
from app.errors import ConflictError
from app.ports import Presets, PresetWrite, Workflows
from processors.presets import loading
from processors.presets.loading import Change
from schemas.preset import Definition

_MOVED_ON: Final = (
    "a preset has changed meanwhile, or cannot be read by this version; nothing was loaded"
)


class LoadPresets:
    """Loads presets, in two steps so that somebody can look between them."""

    def __init__(self, presets: Presets, workflows: Workflows, clock: Clock) -> None:
        self._presets = presets
        self._workflows = workflows
        self._clock = clock

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
