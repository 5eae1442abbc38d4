"""How runs are followed: what is told, what is asked, and when."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import pytest

from processors.protocols import comfyui
from processors.protocols.comfyui import (
    NAME,
    AskHistory,
    AskQueue,
    Followed,
    Follower,
    InHistory,
    Missing,
    Pace,
    Preview,
    Queue,
    Said,
    Told,
    Used,
)
from schemas.base import RunId
from schemas.generation import OUTPUTS_KEPT
from schemas.run import Output, RunEvent, RunStatus
from schemas.usage import NodeUse
from tests.builders import ID, NOON, RUN, later
from tests.processors.protocols.comfyui.replaying import BASE, OURS, some_nodes

OTHER: Final = RunId("run-2")
NODES: Final = some_nodes("1", "2", "3", "4")
PACE: Final = Pace(every=timedelta(seconds=10), down=timedelta(seconds=2))
QUEUE: Final = AskQueue()
HISTORY: Final = AskHistory(RUN)
MISSING: Final = Missing(ID, RUN)
NOWHERE: Final = InHistory(None)


def a_run(run_id: RunId = RUN, client_id: str | None = OURS) -> Followed:
    """A run of attempt 2 of `ID`."""
    return Followed(ID, 2, run_id, client_id, NODES)


def a_follower(*runs: Followed, connected: bool = True) -> Follower:
    """A follower of runs, all expected at noon."""
    follower = Follower(OURS, BASE, PACE)
    if connected:
        follower.connected(NOON)
    for run in runs or (a_run(),):
        follower.expect(run, NOON)
    return follower


def an_event(status: RunStatus, at: float = 0, **fields: Any) -> RunEvent:  # noqa: ANN401 - any field of the event
    """What is told of `RUN`."""
    return RunEvent(
        engine=NAME,
        generation_id=ID,
        attempt=2,
        run_id=RUN,
        status=status,
        received_at=later(at),
        source="server",
        **fields,
    )


def told(status: RunStatus, at: float = 0, **fields: Any) -> Told:  # noqa: ANN401 - any field of the event
    """That `RUN` was told of."""
    return Told(an_event(status, at, **fields))


def say(follower: Follower, kind: str, at: float = 0, **data: object) -> list[Said]:
    """Let a message about `RUN` arrive."""
    return follower.text(json.dumps({"type": kind, "data": {"prompt_id": RUN} | data}), later(at))


def states(**nodes: tuple[float, float, str]) -> dict[str, Any]:
    """States of nodes by their ids, after an underscore."""
    return {
        name[1:]: {"value": value, "max": most, "state": state, "display_node_id": name[1]}
        for name, (value, most, state) in nodes.items()
    }


def a_queue(running: Sequence[RunId] = (), pending: Sequence[RunId] = ()) -> Queue:
    """The answer about a queue."""
    return Queue(tuple(running), tuple(pending))


def a_history(kind: str = "execution_success", run_id: RunId = RUN) -> InHistory:
    """The answer about the history of a run that is over."""
    status = "success" if kind == "execution_success" else "error"
    messages = [["execution_start", {"timestamp": 1}], [kind, {"timestamp": 1001}]]
    entry: dict[str, Any] = {
        "prompt": [1, run_id, {}, {}, []],
        "outputs": {"4": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"}]}},
        "status": {"status_str": status, "completed": True, "messages": messages},
    }
    return InHistory(comfyui.report(json.dumps({run_id: entry}).encode(), run_id, BASE))


# --- what the socket tells


def test_a_run_begins_to_run() -> None:
    """Once, however often it is said."""
    follower = a_follower()

    assert say(follower, "execution_start", 1) == [told(RunStatus.RUNNING, 1)]
    assert say(follower, "execution_start", 1) == []


def test_a_run_is_told_with_the_node_that_runs_and_how_far_it_is() -> None:
    """Only when something changed that shows."""
    follower = a_follower()
    say(follower, "execution_start")
    say(follower, "execution_cached", nodes=["1"])

    said = [
        say(follower, "progress_state", 1, nodes=states(_2=(0.0, 1.0, "running"))),
        say(follower, "executing", 1, node="2", display_node="2"),
        say(follower, "progress_state", 2, nodes=states(_2=(1, 4, "running"))),
        say(follower, "progress", 2, node="2", value=1, max=4),
        say(follower, "progress", 3, node="2", value=2, max=4),
    ]

    assert said == [
        [told(RunStatus.RUNNING, 1, progress=0.25, live_status="Node 2")],
        [],
        [told(RunStatus.RUNNING, 2, progress=0.3125, live_status="Node 2 1/4")],
        [],
        [told(RunStatus.RUNNING, 3, progress=0.375, live_status="Node 2 2/4")],
    ]


def test_between_two_nodes_the_former_is_named() -> None:
    """What a person reads does not flicker."""
    follower = a_follower()
    say(follower, "progress_state", nodes=states(_2=(0, 1, "running")))

    said = say(follower, "progress_state", nodes=states(_2=(1, 1, "finished")))

    assert said == [told(RunStatus.RUNNING, progress=0.25, live_status="Node 2")]


def test_little_progress_is_not_told_for_its_own_sake() -> None:
    """It is told with whatever else changes, or once it has become more."""
    follower = a_follower()
    told_of = states(_2=(0, 10**7, "running"))
    say(follower, "progress_state", nodes=told_of)

    little = say(follower, "progress", node="2", value=3 * 10**5, max=10**7)
    more = say(follower, "progress", node="2", value=4 * 10**5, max=10**7)

    assert little == []
    assert more == [told(RunStatus.RUNNING, progress=0.01, live_status="Node 2")]


def test_a_subgraph_is_told_as_its_node() -> None:
    """Its nodes have ids that nobody has seen."""
    follower = a_follower()
    say(follower, "execution_start")

    said = say(follower, "executing", node="1.0.0.1", display_node="1")

    assert said == [told(RunStatus.RUNNING, live_status="Node 1")]


def test_what_a_node_shows_is_heard() -> None:
    """As an output with an address below the server's; what is temporary is none."""
    follower = a_follower()
    say(follower, "execution_start")

    file = {"filename": "a.png", "subfolder": "", "type": "output"}
    said = say(follower, "executed", 5, node="4", output={"images": [file]})
    temp = say(follower, "executed", 5, node="3", output={"images": [file | {"type": "temp"}]})
    none = say(follower, "executed", 5, node="3", output=None)

    assert [(output.id, output.received_at) for output in outputs(said)] == [
        ("4/images/0", later(5))
    ]
    assert [temp, none] == [[], []]


