"""The lives of generations as they go by: a line in the log for each change, and a show for people.

Nothing is decided here and nothing is read from anywhere: whoever writes a record says so. A
process sees only what it writes itself, so a life may begin in the middle or end elsewhere.
"""

from typing import Any, Final

import structlog

from app.observability.lives import Lives
from app.observability.metrics import Metrics
from app.observability.terminal import Terminal
from schemas.generation import Generation
from schemas.hook import Delivery
from schemas.job import Job
from schemas.payment import Payment

MAX_REASON: Final = 300
"""Characters of a reason in the log; an engine's may be a whole traceback."""


class Journal:
    """Notes every change of every generation that this process writes."""

    def __init__(self, lives: Lives | None = None, metrics: Metrics | None = None) -> None:
        """Begin the journal, after `logs.configure`.

        Args:
            lives: Where people watch. None: there is the log alone.
            metrics: Where ends are counted, if they are.
        """
        self._lives = lives
        self._metrics = metrics
        # Where people watch, the same facts as log lines would be said twice.
        log: Any = structlog.get_logger().bind()
        self._log = log.info if lives is None else log.debug
        self._detail = log.debug

    def changed(self, before: Generation | None, after: Generation) -> None:
        """Note that `after` was written in place of `before`; None where there was nothing."""
        if before is None or before.status is not after.status:
            self._log("generation", **_facts(before, after))
            if self._metrics is not None and after.ended:
                self._metrics.ended(after.engine, after.status.value)
        elif self._lives is None:
            return
        if self._lives is not None:
            self._lives.changed(before, after)

    def ordered(self, before: Job | None, after: Job) -> None:
        """Note that a job was written in place of `before`; None where there was nothing."""
        if before is None or before.status is not after.status:
            self._log(
                "job",
                job=after.id,
                was=before.status.value if before else None,
                status=after.status.value,
                user=after.user_id,
                presets=[each.preset for each in after.steps],
                price=None if after.price is None else format(after.price, "f"),
            )

    def bought(self, before: Payment | None, after: Payment) -> None:
        """Note that a payment was written in place of `before`; None where there was nothing."""
        if before is None or before.status is not after.status:
            self._log(
                "payment",
                payment=after.id,
                was=before.status.value if before else None,
                status=after.status.value,
                user=after.user,
                amount=after.amount,
                currency=after.currency,
            )

    def delivered(self, before: Delivery | None, after: Delivery) -> None:
        """Note that an outgoing webhook was made, or reached who listens."""
        if before is None or before.status is not after.status:
            log = self._detail if before is None else self._log
            log(
                "webhook",
                webhook=after.id,
                told=after.event.value,
                status=after.status.value,
                attempts=after.attempts,
            )

    def told(self, generation: Generation, what: str) -> None:
        """Note that a message was sent.

        Args:
            generation: What it was about.
            what: ``status`` for one that shows how far a run has come, ``step`` for one that brings
                what a step has made, else ``end``.
        """
        log = self._detail if what == "status" else self._log
        log(
            "told",
            generation=generation.id,
            run=generation.metadata.run_id,
            what=what,
            status=generation.status.value,
            chat=generation.metadata.telegram_chat_id,
        )
        if self._lives is not None and what != "status":
            self._lives.told(generation)


def show(terminal: Terminal, fmt: str, *, live: bool, metrics: Metrics | None = None) -> Journal:
    """Return the journal that fits who is watching.

    Args:
        terminal: From `logs.configure`.
        fmt: The log's format; a machine is shown no lives.
        live: Whether the service runs in live mode: then lives are shown on a terminal only.
        metrics: Where ends are counted, if they are.
    """
    watched = fmt == "console" and (terminal.watched or not live)
    return Journal(Lives(terminal) if watched else None, metrics)


def _facts(before: Generation | None, after: Generation) -> dict[str, object]:
    """What the log says of a change of status."""
    facts: dict[str, object] = {
        "generation": after.id,
        "run": after.metadata.run_id,
        "engine": after.engine,
        "was": before.status.value if before else None,
        "status": after.status.value,
    }
    if after.ended:
        facts |= {
            "reason": (after.status_reason or "")[:MAX_REASON] or None,
            "by": after.ended_by,
            "seconds": after.duration_seconds,
            "cost_usd": None if after.cost_usd is None else format(after.cost_usd, "f"),
            "outputs": len(after.response_payload.outputs),
        }
    return facts
