"""How much of a graph is done, and what it is at."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.protocols.comfyui.progress import ALMOST, KEPT, LOOKED_AT, STEPS_MOST, Work
from processors.protocols.comfyui.workflows import NodeKind
from tests.processors.protocols.comfyui.replaying import some_nodes

NODES = some_nodes("1", "2", "3", "4")


def running(value: float = 0, most: float = 1, root: str = "2") -> dict[str, Any]:
    """A node that runs."""
    return {"value": value, "max": most, "state": "running", "display_node_id": root}


def finished(root: str) -> dict[str, Any]:
    """A node that is done."""
    return {"value": 1, "max": 1, "state": "finished", "display_node_id": root}


def test_a_run_is_as_far_as_its_nodes() -> None:
    """The one that runs counts by its own account."""
    work = Work(NODES)

    work.seen({"1": finished("1"), "2": running(1, 4)})

    assert work.share == (1 + 0.25) / 4
    assert work.words == "Node 2 1/4"


def test_a_step_counts_like_a_state() -> None:
    """A node's own account may come by itself, of a node that is known to run."""
    work = Work(NODES)

    work.begun("2", "2")
    work.stepped("2", 2, 4)
    work.stepped("3", 2, 4)

    assert work.share == 0.125
    assert work.words == "Node 2 2/4"


def test_cached_nodes_are_done() -> None:
    """They are never executed; one that is not of the graph does not count."""
    work = Work(NODES)

    work.cached(["1", "2", "3.0.0.1"])

    assert work.share == 0.5
    assert work.words is None


def test_a_run_whose_nodes_are_all_done_is_almost_done() -> None:
    """Its end has not come."""
    work = Work(NODES)

    work.cached(NODES)

    assert work.share == ALMOST


def test_a_graph_of_no_known_nodes_has_no_share() -> None:
    """Nothing is known of how much there is."""
    work = Work({})

    work.seen({"1": finished("1"), "2": running()})
    work.begun("3", "3")

    assert (work.share, work.words) == (0.0, None)


def test_a_subgraph_belongs_to_its_node() -> None:
    """Each of its nodes brings its parent nearer to its end, which only the parent reaches."""
    work, shares = Work(NODES), list[float]()
    one, two = running(1, 2, "1"), running(0, 2, "1")

    for states in (
        {"1": running(root="1"), "1.0.0.1": one},
        {"1": running(root="1"), "1.0.0.1": finished("1"), "1.0.0.2": two},
        {"1": running(root="1"), "1.0.0.1": finished("1"), "1.0.0.2": finished("1")},
        {"1": finished("1")},
    ):
        work.seen(states)
        shares.append(work.share)

    assert [round(x / 4, 4) for x in (1 / 3, 1 / 2, 2 / 3, 1)] == shares


def test_a_subgraphs_node_is_named_by_its_parent_with_its_own_steps() -> None:
    """People know the node that they have put there."""
    work = Work(NODES)

    work.seen({"1": running(root="1"), "1.0.0.1": running(1, 2, "1")})

    assert work.words == "Node 1 1/2"
    assert {"1"} == work.at


def test_of_nodes_that_run_beside_each_other_the_last_is_named() -> None:
    """Once it is done it is the other one again."""
    work, words = Work(NODES), list[str | None]()

    for states in (
        {"2": running(1, 3), "1": running(2, 3, "1")},
        {"2": running(2, 3), "1": running(2, 3, "1")},
        {"2": running(2, 3), "1": finished("1")},
        {"2": finished("2"), "1": finished("1")},
    ):
        work.seen(states)
        words.append(work.words)

    assert words == ["Node 1 2/3", "Node 1 2/3", "Node 2 2/3", None]


def test_a_node_that_begins_again_is_not_less_done() -> None:
    """A sampler may count its steps twice."""
    work = Work(NODES)

    work.seen({"2": running(3, 4)})
    work.seen({"2": running(1, 4)})

    assert work.share == round(0.75 / 4, 4)
    assert work.words == "Node 2 1/4"


def test_a_node_that_was_done_may_run_again() -> None:
    """In a loop."""
    work = Work(NODES)

    work.seen({"2": finished("2")})
    work.seen({"2": finished("2"), "3": running(root="3")})
    work.seen({"2": running(1, 4), "3": finished("3")})

    assert (work.share, work.words) == (0.5, "Node 2 1/4")
    work.seen({"2": finished("2"), "3": finished("3")})
    assert work.words is None


