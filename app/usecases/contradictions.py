"""Ends that contradict each other: said in the log, once for each of a generation.

What the engine says when it is asked decides. That its webhooks told different ends is worth
knowing all the same: one of them was forged, or the engine is at odds with itself.
"""

from collections.abc import Sequence
from typing import Final

import structlog

from processors import runs
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.run import TERMINAL, RunEvent, RunStatus

KEPT: Final = 1_000
"""Contradictions remembered, the newest; an older one may be told of again."""


class Contradictions:
    """The contradictions that this process has heard."""

    def __init__(self) -> None:
        """Begin with none."""
        # Used as an ordered set.
        self._known: dict[tuple[GenerationId, RunStatus], None] = {}
        self._log = structlog.get_logger()

    def look(self, before: Generation, after: Generation, events: Sequence[RunEvent]) -> None:
        """Warn of events that told another end than the one known.

        Args:
            before: The record before the events.
            after: The same with them.
            events: What was heard.
        """
        for event in events:
            if event.status not in TERMINAL or event.status is None:
                continue
            for record in (before, after):
                known = runs.known_end(record)
                if known not in {None, event.status} and runs.serves(record, event):
                    self._warn(event, event.status, known)
                    break

    def _warn(self, event: RunEvent, heard: RunStatus, known: RunStatus | None) -> None:
        key = (event.generation_id, heard)
        if key in self._known:
            return
        self._known[key] = None
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        self._log.warning(
            "another end was heard than before",
            generation=event.generation_id,
            run=event.run_id,
            known=known,
            heard=heard,
        )
