"""How long the nodes of a run took."""

from processors.protocols.comfyui.clocking import Stopwatch
from processors.protocols.comfyui.workflows import NodeKind
from schemas.usage import NodeUse
from tests.builders import later
from tests.processors.protocols.comfyui.replaying import some_nodes

NODES = some_nodes("1", "2", "3")


def started() -> Stopwatch:
    """The stopwatch of a run whose start was seen."""
    stopwatch = Stopwatch(NODES)
    stopwatch.start()
    return stopwatch


def times(stopwatch: Stopwatch) -> dict[str, int]:
    """Milliseconds by node."""
    return {use.node_id: use.milliseconds for use in stopwatch.uses}


def test_a_node_takes_until_the_next_one_begins() -> None:
    """And the last one until the run does not go on."""
    stopwatch = started()

    stopwatch.begun("1", {"1"}, later(0))
    stopwatch.begun("2", {"2"}, later(1.5))
    stopwatch.stop(later(2))

    assert times(stopwatch) == {"1": 1500, "2": 500}


def test_a_node_takes_until_it_is_told_to_be_done() -> None:
    """What comes between it and the next one is not its time."""
    stopwatch = started()

    stopwatch.begun("1", {"1"}, later(0))
    stopwatch.only({"3"}, later(1))
    stopwatch.begun("2", {"2"}, later(5))
    stopwatch.only((), later(6))

    assert times(stopwatch) == {"1": 1000, "2": 1000}


def test_nodes_beside_each_other_have_their_own_times() -> None:
    """The next one's beginning ends only what does not run beside it."""
    stopwatch = started()

    stopwatch.begun("1", {"1"}, later(0))
    stopwatch.begun("2", {"1", "2"}, later(1))
    stopwatch.only({"2"}, later(4))
    stopwatch.only((), later(5))

    assert times(stopwatch) == {"1": 4000, "2": 4000}


def test_a_node_that_begins_again_takes_both_times() -> None:
    """And one that is told to begin while it runs goes on."""
    stopwatch = started()

    stopwatch.begun("1", {"1"}, later(0))
    stopwatch.begun("1", {"1"}, later(1))
    stopwatch.only((), later(2))
    stopwatch.begun("1", {"1"}, later(5))
    stopwatch.only((), later(6))

    assert times(stopwatch) == {"1": 3000}


def test_a_row_says_what_ran() -> None:
    """Cached nodes took nothing, and nodes that are not of the graph have no row."""
    stopwatch = Stopwatch({"1": NodeKind("Loader", "A", ("a.gguf",)), "2": NodeKind("B", "B", ())})

    stopwatch.start()
    stopwatch.cached(["1", "7", "1"])
    stopwatch.begun("2", {"2"}, later(0))
    stopwatch.begun("7", {"2"}, later(0.5))
    stopwatch.stop(later(1))

    loader = NodeUse("1", "Loader", ("a.gguf",), 0, cached=True)
    assert (loader, NodeUse("2", "B", (), 1000, cached=False)) == stopwatch.uses


def test_what_was_not_heard_to_its_end_has_no_time() -> None:
    """What was heard before has."""
    stopwatch = started()

    stopwatch.begun("1", {"1"}, later(0))
    stopwatch.begun("2", {"2"}, later(1))
    stopwatch.lose()
    stopwatch.begun("3", {"3"}, later(8))
    stopwatch.stop(later(9))

    assert times(stopwatch) == {"1": 1000, "3": 1000}


def test_a_run_whose_start_was_not_seen_has_no_rows() -> None:
    """What of it was cached is not known."""
    stopwatch = Stopwatch(NODES)

    stopwatch.begun("1", {"1"}, later(0))
    stopwatch.stop(later(1))

    assert stopwatch.uses == ()


def test_no_time_is_below_nothing() -> None:
    """Clocks are set back."""
    stopwatch = started()

    stopwatch.begun("1", {"1"}, later(1))
    stopwatch.stop(later(0))

    assert times(stopwatch) == {"1": 0}
