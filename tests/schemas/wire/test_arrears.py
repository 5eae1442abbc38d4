"""schemas.wire.arrears: what may be asked of debts, and how they are shown."""

import pytest
from pydantic import ValidationError

from schemas.wire.arrears import DebtQuery, DebtView, Replay, StuckQuery


def test_questions_have_bounds() -> None:
    """A page is of 1 to 200; silence counts in whole minutes."""
    assert DebtQuery.model_validate_strings({"limit": "200"}).state == "dead"
    assert StuckQuery.model_validate_strings({"minutes": "1"}).limit == 50
    for query, said in ((DebtQuery, {"limit": "0"}), (StuckQuery, {"minutes": "1.5"})):
        with pytest.raises(ValidationError):
            query.model_validate_strings(said)


def test_a_replay_names_a_record_by_its_id() -> None:
    """Nothing else is asked of the database."""
    assert Replay.model_validate({"record": "0" * 32}).key is None
    with pytest.raises(ValidationError):
        Replay.model_validate({"record": "$where"})


def test_a_debt_is_shown_under_the_apis_names() -> None:
    """With every field."""
    view = DebtView(
        what="job",
        record="0" * 32,
        key="notify",
        kind="notify",
        state="dead",
        since="2026-01-01T12:00:00.000Z",
        attempts=3,
        last_error=None,
    )

    assert view.model_dump(by_alias=True)["lastError"] is None
