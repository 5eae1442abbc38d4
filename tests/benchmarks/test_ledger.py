"""The ledger that is measured is a sound one, and an explanation is read for what it says."""

from app.clock import Clock
from benchmarks.ledger import Plan, Size, entries, plan
from processors import ledger
from schemas.base import UserId


def test_as_many_entries_are_made_as_wanted() -> None:
    """One person has most of them; the last has what is left."""
    assert list(Size(1_000, 300, 250).of()) == [300, 250, 250, 200]
    for count in (1, 2, 7, 8):
        assert len(list(entries(UserId("ada"), count, Clock()))) == count


def test_the_entries_add_up() -> None:
    """The audit finds no flaw and no open line."""
    audit = ledger.check(entries(UserId("ada"), 100, Clock()))

    assert (audit.flaws, audit.open) == ((), ())


def test_an_explanation_says_what_was_looked_at() -> None:
    """From the outside in; what fetches every document by an index is indexed."""
    index = {"stage": "FETCH", "inputStage": {"stage": "IXSCAN"}}
    explained = {
        "queryPlanner": {"winningPlan": {"stage": "LIMIT", "inputStage": index}},
        "executionStats": {"totalDocsExamined": 51, "nReturned": 51},
    }

    assert plan(explained) == Plan(("LIMIT", "FETCH", "IXSCAN"), 51, 51)
    assert plan(explained).indexed
    assert not Plan(("LIMIT", "COLLSCAN"), 51, 51).indexed
    assert not Plan(("SORT", "FETCH", "IXSCAN"), 51, 51).indexed
    assert not Plan(("LIMIT", "FETCH", "IXSCAN"), 100, 51).indexed