def outputs(said: list[Said]) -> list[Output]:
    """The outputs that were told."""
    return [output for each in said if isinstance(each, Told) for output in each.event.outputs]


@pytest.mark.parametrize(
    ("kind", "status", "progress"),
    [
        ("execution_success", RunStatus.COMPLETED, 1.0),
        ("execution_error", RunStatus.FAILED, 0.25),
        ("execution_interrupted", RunStatus.CANCELLED, 0.25),
    ],
)
def test_a_run_ends_when_the_server_has_done_with_it(
    kind: str, status: RunStatus, progress: float
) -> None:
    """How it ended was said before; then nothing more is asked, and it is followed no more."""
    follower = a_follower()
    say(follower, "execution_cached", nodes=["1"])

    before = say(follower, kind, 1, timestamp=1, exception_type="ValueError")
    end = say(follower, "executing", 2, node=None)

    assert before == []
    assert end == [told(status, 2, progress=progress)]
    assert (follower.following, follower.due_at) == (frozenset(), None)
    assert say(follower, "executing", 2, node=None) == []


def test_the_first_word_about_an_end_stands() -> None:
    """A server says one."""
    follower = a_follower()

    say(follower, "execution_error", timestamp=1)
    say(follower, "execution_success")

    assert say(follower, "executing", node=None) == [told(RunStatus.FAILED)]


def test_an_end_without_a_word_how_is_looked_up_at_once() -> None:
    """It was said while our socket was away; the history's entry is there by then."""
    follower = a_follower()

    assert say(follower, "executing", 1, node=None) == [HISTORY]
    assert say(follower, "executing", 1, node=None) == []
    end = follower.history(RUN, a_history("execution_interrupted"), later(1.1))

    assert outputs(end) != []
    assert [each.event.status for each in end if isinstance(each, Told)] == [RunStatus.CANCELLED]
    assert follower.following == frozenset()


def test_a_blocked_node_is_no_end() -> None:
    """The run goes on to its success."""
    follower = a_follower()
    say(follower, "execution_start")

    assert say(follower, "execution_error", exception_type="ExecutionBlocked") == []
    assert follower.due_at == later(10)


def test_a_word_about_an_end_is_followed_up_soon() -> None:
    """The last message may never come, and the history's entry may not be there yet."""
    follower = a_follower()
    say(follower, "execution_success", 1)

    asked = list[tuple[float, list[Said]]]()
    for at in (1.25, 1.75, 2.75):
        assert follower.due_at == later(at)
        asked.append((at, follower.tick(later(at))))
        assert follower.history(RUN, NOWHERE, later(at)) == []

    assert asked == [(at, [HISTORY]) for at in (1.25, 1.75, 2.75)]
    assert follower.due_at == later(4.75)


