"""What everybody who remembers how far payments were compared does."""

import pytest

from app.ports import Comparisons
from schemas.payment import Comparison
from tests.builders import NOON, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


@pytest.fixture
def comparisons(ports: Ports) -> Comparisons:
    """The port under test."""
    return ports.comparisons


async def test_nothing_was_compared_in_the_beginning(comparisons: Comparisons) -> None:
    """With nobody."""
    assert await comparisons.get("telegram") is None


async def test_the_last_word_stands(comparisons: Comparisons) -> None:
    """For each provider; what is there no more is gone."""
    first = Comparison(id="telegram", place=7, charge="c", good_at=NOON)
    for each in (first, first.change(place=0, charge=None, good_at=later(1))):
        await comparisons.put(each)
        await comparisons.put(each.change(id="other", place=9))

        assert await comparisons.get("telegram") == each
