"""The service's figures, in Prometheus' text format.

A label's value is a word of ours: a status, a kind, a slug. Whatever is not shaped like one, or
is one too many, is counted as ``other``, so that no text of a stranger becomes a label and no
label grows without end. A server is called what the operator's settings call it.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from schemas import server
from schemas.debt import DebtKind
from schemas.stuck import StuckReason

OTHER: Final = "other"
"""Label of whatever has no label of its own."""
MOST_WORDS: Final = 48
"""How many words one label may have."""

DebtState = Literal["live", "claimed", "dead"]
STATES: Final[tuple[DebtState, ...]] = ("live", "claimed", "dead")


class DebtRow(NamedTuple):
    """How many debts of a kind are in a state, and how long the oldest has been due."""

    kind: str
    state: DebtState
    number: int
    oldest_seconds: float


class ServerRow(NamedTuple):
    """How a server that our settings name stands."""

    name: str
    up: bool
    slots: int
    taken: int


class LineRow(NamedTuple):
    """How many runs wait for a server, and how long ago the oldest of them was ordered."""

    waiting: int
    oldest_seconds: float


class OpenRow(NamedTuple):
    """How many jobs have not ended, and how long ago the oldest of them was ordered."""

    number: int
    paused: int
    stuck: int
    oldest_seconds: float


class LedgerRow(NamedTuple):
    """What the last audit of the ledger came to."""

    mismatches: int
    """Entries that do not add up, and places where they and the records differ."""
    unreadable: int
    at: float
    """When it began, in seconds since 1970."""


class Metrics:
    """All figures of one process, in a registry of its own."""

    content_type: Final = CONTENT_TYPE_LATEST
    """What `render` returns, as a Content-Type header."""

    def __init__(self) -> None:
        # The times at which each series began would double what is scraped.
        disable_created_metrics()
        self._registry = CollectorRegistry()
        self._words: dict[str, set[str]] = {}
        ProcessCollector(registry=self._registry)
        self._make_event_figures()
        self._make_engine_figures()
        self._make_server_figures()
        self._make_job_figures()
        self._make_ledger_figures()
        self._make_debt_figures()
        self._make_telegram_figures()
        self._hooks = self._counter(
            "outgoing_webhooks",
            "Outgoing webhooks: tries that were taken or failed; dead; pauses.",
            "outcome",
        )
        self._make_live_figures()
        self._alerts = self._counter("alerts", "Alerts raised.", "slug")
        self._circuit = self._gauge("circuit_open", "1 while a peer is left alone.", "peer")
        self._wakeups = self._counter("wakeups", "Wake-ups of other processes, by Redis.", "way")
        self._redis = self._gauge("redis_connected", "1 while wake-ups can be sent and heard.")

    def render(self) -> bytes:
        """Return all figures as text."""
        return generate_latest(self._registry)

    def accepted(self, engine: str, n: int = 1) -> None:
        """Count events that were stored, whatever their senders have been told."""
        self._accepted.labels(self._word("engine", engine)).inc(n)

    def repeated(self, engine: str) -> None:
        """Count a webhook that was taken in before, and was not again."""
        self._repeated.labels(self._word("engine", engine)).inc()

    def verdict(self, engine: str, verdict: str, n: int = 1) -> None:
        """Count what became of events: a `runs.Verdict`, or ``orphan`` without a record."""
        words = self._word("engine", engine), self._word("verdict", verdict)
        self._verdicts.labels(*words).inc(n)

    def refused(self, reason: str) -> None:
        """Count a request that was refused, by the reason's slug."""
        self._refused.labels(self._word("reason", reason)).inc()

    def waiting_events(self, n: int) -> None:
        """Set how many stored events wait to be applied by this process."""
        self._waiting.set(n)

    def applied_lag(self, seconds: float) -> None:
        """Note the time from the arrival of the oldest event of a write until it was made."""
        self._applied_lag.observe(seconds)

    def ended_lag(self, seconds: float) -> None:
        """Note the time from hearing an end until it was written."""
        self._ended_lag.observe(seconds)

    def told_lag(self, seconds: float) -> None:
        """Note the time from an end's writing until its message was sent."""
        self._told_lag.observe(seconds)

    def rescued(self, engine: str) -> None:
        """Count news that asking brought and no webhook did."""
        self._rescued.labels(self._word("engine", engine)).inc()

    def denied_end(self, engine: str) -> None:
        """Count an end that was heard and that the engine denied."""
        self._denied.labels(self._word("engine", engine)).inc()

    def ended(self, engine: str, status: str) -> None:
        """Count an end that was written, by how the run ended; one that replaces another, too."""
        self._ended.labels(self._word("engine", engine), self._word("status", status)).inc()

    def engine_call(self, engine: str, call: str, outcome: str, seconds: float) -> None:
        """Note a call to an engine, such as ``submit``, and how it came out, such as ``ok``."""
        words = self._word("engine", engine), self._word("call", call)
        self._engine_calls.labels(*words, self._word("outcome", outcome)).observe(seconds)

    def servers(self, rows: Iterable[ServerRow], line: LineRow) -> None:
        """Set how the servers stand, and the line in front of them."""
        for row in rows:
            self._server_up.labels(row.name).set(int(row.up))
            self._server_slots.labels(row.name).set(row.slots)
            self._server_taken.labels(row.name).set(row.taken)
        self._line.set(line.waiting)
        self._line_oldest.set(line.oldest_seconds)

    def open_work(self, row: OpenRow, stuck: Iterable[tuple[StuckReason, float]]) -> None:
        """Set what is open, and what is stuck: why, and for how many seconds."""
        for state, number in (("open", row.number), ("paused", row.paused), ("stuck", row.stuck)):
            self._jobs.labels(state).set(number)
        self._jobs_oldest.set(row.oldest_seconds)
        given = list(stuck)
        for reason in StuckReason:
            alike = [seconds for found, seconds in given if found is reason]
            self._stuck.labels(reason.value).set(len(alike))
            self._stuck_oldest.labels(reason.value).set(max(alike, default=0))

    def ledger(self, row: LedgerRow) -> None:
        """Set what the ledger came to, when it was audited by this process."""
        self._ledger_wrong.labels("mismatch").set(row.mismatches)
        self._ledger_wrong.labels("unreadable").set(row.unreadable)
        self._ledger_audited.set(row.at)

    def retried(self, reason: str) -> None:
        """Count a run that is tried again, by why: a `Retry`."""
        self._retried.labels(self._word("retry", reason)).inc()

    def previewed(self, server: str) -> None:
        """Count a picture of a run under way that a server sent."""
        self._previews.labels(server).inc()

    def socket_lost(self, server: str) -> None:
        """Count a socket of a server that broke; it is opened again."""
        self._sockets_lost.labels(server).inc()

    def debt_done(self, kind: str) -> None:
        """Count a debt that was discharged."""
        self._debts_tried.labels(_kind(kind), "done").inc()

    def debt_failed(self, kind: str) -> None:
        """Count a try at a debt that failed."""
        self._debts_tried.labels(_kind(kind), "failed").inc()

    def debt_lost(self, kind: str) -> None:
        """Count a debt whose claim had run out before it was acknowledged."""
        self._debts_tried.labels(_kind(kind), "lost").inc()

    def hook_sent(self, outcome: Literal["delivered", "failed", "dead", "paused"]) -> None:
        """Count what became of an outgoing webhook, or that an endpoint was paused by us."""
        self._hooks.labels(outcome).inc()

    def debts(self, rows: Iterable[DebtRow]) -> None:
        """Set what is owed just now; kinds and states that `rows` leaves out are at 0.

        Records of several kinds may owe the same: their rows are added up.
        """
        given = dict[tuple[str, str], list[DebtRow]]()
        for row in rows:
            given.setdefault((_kind(row.kind), row.state), []).append(row)
        for kind in DebtKind:
            for state in STATES:
                alike = given.get((kind.value, state), [])
                self._owed.labels(kind.value, state).set(sum(each.number for each in alike))
                oldest = max((each.oldest_seconds for each in alike), default=0)
                self._oldest.labels(kind.value, state).set(oldest)

    def telegram_call(self, method: str, outcome: str, seconds: float) -> None:
        """Note a call to Telegram, such as ``sendPhoto``, and how it came out."""
        words = self._word("method", method), self._word("telegram_outcome", outcome)
        self._telegram_calls.labels(*words).observe(seconds)

    def telegram_wait(self, seconds: float) -> None:
        """Note how long a message waited for its chat's turn and for the rate limits."""
        self._telegram_waits.observe(seconds)

    def telegram_update(self, kind: str, result: str) -> None:
        """Count an update, such as a ``message``, and what became of it, such as ``taken``."""
        words = self._word("update", kind), self._word("update_result", result)
        self._telegram_updates.labels(*words).inc()

    def telegram_handled_lag(self, seconds: float) -> None:
        """Note the time from taking an update in until it was handled."""
        self._telegram_handled_lag.observe(seconds)

    def circuit(self, peer: str, open: bool) -> None:  # noqa: A002, FBT001 - the word for it
        """Set whether a peer is left alone for being down: an engine, or a server of one."""
        named = peer if _SERVER.fullmatch(peer) else self._word("peer", peer)
        self._circuit.labels(named).set(int(open))

    def alert(self, slug: str) -> None:
        """Count an alert; one about a server, as ``comfyui:big_down``, counts as its engine's."""
        about = _OF_SERVER.fullmatch(slug)
        named = f"{about[1]}_{about[2]}" if about else slug
        self._alerts.labels(self._word("slug", named)).inc()

    def wakeup(self, way: Literal["published", "received"]) -> None:
        """Count a wake-up that went out to other processes, or came from one."""
        self._wakeups.labels(way).inc()

    def redis_connected(self, *, connected: bool) -> None:
        """Set whether wake-ups can be sent, and heard where this process heeds them."""
        self._redis.set(int(connected))

    def live_readers(self, number: int) -> None:
        """Know how many readers of live streams there are."""
        self._live_readers.set(number)

    def live_told(self, number: int) -> None:
        """Count states that readers were told, once for each."""
        self._live_told.inc(number)

    def live_skipped(self, number: int) -> None:
        """Count states that were passed over for newer ones, likewise."""
        self._live_skipped.inc(number)

    def live_resync(self, reason: str) -> None:
        """Count a reader that was shown everything anew."""
        self._live_resyncs.labels(self._word("reason", reason)).inc()

    def _make_event_figures(self) -> None:
        self._accepted = self._counter(
            "events_accepted", "Events stored on a majority's disks.", "engine"
        )
        self._verdicts = self._counter(
            "events_applied", "What became of accepted events.", "engine", "verdict"
        )
        self._repeated = self._counter(
            "webhooks_repeated", "Signed webhooks that had been taken in before.", "engine"
        )
        self._refused = self._counter(
            "requests_refused", "Requests refused, by the reason's slug.", "reason"
        )
        self._waiting = self._gauge("events_waiting", "Stored events not yet applied.")
        self._applied_lag = self._histogram(
            "event_applied_lag_seconds", "From the oldest event of a write until it is made."
        )
        self._ended_lag = self._histogram(
            "end_written_lag_seconds", "From hearing an end until it is written."
        )
        self._told_lag = self._histogram(
            "end_told_lag_seconds", "From an end's writing until its message is sent."
        )

    def _make_engine_figures(self) -> None:
        self._rescued = self._counter(
            "news_rescued", "News that asking brought and no webhook did.", "engine"
        )
        self._denied = self._counter(
            "ends_denied", "Ends that were heard and that the engine denied.", "engine"
        )
        self._ended = self._counter("runs_ended", "Runs that ended, by how.", "engine", "status")
        self._engine_calls = self._histogram(
            "engine_call_seconds", "Calls to an engine.", "engine", "call", "outcome"
        )

    def _make_server_figures(self) -> None:
        self._server_up = self._gauge("server_up", "1 while a server is given runs.", "server")
        self._server_slots = self._gauge("server_slots", "Slots of a server.", "server")
        self._server_taken = self._gauge(
            "server_slots_taken", "Slots of a server that runs have.", "server"
        )
        self._line = self._gauge("line_waiting", "Runs that wait for a server.")
        self._line_oldest = self._gauge(
            "line_oldest_seconds", "How long ago the oldest of them was ordered."
        )
        self._retried = self._counter("runs_retried", "Runs tried again, by why.", "reason")
        self._previews = self._counter("previews", "Pictures of runs under way.", "server")
        self._sockets_lost = self._counter(
            "server_sockets_lost", "Sockets that broke, or did not open.", "server"
        )

    def _make_job_figures(self) -> None:
        self._jobs = self._gauge(
            "jobs", "Jobs that are open, those of them paused, and those stuck.", "state"
        )
        self._jobs_oldest = self._gauge(
            "jobs_oldest_seconds", "How long ago the oldest open job was ordered."
        )
        self._stuck = self._gauge("stuck", "What is stuck, by why.", "reason")
        self._stuck_oldest = self._gauge(
            "stuck_oldest_seconds", "For how long the oldest has been stuck.", "reason"
        )

    def _make_ledger_figures(self) -> None:
        self._ledger_wrong = self._gauge(
            "ledger_wrong", "What the last audit of the ledger found, by this process.", "kind"
        )
        self._ledger_audited = self._gauge(
            "ledger_audited_timestamp_seconds", "When that audit began; 0 for none."
        )

    def _make_debt_figures(self) -> None:
        self._debts_tried = self._counter(
            "debts_tried", "Tries at debts, and how they came out.", "kind", "outcome"
        )
        self._owed = self._gauge("debts", "Debts, by kind and state.", "kind", "state")
        self._oldest = self._gauge(
            "debts_oldest_seconds", "How long the oldest has been due.", "kind", "state"
        )

    def _make_telegram_figures(self) -> None:
        self._telegram_calls = self._histogram(
            "telegram_call_seconds", "Calls to Telegram.", "method", "outcome"
        )
        self._telegram_waits = self._histogram(
            "telegram_wait_seconds", "Waiting for a chat's turn and for the rate limits."
        )
        self._telegram_updates = self._counter(
            "telegram_updates", "Updates, and what became of them.", "kind", "result"
        )
        self._telegram_handled_lag = self._histogram(
            "telegram_handled_lag_seconds", "From taking an update in until it is handled."
        )

    def _make_live_figures(self) -> None:
        self._live_readers = self._gauge("live_readers", "Readers of live streams.")
        self._live_told = self._counter("live_states", "States told to readers.")
        self._live_skipped = self._counter(
            "live_states_skipped", "States passed over for newer ones before they were told."
        )
        self._live_resyncs = self._counter(
            "live_resyncs", "Readers who were shown everything anew.", "reason"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace=_NAMESPACE, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace=_NAMESPACE, registry=self._registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(
            name, text, labels, namespace=_NAMESPACE, registry=self._registry, buckets=_BUCKETS
        )

    def _word(self, label: str, text: str) -> str:
        """The text if it is a word that the label has, or may still take on; else ``other``."""
        known = self._words.setdefault(label, set())
        if text in known:
            return text
        if len(known) >= MOST_WORDS or not _WORD.fullmatch(text):
            return OTHER
        # The plain text, since a member of an enumeration would be shown by its name.
        known.add(str(text))
        return str(text)


_NAMESPACE: Final = "runrelay"
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_]{0,30}")
"""No digits: nothing that holds an id, a number or an address is a word."""
_SERVER: Final = re.compile(rf"[a-z]{{1,32}}:{server.NAME}")
"""A server, as it is called where peers are: ``comfyui:10.0.0.5:8188``."""
_OF_SERVER: Final = re.compile(rf"([a-z]{{1,32}}):{server.NAME}_(down|back)")
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_KINDS: Final = frozenset(kind.value for kind in DebtKind)


def _kind(kind: str) -> str:
    return str(kind) if kind in _KINDS else OTHER