def test_a_look_is_not_put_off() -> None:
    """Whatever else comes."""
    follower = a_follower()
    say(follower, "execution_success", 1)

    say(follower, "execution_success", 1.2)

    assert follower.tick(later(1.25)) == [HISTORY]


def test_after_word_of_an_end_rounds_are_as_with_a_dead_socket() -> None:
    """The socket has no more to tell of the run."""
    follower = a_follower()
    say(follower, "execution_success", 1)
    for at in (1.25, 1.75, 2.75):
        follower.tick(later(at))
        follower.history(RUN, NOWHERE, later(at))

    assert follower.tick(later(4.75)) == [QUEUE]
    assert follower.queue(a_queue(running=[RUN]), later(4.75)) == [HISTORY]
    assert follower.history(RUN, NOWHERE, later(4.75)) == []
    assert follower.due_at == later(6.75)


def test_what_is_not_about_a_followed_run_is_passed_over() -> None:
    """Other people's prompts, messages without a prompt, and garbage."""
    follower = a_follower()

    heard = [
        follower.text(data, NOON)
        for data in (
            json.dumps({"type": "execution_start", "data": {"prompt_id": "theirs"}}),
            '{"type": "executing", "data": {"node": "2"}}',
            '{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}}}',
            "}",
        )
    ]

    assert heard == [[], [], [], []]
    assert follower.binary(b"\0\0\0\1\0\0\0\1\xff\xd8\xff", NOON) == []


# --- previews


def a_preview(run_id: str = RUN) -> bytes:
    """A preview of a run."""
    told_of = json.dumps({"prompt_id": run_id}).encode()
    return (4).to_bytes(4, "big") + len(told_of).to_bytes(4, "big") + told_of + b"\xff\xd8\xff"


def test_previews_are_a_second_apart_for_each_run() -> None:
    """The server sends as many as it can."""
    follower = a_follower(a_run(), a_run(OTHER))
    preview = Preview(ID, RUN, "image/jpeg", b"\xff\xd8\xff")

    said = [
        follower.binary(a_preview(), later(0)),
        follower.binary(a_preview(), later(0.9)),
        follower.binary(a_preview(OTHER), later(0.9)),
        follower.binary(a_preview(), later(1)),
        follower.binary(a_preview("theirs"), later(1)),
    ]

    assert said == [[preview], [], [preview._replace(run_id=OTHER)], [preview], []]


# --- the clock


def test_nothing_is_asked_where_nothing_is_followed() -> None:
    """Not even when the socket comes back."""
    follower = Follower(OURS, BASE)

    assert [follower.connected(NOON), follower.disconnected(NOON), follower.tick(NOON)] == [[]] * 3
    assert follower.due_at is None


def test_the_queue_is_asked_before_the_histories() -> None:
    """A server moves a run from one to the other: in the other order it could be missed."""
    follower = a_follower(a_run(), a_run(OTHER))

    assert follower.due_at == later(10)
    assert follower.tick(later(9.9)) == []
    assert follower.tick(later(10)) == [QUEUE]
    assert follower.due_at is None
    assert follower.tick(later(60)) == []
    asked = follower.queue(a_queue(running=[OTHER], pending=[RUN]), later(60))

    assert [each for each in asked if isinstance(each, AskHistory)] == [HISTORY, AskHistory(OTHER)]
    assert follower.due_at is None


def test_the_queue_says_who_waits_and_who_runs() -> None:
    """A socket may say nothing of it; and a run that was taken waits no more."""
    follower = a_follower()

    def asked(at: float, answer: Queue) -> list[Said]:
        follower.tick(later(at))
        said = follower.queue(answer, later(at))
        follower.history(RUN, NOWHERE, later(at))
        return said

    assert asked(10, a_queue(pending=[OTHER, RUN])) == [told(RunStatus.QUEUED, 10), HISTORY]
    assert asked(20, a_queue(running=[OTHER, RUN])) == [told(RunStatus.RUNNING, 20), HISTORY]
    assert asked(30, a_queue(pending=[RUN])) == [HISTORY]


def test_a_run_that_has_ended_unheard_ends_by_its_history() -> None:
    """With its outputs; it may have no rows, for nobody heard its nodes."""
    follower = a_follower()
    follower.tick(later(10))
    follower.queue(a_queue(), later(10))

    said = follower.history(RUN, a_history(), later(11))

    [output] = outputs(said)
    assert said == [told(RunStatus.COMPLETED, 11, progress=1.0, outputs=(output,))]
    assert (output.id, output.received_at) == ("4/images/0", later(11))
    assert (follower.following, follower.due_at) == (frozenset(), None)