def test_a_node_that_runs_already_does_not_begin() -> None:
    """Its steps are not forgotten."""
    work = Work(NODES)

    work.seen({"2": running(3, 4)})
    work.begun("2", "2")

    assert work.words == "Node 2 3/4"


@pytest.mark.parametrize(
    ("value", "most", "words"),
    [
        (0, 1, "Node 2"),
        (0, 0, "Node 2"),
        (1, -4, "Node 2"),
        (1, STEPS_MOST + 1, "Node 2"),
        (-1, 4, "Node 2 0/4"),
        (9, 4, "Node 2 4/4"),
        (1.0, 4.0, "Node 2 1/4"),
    ],
)
def test_steps_are_shown_where_they_make_sense(value: float, most: float, words: str) -> None:
    """Where there are some, and not more than anybody would count."""
    work = Work(NODES)

    work.seen({"2": running(value, most)})

    assert words == work.words
    assert 0 <= work.share <= 0.25


def test_a_title_is_cut_to_what_can_be_shown() -> None:
    """It is somebody else's text."""
    work = Work({"1": NodeKind("X", "a\0b\n" + "x" * 1000, ())})

    work.begun("1", "1")

    assert work.words == "ab" + "x" * 198


numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
roots = st.sampled_from(["1", "2", "9"])
some_states = st.dictionaries(
    st.sampled_from(["1", "2", "1.0.0.1", "1.0.0.2", "9"]),
    st.builds(running, numbers, numbers, roots) | st.builds(finished, roots) | st.none(),
)


@given(st.lists(some_states, max_size=8))
def test_progress_never_falls(told: list[dict[str, Any]]) -> None:
    """Whatever states come, in any order."""
    work, before = Work(NODES), 0.0
    for states in told:
        work.seen(states)
        assert before <= work.share <= ALMOST
        assert work.words is None or work.words.startswith("Node")
        before = work.share


class Counted(float):
    """A number that counts how often one like it is added to something."""

    added = 0

    def __truediv__(self, other: float) -> "Counted":
        """Stay counted."""
        return Counted(float(self) / other)

    def __sub__(self, other: float) -> "Counted":
        """Stay counted."""
        return Counted(float(self) - other)

    def __add__(self, other: float) -> "Counted":
        """Count, and stay counted."""
        Counted.added += 1
        return Counted(float(self) + other)

    __radd__ = __add__


def test_a_node_of_a_subgraph_costs_the_same_however_many_there_are() -> None:
    """A loop makes thousands of them, and each is told of at every step."""
    work = Work(NODES)
    Counted.added = 0

    work.seen({f"2.{n}": running(Counted(1), 2) for n in range(LOOKED_AT)})

    done = LOOKED_AT / 2
    assert work.share == round(done / (1 + done) / 4, 4)
    assert Counted.added <= 6 * LOOKED_AT


class Looked(dict[str, Any]):
    """A node's state that knows whether it was looked at."""

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - as dict's
        """See dict."""
        self.looked = True
        return super().get(key, default)

    looked = False


def test_of_more_nodes_than_any_graph_has_the_last_are_looked_at() -> None:
    """A message costs so much and no more; the node that runs is among its last."""
    work = Work(NODES)
    states = {f"2.{n}": Looked(finished("2")) for n in range(3 * LOOKED_AT)}

    work.seen({**states, "3": running(1, 4, "3")})

    looked = [state.looked for state in states.values()]
    assert sum(looked) == LOOKED_AT - 1
    assert not any(looked[: 2 * LOOKED_AT])
    assert work.words == "Node 3 1/4"


def test_what_is_kept_of_a_run_has_an_end() -> None:
    """Nodes beyond it neither run nor count; those that are kept go on."""
    work = Work(NODES)
    first, second = ([f"2.{n}" for n in range(at, at + KEPT)] for at in (0, KEPT))

    work.seen({node: running(1, 2) for node in first})
    share = work.share
    work.seen({node: running(1, 2) for node in second})
    work.begun("3", "3")
    assert (work.share, work.at) == (share, {"2"})

    work.seen({node: finished("2") for node in first})
    assert (work.share > share, work.at) == (True, frozenset())
    share = work.share
    work.seen({node: finished("2") for node in second})
    assert work.share == share


def test_more_cached_nodes_than_there_are_are_not_counted() -> None:
    """Nor looked at."""
    work, asked = Work(NODES), list[str]()

    def endless() -> Iterator[str]:
        for n in range(10 * len(NODES)):
            asked.append(str(n))
            yield str(n)

    work.cached(endless())

    assert len(asked) == len(NODES)
