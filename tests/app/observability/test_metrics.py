"""Figures with labels of ours only."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.observability.metrics import MOST_WORDS, DebtRow, LineRow, Metrics, OpenRow, ServerRow
from processors.runs import Verdict
from schemas.debt import DebtKind
from schemas.stuck import StuckReason


def figures(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return what is scraped, by name and labels."""
    text = metrics.render().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return one figure; None when there is none."""
    return figures(metrics).get((f"runrelay_{name}", frozenset(labels.items())))


def test_each_figure_is_scraped() -> None:
    """Whatever is counted or measured appears under its name and labels."""
    metrics = Metrics()
    metrics.accepted("comfydeploy", 3)
    metrics.verdict("comfydeploy", Verdict.FOREIGN_RUN, 2)
    metrics.verdict("comfydeploy", "orphan")
    metrics.refused("bad_token")
    metrics.repeated("replicate")
    metrics.waiting_events(7)
    metrics.rescued("comfydeploy")
    metrics.denied_end("comfydeploy")
    metrics.circuit("telegram", open=True)
    metrics.alert("debt_dead")
    metrics.ended("comfydeploy", "failed")

    engine = {"engine": "comfydeploy"}
    assert figure(metrics, "events_accepted_total", **engine) == 3
    assert figure(metrics, "events_applied_total", verdict="foreign_run", **engine) == 2
    assert figure(metrics, "events_applied_total", verdict="orphan", **engine) == 1
    assert figure(metrics, "webhooks_repeated_total", engine="replicate") == 1
    assert figure(metrics, "requests_refused_total", reason="bad_token") == 1
    assert figure(metrics, "events_waiting") == 7
    assert figure(metrics, "runs_ended_total", status="failed", **engine) == 1
    assert figure(metrics, "news_rescued_total", **engine) == 1
    assert figure(metrics, "ends_denied_total", **engine) == 1
    assert figure(metrics, "circuit_open", peer="telegram") == 1
    assert figure(metrics, "alerts_total", slug="debt_dead") == 1


def test_times_are_histograms() -> None:
    """Lags and calls are measured in seconds."""
    metrics = Metrics()
    metrics.applied_lag(0.02)
    metrics.ended_lag(0.2)
    metrics.told_lag(2)
    metrics.telegram_wait(3)
    metrics.engine_call("comfydeploy", "submit", "ok", 0.5)
    metrics.telegram_call("sendPhoto", "retry_after", 0.5)

    assert figure(metrics, "event_applied_lag_seconds_sum") == 0.02
    assert figure(metrics, "event_applied_lag_seconds_bucket", le="0.025") == 1
    assert figure(metrics, "end_written_lag_seconds_sum") == 0.2
    assert figure(metrics, "end_told_lag_seconds_sum") == 2
    assert figure(metrics, "telegram_wait_seconds_sum") == 3
    call = {"engine": "comfydeploy", "call": "submit", "outcome": "ok"}
    assert figure(metrics, "engine_call_seconds_count", **call) == 1
    sent = {"method": "sendPhoto", "outcome": "retry_after"}
    assert figure(metrics, "telegram_call_seconds_count", **sent) == 1


def test_debts_are_set_as_they_are_found() -> None:
    """What a scrape does not find any more is at 0, and every kind and state is there."""
    metrics = Metrics()
    metrics.debts([DebtRow(DebtKind.NOTIFY, "dead", 2, 90.0), DebtRow("surprise", "live", 1, 1.0)])
    found = figure(metrics, "debts", kind="notify", state="dead")
    oldest = figure(metrics, "debts_oldest_seconds", kind="notify", state="dead")
    alike = [DebtRow(DebtKind.NOTIFY, "dead", 2, 90.0), DebtRow(DebtKind.NOTIFY, "dead", 3, 9.0)]
    metrics.debts(alike)
    both = metrics.render().decode()
    assert 'runrelay_debts{kind="notify",state="dead"} 5.0' in both
    assert 'runrelay_debts_oldest_seconds{kind="notify",state="dead"} 90.0' in both
    metrics.debts([])

    assert (found, oldest) == (2, 90)
    assert figure(metrics, "debts", kind="notify", state="dead") == 0
    assert figure(metrics, "debts_oldest_seconds", kind="ask", state="live") == 0


def test_servers_are_named_as_the_settings_name_them() -> None:
    """An address is a server's own name; how it stands is what was set last."""
    metrics = Metrics()
    metrics.servers([ServerRow("10.0.0.5:8188", True, 2, 1)], LineRow(12, 90.5))  # noqa: FBT003
    metrics.servers([ServerRow("10.0.0.5:8188", False, 2, 0)], LineRow(11, 60))  # noqa: FBT003
    metrics.retried("lost")
    metrics.previewed("10.0.0.5:8188")
    metrics.socket_lost("10.0.0.5:8188")
    metrics.circuit("comfyui:10.0.0.5:8188", open=True)
    metrics.circuit("comfyui:big", open=False)
    metrics.alert("comfyui:10.0.0.5:8188_down")
    metrics.alert("comfyui:big_down")

    server = {"server": "10.0.0.5:8188"}
    assert figure(metrics, "server_up", **server) == 0
    assert figure(metrics, "server_slots", **server) == 2
    assert figure(metrics, "server_slots_taken", **server) == 0
    assert figure(metrics, "circuit_open", peer="comfyui:10.0.0.5:8188") == 1
    assert figure(metrics, "circuit_open", peer="comfyui:big") == 0
    assert figure(metrics, "alerts_total", slug="comfyui_down") == 2
    assert figure(metrics, "line_waiting") == 11
    assert figure(metrics, "line_oldest_seconds") == 60
    assert figure(metrics, "runs_retried_total", reason="lost") == 1
    assert figure(metrics, "previews_total", **server) == 1
    assert figure(metrics, "server_sockets_lost_total", **server) == 1


