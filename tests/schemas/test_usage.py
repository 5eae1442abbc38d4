"""schemas.usage: what nodes took."""

from schemas.usage import NodeUse, Use, UseRow
from tests.builders import ID, NOON, RUN


def test_what_was_cached_is_not_in_the_mean() -> None:
    """It took nothing; where all were, there is nothing to be told."""
    assert UseRow("KSampler", 3, 1, 3001, 2000).mean == 1500
    assert UseRow("KSampler", 2, 2, 0, 0).mean is None


def test_a_row_is_a_node_and_whose_it_was() -> None:
    """The log's row ends with what the follower tells of a node."""
    node = NodeUse("3", "KSampler", ("a.pt",), 12, cached=False)

    assert Use(ID, RUN, "a", NOON, *node)[4:] == node
    assert Use._fields[4:] == NodeUse._fields