def test_a_run_that_is_nowhere_is_missing_once_a_round() -> None:
    """Whether it is lost is for others to say: it is followed on."""
    follower = a_follower()

    for at in (10, 20):
        assert follower.tick(later(at)) == [QUEUE]
        assert follower.queue(a_queue(), later(at)) == [HISTORY]
        assert follower.history(RUN, NOWHERE, later(at)) == [MISSING]
        assert follower.history(RUN, NOWHERE, later(at)) == []

    assert follower.following == {RUN}


@pytest.mark.parametrize(
    ("queue", "history"),
    [(None, NOWHERE), (a_queue(), None), (None, None)],
)
def test_of_no_answer_nothing_is_concluded(queue: Queue | None, history: InHistory | None) -> None:
    """It is asked again as with a dead socket."""
    follower = a_follower()
    follower.tick(later(10))

    assert follower.queue(queue, later(10)) == [HISTORY]
    assert follower.history(RUN, history, later(10)) == []
    assert follower.due_at == later(12)


def test_without_a_socket_rounds_are_closer() -> None:
    """From its loss on, and before it was ever there."""
    never = a_follower(connected=False)
    lost = a_follower()

    assert never.due_at == later(2)
    assert lost.disconnected(later(1)) == []
    assert lost.due_at == later(3)
    assert lost.tick(later(3)) == [QUEUE]
    lost.queue(a_queue(running=[RUN]), later(3))
    lost.disconnected(later(3))
    lost.history(RUN, NOWHERE, later(3.5))
    assert lost.due_at == later(5.5)


def test_a_round_that_is_near_is_not_put_off_by_a_lost_socket() -> None:
    """It comes when it would have come."""
    follower = a_follower()

    follower.disconnected(later(9))

    assert follower.tick(later(10)) == [QUEUE]


def test_a_socket_that_is_back_asks_at_once() -> None:
    """What was said meanwhile is not repeated."""
    follower = a_follower()
    follower.disconnected(later(1))

    assert follower.connected(later(2)) == [QUEUE]
    follower.queue(a_queue(running=[RUN]), later(2))
    follower.history(RUN, NOWHERE, later(2))
    assert follower.due_at == later(12)


def test_what_was_asked_before_the_socket_was_back_is_asked_again() -> None:
    """The end may have come after the answer was written, and before the socket was there."""
    follower = a_follower(connected=False)
    follower.tick(later(2))

    assert follower.connected(later(2.5)) == []
    assert follower.queue(a_queue(), later(3)) == []
    assert follower.due_at == later(2.5)
    assert follower.tick(later(3)) == [QUEUE]
    assert follower.queue(a_queue(), later(3)) == [HISTORY]
    assert follower.connected(later(3.5)) == []
    assert follower.due_at is None
    assert follower.history(RUN, NOWHERE, later(4)) == [MISSING]
    assert follower.tick(later(4)) == [QUEUE]


@pytest.mark.parametrize("client_id", ["somebody-else's", None])
def test_a_run_of_another_socket_is_asked_after_as_with_a_dead_one(client_id: str | None) -> None:
    """At once, for nobody knows what it said before; then often."""
    follower = a_follower(a_run(client_id=client_id))

    assert follower.due_at == NOON
    assert follower.tick(NOON) == [QUEUE]
    follower.queue(a_queue(running=[RUN]), NOON)
    follower.history(RUN, NOWHERE, NOON)
    assert follower.due_at == later(2)


def test_runs_that_came_one_by_one_are_asked_after_together() -> None:
    """A round takes along whose turn comes within half of what lies between its turns."""
    follower = a_follower()
    follower.expect(a_run(OTHER), later(5))
    late = RunId("run-3")
    follower.expect(a_run(late), later(5.1))

    follower.tick(later(10))

    asked = follower.queue(a_queue(), later(10))
    assert asked == [HISTORY, AskHistory(OTHER)]
    assert follower.due_at == later(15.1)


def test_a_run_that_is_being_asked_after_is_not_asked_again() -> None:
    """A slow server is not made slower; the others have their turns."""
    follower = a_follower(a_run(), a_run(OTHER))
    follower.tick(later(10))
    follower.queue(a_queue(running=[RUN, OTHER]), later(10))
    follower.history(OTHER, NOWHERE, later(10))

    assert follower.tick(later(20)) == [QUEUE]
    assert follower.queue(a_queue(running=[RUN, OTHER]), later(20)) == [AskHistory(OTHER)]
    say(follower, "execution_success", 20)
    assert follower.tick(later(21)) == []