def test_tries_at_debts_are_counted() -> None:
    """Done, failed and lost are told apart by kind."""
    metrics = Metrics()
    metrics.debt_done(DebtKind.END)
    metrics.debt_failed("end")
    metrics.debt_lost("end")
    metrics.debt_lost("no such kind")

    for outcome in ("done", "failed", "lost"):
        assert figure(metrics, "debts_tried_total", kind="end", outcome=outcome) == 1
    assert figure(metrics, "debts_tried_total", kind="other", outcome="lost") == 1


def test_wake_ups_are_counted_by_their_way() -> None:
    """Those that went out, those that came in, and whether any can."""
    metrics = Metrics()
    metrics.wakeup("published")
    metrics.wakeup("received")
    metrics.wakeup("received")
    metrics.redis_connected(connected=True)

    assert figure(metrics, "wakeups_total", way="published") == 1
    assert figure(metrics, "wakeups_total", way="received") == 2
    assert figure(metrics, "redis_connected") == 1


@pytest.mark.parametrize(
    "text", ["", "token=abc", "0194200000007000800000000000abcd", "two words", "a\nb", "x" * 40]
)
def test_free_text_is_no_label(text: str) -> None:
    """An id, an address, a sentence: each is counted as `other`."""
    metrics = Metrics()
    metrics.refused(text)

    assert figure(metrics, "requests_refused_total", reason="other") == 1


def test_a_label_has_so_many_words_and_no_more() -> None:
    """Beyond the last word everything new is `other`; what is known stays itself."""
    metrics = Metrics()
    words = [f"{first}{second}" for first in "abcdefgh" for second in "abcdefgh"]
    for word in words:
        metrics.refused(word)
    metrics.refused(words[0])

    assert figure(metrics, "requests_refused_total", reason=words[0]) == 2
    beyond = len(words) - MOST_WORDS
    assert figure(metrics, "requests_refused_total", reason="other") == beyond


def test_two_sets_of_figures_do_not_mix() -> None:
    """Each has a registry of its own."""
    first, second = Metrics(), Metrics()
    first.refused("depth")

    assert figure(second, "requests_refused_total", reason="depth") is None
    assert "text/plain" in first.content_type


def test_what_is_open_and_stuck_is_set_as_it_is_found() -> None:
    """Reasons that are not given are at 0; of several the oldest counts."""
    metrics = Metrics()
    row, dead = OpenRow(number=5, paused=2, stuck=1, oldest_seconds=90), StuckReason.DEAD
    metrics.open_work(row, [(dead, 7.0), (dead, 9.0)])

    assert figure(metrics, "jobs", state="paused") == 2
    assert figure(metrics, "jobs_oldest_seconds") == 90
    assert figure(metrics, "stuck", reason="dead") == 2
    assert figure(metrics, "stuck_oldest_seconds", reason="dead") == 9
    assert figure(metrics, "stuck", reason="silent") == 0
