"""schemas.wire.usage: what may be asked of usage, and how it is shown."""

import pytest
from pydantic import ValidationError

from schemas.usage import Use, UseRow
from schemas.wire.usage import GenerationUsage, Usage, UsageQuery
from tests.builders import ID, NOON, RUN, later


def test_a_question_names_times_that_can_be() -> None:
    """Nothing is reckoned with from before there were computers, or without a zone."""
    asked = UsageQuery.model_validate_strings({"since": "2026-01-01T12:00:00Z", "by": "model"})
    assert (asked.since, asked.until, asked.by) == (NOON, None, "model")
    assert UsageQuery.model_validate_strings({}).by == "class"

    for said in (
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"since": "2026-01-01T12:00:00"},
        {"since": "yesterday"},
        {"by": "user"},
    ):
        with pytest.raises(ValidationError):
            UsageQuery.model_validate_strings(said)


def test_rows_are_shown_with_their_share() -> None:
    """Of the time of all of them; of nothing there are no shares."""
    rows = (UseRow("KSampler", 3, 1, 3000, 2000), UseRow("SaveImage", 1, 0, 1000, 1000))
    shown = Usage.of("class", NOON, later(60), rows).model_dump(mode="json", by_alias=True)

    assert shown["since"] == "2026-01-01T12:00:00.000Z"
    assert [each["share"] for each in shown["items"]] == [0.75, 0.25]
    assert shown["items"][0] == {
        "name": "KSampler",
        "count": 3,
        "cached": 1,
        "milliseconds": 3000,
        "meanMilliseconds": 1500,
        "longestMilliseconds": 2000,
        "share": 0.75,
    }
    (cached,) = Usage.of("class", NOON, NOON, (UseRow("KSampler", 1, 1, 0, 0),)).items
    assert (cached.share, cached.mean_milliseconds) == (0.0, None)


def test_a_node_is_shown_under_the_apis_names() -> None:
    """With every field."""
    use = Use(ID, RUN, "a", NOON, "57:8", "KSampler", ("a.pt",), 12, cached=False)
    shown = GenerationUsage.of(ID, (use,)).model_dump(mode="json", by_alias=True)

    assert shown == {
        "id": ID,
        "items": [
            {
                "runId": "run-1",
                "server": "a",
                "at": "2026-01-01T12:00:00.000Z",
                "nodeId": "57:8",
                "class": "KSampler",
                "models": ["a.pt"],
                "milliseconds": 12,
                "cached": False,
            }
        ],
    }