def test_a_run_that_is_looked_for_has_its_next_round_as_usual() -> None:
    """Its history was asked before the queue: nothing follows from both."""
    follower = a_follower()
    say(follower, "execution_success", 9.9)
    follower.tick(later(10))
    assert follower.tick(later(10.2)) == [HISTORY]

    assert follower.queue(a_queue(), later(10.3)) == []
    assert follower.history(RUN, NOWHERE, later(10.4)) == []
    assert follower.due_at == later(10.9)
    assert follower.tick(later(12.4)) == [HISTORY]
    assert follower.history(RUN, NOWHERE, later(12.4)) == []
    assert follower.tick(later(12.4)) == [QUEUE]


# --- who is followed


def test_a_run_that_is_expected_again_stays_as_it_is() -> None:
    """Its progress is not told anew."""
    follower = a_follower()
    say(follower, "execution_start")

    follower.expect(a_run(client_id="another"), later(1))

    assert say(follower, "execution_start") == []
    assert follower.due_at == later(10)


def test_a_forgotten_run_is_followed_no_more() -> None:
    """What comes of it, or of what was asked about it, says nothing."""
    follower = a_follower(a_run(), a_run(OTHER))
    follower.tick(later(10))

    follower.forget(RUN)

    assert follower.following == {OTHER}
    assert say(follower, "execution_start") == []
    assert follower.queue(a_queue(running=[RUN, OTHER]), later(10))[-1] == AskHistory(OTHER)
    assert follower.history(RUN, a_history(), later(10)) == []
    assert follower.history(RUN, NOWHERE, later(10)) == []
    follower.forget(RUN)


def test_a_turn_of_a_forgotten_run_passes() -> None:
    """Others are asked after when it is their time."""
    follower = a_follower()
    follower.expect(a_run(OTHER), later(8))
    follower.forget(RUN)

    assert follower.tick(later(10)) == []
    assert follower.due_at == later(18)


def test_a_run_expected_after_the_queue_was_asked_waits_for_the_next() -> None:
    """The queue could not know it: it would be taken for missing."""
    follower = a_follower()
    follower.tick(later(10))
    follower.forget(RUN)
    follower.expect(a_run(), later(10))

    assert follower.queue(a_queue(), later(11)) == []
    assert follower.due_at == later(20)


def test_an_answer_that_nobody_has_asked_for_says_nothing() -> None:
    """But what history has is over."""
    follower = a_follower()

    assert follower.queue(a_queue(), NOON) == []
    assert follower.history(RUN, NOWHERE, NOON) == []
    assert follower.history(RUN, a_history(), NOON) != []


# --- what nodes took


def test_what_the_nodes_took_is_told_with_the_end() -> None:
    """Cached nodes took nothing."""
    follower = a_follower()
    say(follower, "execution_start")
    say(follower, "execution_cached", nodes=["1"])
    say(follower, "executing", 1, node="2", display_node="2")
    say(follower, "progress_state", 3, nodes=states(_2=(1, 1, "finished")))
    say(follower, "executing", 4, node="3.0.0.1", display_node="3")
    say(follower, "execution_success", 6)

    end = say(follower, "executing", 9, node=None)

    rows = (
        NodeUse("1", "Class1", (), 0, cached=True),
        NodeUse("2", "Class2", (), 2000, cached=False),
        NodeUse("3", "Class3", (), 2000, cached=False),
    )
    assert end[-1] == Used(rows, ID, RUN)


def test_what_was_not_heard_to_its_end_has_no_row() -> None:
    """Its end came while the socket was away, or only from the history."""
    follower = a_follower()
    say(follower, "execution_start")
    say(follower, "executing", 1, node="1")
    say(follower, "executing", 2, node="2")
    follower.disconnected(later(3))
    follower.connected(later(4))
    say(follower, "executing", 5, node="3")

    said = follower.history(RUN, a_history(), later(6))

    assert said[-1] == Used((NodeUse("1", "Class1", (), 1000, cached=False),), ID, RUN)


def test_of_a_run_that_shows_without_end_so_much_is_told_as_a_record_keeps() -> None:
    """Of a node that shows the same again and again, too; its history has what it came to."""
    follower, shown = a_follower(), list[Output]()

    for at in range(OUTPUTS_KEPT):
        shown += outputs(say(follower, "executed", at, node="4", output={"text": ["a", "b", "c"]}))

    assert len(shown) == OUTPUTS_KEPT
