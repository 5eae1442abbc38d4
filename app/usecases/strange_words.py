"""Statuses that an engine uses and we do not know: said in the log, once each.

Such a run goes on as if nothing had been said. Somebody should know of the word all the same:
it may mean an end, which we then only hear of when it stays unfinished for too long.
"""

from typing import Final

import structlog

from schemas.base import EngineName

WORDS_KEPT: Final = 100
"""Words remembered; any beyond them are not told of, so that they cannot fill the log."""


class StrangeWords:
    """The unknown statuses that one way of hearing has brought."""

    def __init__(self, way: str) -> None:
        """Begin with none.

        Args:
            way: How they come, as the log says it.
        """
        self._way = way
        self._known = set[tuple[EngineName, str]]()
        self._log = structlog.get_logger()

    def heard(self, engine: EngineName, word: str) -> None:
        """Warn of a word at its first coming."""
        if (engine, word) in self._known or len(self._known) >= WORDS_KEPT:
            return
        self._known.add((engine, word))
        self._log.warning(
            "the engine uses a status that is not known", engine=engine, word=word, way=self._way
        )
