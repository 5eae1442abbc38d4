"""integrations/grafana: that it speaks of figures that there are, in words that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.observability.metrics import (
    STATES,
    DebtRow,
    LedgerRow,
    LineRow,
    Metrics,
    OpenRow,
    ServerRow,
)
from processors.runs import Verdict
from schemas.debt import DebtKind
from schemas.run import TERMINAL
from tests.integrations import promql

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "integrations" / "grafana"
WORDS: Final = {
    "status": {each.value for each in TERMINAL},
    "state": {*STATES, "open", "paused", "stuck"},
    "verdict": {*(each.value for each in Verdict), "orphan"},
    "outcome": {"ok", "refused", "error", "redirected", "failed"},
    "reason": {"signature", "unauthorized"},
    "result": {"taken", "handled", "dead", "malformed", "lost"},
}
"""What a label can be, where it is one of a few words."""
SCRAPED: Final = {"job", "instance"}
"""Labels that Prometheus adds."""


def given() -> dict[str, set[str]]:
    """Return the labels of every series that a process renders once all has happened in it."""
    metrics = Metrics()
    metrics.accepted("e")
    metrics.repeated("e")
    metrics.verdict("e", "applied")
    metrics.refused("signature")
    metrics.rescued("e")
    metrics.denied_end("e")
    metrics.ended("e", "completed")
    metrics.engine_call("e", "submit", "ok", 1)
    metrics.servers([ServerRow("a", up=True, slots=1, taken=0)], LineRow(0, 0))
    metrics.open_work(OpenRow(0, 0, 0, 0), ())
    metrics.ledger(LedgerRow(0, 0, 0))
    metrics.retried("lost")
    metrics.previewed("a")
    metrics.socket_lost("a")
    metrics.debt_done("end")
    metrics.debts([DebtRow(DebtKind.END, "live", 1, 1)])
    metrics.telegram_call("sendPhoto", "ok", 1)
    metrics.telegram_update("message", "taken")
    metrics.circuit("telegram", open=False)
    metrics.alert("debt_dead")
    metrics.wakeup("received")
    metrics.live_readers(1)
    metrics.live_told(1)
    metrics.live_skipped(1)
    metrics.live_resync("too_old")
    metrics.hook_sent("delivered")
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    } | {"up": set()}


def dashboard() -> dict[str, Any]:
    """Return the dashboard as it is imported."""
    return json.loads((FOLDER / "runrelay.json").read_text("utf-8"))


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    read = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))
    return [rule for group in read["groups"] for rule in group["rules"]]


def shown() -> Iterator[tuple[str, str]]:
    """Yield each query of the dashboard, and what its series are called."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"], target["legendFormat"]


def asked() -> Iterator[str]:
    """Yield every query there is."""
    yield from (query for query, _ in shown())
    yield from (rule["expr"] for rule in rules())


def test_every_query_asks_for_what_is_rendered() -> None:
    """Its metrics, their labels, and what these can be."""
    known = given()

    for query in asked():
        for metric, matchers, grouped in promql.read(query):
            assert metric in known, query
            labels = known[metric] | SCRAPED
            assert {each.label for each in matchers} | set(grouped) <= labels, query
            for each in matchers:
                words = set(each.value.split("|"))
                assert each.label not in WORDS or words <= WORDS[each.label], query


def test_every_figure_is_shown() -> None:
    """What is counted and shown nowhere is counted for nobody."""
    seen = {selector.metric for query, _ in shown() for selector in promql.read(query)}
    families = {re.sub(r"_(bucket|count|sum)$", "", each) for each in given()} - {"up"}
    left = {re.sub(r"_(bucket|count|sum)$", "", each) for each in seen}

    assert {each for each in families - left if each.startswith("runrelay_")} == {
        "runrelay_line_oldest_seconds",
        "runrelay_ledger_audited_timestamp_seconds",
    }


def test_series_are_called_by_labels_that_they_have() -> None:
    """A name in braces that is no label would be empty."""
    for query, legend in shown():
        (first, *_) = promql.read(query)
        named = set(re.findall(r"\{\{(\w+)\}\}", legend))
        assert named <= {*first.grouped, *SCRAPED}, query


def test_the_dashboard_can_be_imported() -> None:
    """It has what Grafana asks for, panels beside each other, and every variable that it uses."""
    board = dashboard()

    assert board["id"] is None
    assert {"uid", "title", "schemaVersion", "time", "refresh", "tags"} <= board.keys()
    variables = {each["name"] for each in board["templating"]["list"]}
    text = json.dumps(board["panels"])
    assert set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval"} == variables
    ids = [each["id"] for each in board["panels"]]
    assert len(set(ids)) == len(ids)
    cells = [cell for each in board["panels"] for cell in _cells(**each["gridPos"])]
    assert len(set(cells)) == len(cells)
    for each in board["panels"]:
        assert each["type"] in {"row", "stat", "timeseries"}
        assert each["title"]
        if each["type"] != "row":
            assert each["description"]
            assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            refs = [target["refId"] for target in each["targets"]]
            assert len(set(refs)) == len(refs) > 0


@pytest.mark.parametrize(
    ("name", "metric", "states", "bound"),
    [
        ("RunrelayEventsLate", "runrelay_event_applied_lag_seconds_bucket", None, "> 5"),
        ("RunrelayDebtsOverdue", "runrelay_debts_oldest_seconds", {"live", "claimed"}, "> 300"),
        ("RunrelayEngineErrors", "runrelay_engine_call_seconds_count", None, "> 0.1"),
        ("RunrelayLedgerWrong", "runrelay_ledger_wrong", None, "> 0"),
    ],
)
def test_what_matters_most_is_watched(
    name: str, metric: str, states: set[str] | None, bound: str
) -> None:
    """Lag, debts, the engines' errors and the ledger; what was claimed may be left, too."""
    [rule] = [each for each in rules() if each["alert"] == name]
    (first, *_) = promql.read(rule["expr"])
    watched = [set(each.value.split("|")) for each in first.matchers if each.label == "state"]

    assert first.metric == metric
    assert watched == ([] if states is None else [states])
    assert bound in rule["expr"]


def test_every_rule_is_told_and_explained() -> None:
    """With how bad it is, in words; and the operator's page says what to do, of no others."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    names = [each["alert"] for each in rules()]

    assert re.findall(r"^\| `(Runrelay\w+)` \|", page, re.MULTILINE) == names
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert re.fullmatch(r"\d+m", rule.get("for", "0m"))
        text = "".join(rule["annotations"].values())
        used = set(re.findall(r"\$labels\.(\w+)", text))
        (first, *_) = promql.read(rule["expr"])
        assert used <= {*first.grouped, *SCRAPED}


@pytest.mark.parametrize(
    "query",
    [
        "sum by (a) rate(x[5m])",
        "rate(x)",
        "x[5m]",
        "sum(x[5m])",
        "x{a='b'}",
        "x{a=~b}",
        "nothing(x)",
        "x +",
        "sum(x))",
        "x y",
        "x > 1 ?",
        "",
        "x[5m] + 1",
        "histogram_quantile(x)",
    ],
)
def test_what_is_no_query_is_refused(query: str) -> None:
    """The check itself is no empty one."""
    with pytest.raises(promql.QueryError):
        promql.read(query)


def _cells(x: int, y: int, w: int, h: int) -> Iterator[tuple[int, int]]:
    assert x + w <= 24
    yield from ((column, row) for column in range(x, x + w) for row in range(y, y + h))
