"""Every case of fault and abuse that this service answers for has a test named after it.

The cases are numbered 1 to 55 in the contract on reliability that the service is built to; a
test of case 7 is called `test_case_07_...`, and one of several cases `test_case_25_26_...`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CASES: Final = frozenset(range(1, 56))
LATER: Final[Mapping[int, str]] = {}
"""Cases of parts that are not there yet."""

_NAMED: Final = re.compile(r"def test_case_((?:\d\d_)+)")


def test_every_case_has_a_test() -> None:
    """A case without a test is either of a part that is not there yet, or forgotten."""
    assert sorted(CASES - _tested() - LATER.keys()) == []


def test_no_test_is_named_after_a_case_that_is_none() -> None:
    """A slip in a number would hide a case; one that has come is put off no longer."""
    assert sorted(_tested() - (CASES - LATER.keys())) == []


def _tested() -> frozenset[int]:
    """Return the cases that tests are named after."""
    files = Path(__file__).parent.rglob("test_*.py")
    named = (each for file in files for each in _NAMED.findall(file.read_text(encoding="utf-8")))
    return frozenset(int(number) for each in named for number in each.strip("_").split("_"))
