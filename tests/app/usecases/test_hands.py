"""app.usecases.hands: every kind of debt has hands, and is explained to the operator."""

import re
from pathlib import Path

import pytest

from app.usecases.delivery_debts import DELIVERY_LINES
from app.usecases.discharge import LINES
from app.usecases.hands import Line
from app.usecases.payment_debts import PAYMENT_LINES
from app.usecases.start_job import JOB_LINES
from schemas.debt import DebtKind

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
ROW = re.compile(
    r"^\| `(\w+)` \| ((?:generation|job|payment|delivery)[a-z, ]*) \|(.+)\|$", re.MULTILINE
)


def explained() -> dict[str, tuple[set[str], list[str]]]:
    """Return, by kind, the records that owe it, and what else the page says of it."""
    section = PAGE.read_text().split("## What is owed")[1].split("\n## ")[0]
    return {
        kind: (set(records.split(", ")), [each.strip() for each in rest.split("|")])
        for kind, records, rest in ROW.findall(section)
    }


def test_every_kind_of_debt_is_explained() -> None:
    """In one table: what is done, how it fails, and whom to ask."""
    rows = explained()

    assert set(rows) == {kind.value for kind in DebtKind}
    assert all(len(rest) == 3 and all(rest) for _, rest in rows.values())


@pytest.mark.parametrize(
    ("record", "lines"),
    [("job", JOB_LINES), ("payment", PAYMENT_LINES), ("delivery", DELIVERY_LINES)],
)
def test_the_table_says_who_owes_what(record: str, lines: tuple[Line, ...]) -> None:
    """As the lines of their hands do; each kind waits in one line only."""
    named = {kind for kind, (records, _) in explained().items() if record in records}
    kinds = [kind.value for line in lines for kind in line.kinds]

    assert sorted(kinds) == sorted(named)


def test_what_only_others_owe_is_no_generations() -> None:
    """And the rest has a line there."""
    others = {DebtKind.START, DebtKind.CREDIT, DebtKind.REFUND}
    others |= {DebtKind.PAYBACK, DebtKind.ALERT, DebtKind.DELIVER}
    named = {kind for kind, (records, _) in explained().items() if "generation" in records}

    assert named == {kind.value for kind in frozenset(DebtKind) - others}
    assert named <= {kind.value for line in LINES for kind in line.kinds}
