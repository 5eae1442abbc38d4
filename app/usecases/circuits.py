"""Circuits: while a whole peer is at fault, its debts wait and their clocks stand still."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.clock import Clock
from app.observability.metrics import Metrics
from app.ports import Alerts
from schemas.timing import Timing

IN_A_ROW: Final = 5
"""So many different things that a peer fails at one after another are the peer's own fault."""
SPREAD: Final = timedelta(seconds=1)
"""Debts that waited for a peer come back spread over this, not all at once."""


@dataclass
class _Open:
    since: datetime
    probe_at: datetime


class Circuits:
    """Which peers are down, as this process has found."""

    def __init__(self, clock: Clock, timing: Timing, alerts: Alerts, metrics: Metrics) -> None:
        self._clock = clock
        self._timing = timing
        self._alerts = alerts
        self._metrics = metrics
        self._down: dict[str, _Open] = {}
        self._failing: dict[str, set[object]] = {}

    def closed_until(self, peer: str) -> datetime | None:
        """Return when a debt of a peer that is down may be tried again, None if it may now.

        Whoever asks first after the wait is the probe; everybody else waits on.
        """
        down = self._down.get(peer)
        if down is None:
            return None
        now = self._clock.now()
        if now < down.probe_at:
            return down.probe_at + SPREAD * self._clock.jitter()
        down.probe_at = now + self._timing.probe_every
        return None

    def failed(self, peer: str, why: str) -> datetime:
        """Note that a whole peer is at fault; return when to try again."""
        now = self._clock.now()
        if peer not in self._down:
            self._down[peer] = _Open(now, now)
            self._metrics.circuit(peer, open=True)
            self._alerts.alert(f"{peer}_down", why)
        self._down[peer].probe_at = now + self._timing.probe_every
        return self._down[peer].probe_at + SPREAD * self._clock.jitter()

    def struggled(self, peer: str, about: object, why: str) -> datetime | None:
        """Note a 5xx or a broken answer, which may be the peer's fault or that of what it is about.

        It is the peer's where it is down already, or has failed several in a row.

        Returns:
            When to try again, without counting this try; None where the peer is not at fault.
        """
        failing = self._failing.setdefault(peer, set())
        failing.add(about)
        if peer in self._down or len(failing) >= IN_A_ROW:
            return self.failed(peer, why)
        return None

    def worked(self, peer: str) -> None:
        """Note that a peer did what it was asked."""
        self._failing.pop(peer, None)
        down = self._down.pop(peer, None)
        if down is not None:
            self._metrics.circuit(peer, open=False)
            self._alerts.alert(f"{peer}_back", f"{peer} answers again, down since {down.since}")
