"""processors.protocols.comfyui.answers: every recorded answer in our words."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.errors import RefusedBodyError
from processors.protocols import comfyui
from schemas.base import RunId
from schemas.run import RunReport, RunStatus
from tests.processors.protocols.comfyui.recorded import answers, raw

NOTHING: Final[dict[str, object]] = {}
NONE: Final[list[object]] = []
INTERRUPTED: Final[list[object]] = ["execution_interrupted", NOTHING]
RUN: Final = RunId("ddbb5c6d-21bc-41b8-9879-8cb6969c79af")
BASE: Final = "http://10.0.0.5:8188"
ENTRIES: Final = {
    RunId(name): entry for answer in answers("/history/") for name, entry in answer.items() if entry
}
OVER: Final = {
    RunId("8cafcdbe-9469-4b4f-acc4-e3045e2a5c3b"): (
        RunStatus.FAILED,
        "RefSleepProgress failed on purpose at step 2 (in RefSleepProgress)",
    ),
    RunId("07a2ae23-5542-4cdd-9aac-8a9c8be25842"): (
        RunStatus.FAILED,
        "RefSleepProgress failed on purpose at step 1 (in RefSleepProgress)",
    ),
    RunId("47e1d2d8-affa-43a9-babc-536318769005"): (
        RunStatus.FAILED,
        "RefSleepProgress failed on purpose at step 1 (in RefExpand)",
    ),
    RunId("d130e7fb-1190-44f8-a77a-ff88379dba95"): (RunStatus.CANCELLED, None),
}
"""The recorded prompts that did not succeed: how they ended, and why."""


def at(milliseconds: int) -> datetime:
    """A stamp as a time."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(
        microsecond=milliseconds % 1000 * 1000
    )


def a_report(
    *messages: object, status: str = "error", completed: bool = False, **entry: object
) -> RunReport:
    """What is made of an entry of history with these messages."""
    told = {
        "prompt": [1, RUN, {"5": {"class_type": "KSampler", "_meta": {"title": "Sampler"}}}, {}],
        "outputs": {},
        "status": {"status_str": status, "completed": completed, "messages": messages},
    }
    report = comfyui.report(raw({RUN: told | entry}), RUN, BASE)
    assert report is not None
    return report


def an_error(message: str = "", kind: str = "ValueError", **data: object) -> list[object]:
    """The message of a failure in node 5."""
    known = {"node_id": "5", "node_type": "KSampler", "timestamp": 2_000}
    return [
        "execution_error",
        known | {"exception_message": message, "exception_type": kind} | data,
    ]


# --- stats


def test_the_recorded_server_is_known() -> None:
    """Its version, its device and the memory of that."""
    (told,) = answers("/system_stats")
    assert comfyui.stats(raw(told)) == comfyui.Stats("0.30.2", "cpu", 25276510208, 23529472000)


@pytest.mark.parametrize(
    ("devices", "stats"),
    [
        (NONE, comfyui.Stats("1", None, None, None)),
        ([NOTHING], comfyui.Stats("1", None, None, None)),
        ([{"name": "cuda:0 RTX : native\n", "vram_total": 5, "vram_free": 2}, {"name": "b"}],
         comfyui.Stats("1", "cuda:0 RTX : native", 5, 2)),
    ],
    ids=["none", "odd", "two"],
)  # fmt: skip
def test_the_first_device_counts(devices: object, stats: comfyui.Stats) -> None:
    """A server without one that it names is a server all the same."""
    told = {"system": {"comfyui_version": "1"}, "devices": devices}
    assert comfyui.stats(raw(told)) == stats


@pytest.mark.parametrize(
    "told", [b"{}", b"ok", b"[]", b'{"system": {}, "devices": []}', b'{"system": null}']
)
def test_what_is_no_server_is_refused(told: bytes) -> None:
    """A proxy that answers 200 to everything is none."""
    with pytest.raises(RefusedBodyError):
        comfyui.stats(told)


# --- queue


@pytest.mark.parametrize("told", answers("/queue"))
def test_recorded_queues_are_read(told: dict[str, Any]) -> None:
    """Whoever's prompts they are."""
    queue = comfyui.queue(raw(told))
    assert queue.running == tuple(item[1] for item in told["queue_running"])
    assert queue.pending == ()


def test_waiting_prompts_are_in_the_order_they_run() -> None:
    """The server gives them in the order of a heap; numbers may be floats, and below zero."""
    pending = [[1, "b"], [3, "d", NOTHING, NOTHING], [-2.5, "a"], [1, "c"]]
    told = raw({"queue_running": [[9, "r"]], "queue_pending": pending})
    assert comfyui.queue(told) == comfyui.Queue(
        running=(RunId("r"),), pending=tuple(map(RunId, "abcd"))
    )


@pytest.mark.parametrize(
    "told",
    [
        b"{}",
        b'{"queue_running": []}',
        b'{"queue_running": {}, "queue_pending": []}',
        b'{"queue_running": [5], "queue_pending": []}',
        b'{"queue_running": [[]], "queue_pending": []}',
        b'{"queue_running": [], "queue_pending": [["1", "a"]]}',
        b'{"queue_running": [], "queue_pending": [[1, 5]]}',
    ],
    ids=str,
)
def test_a_queue_that_does_not_say_whose_is_refused(told: bytes) -> None:
    """A prompt that was passed over there would be taken for lost."""
    with pytest.raises(RefusedBodyError):
        comfyui.queue(told)


# --- history


@pytest.mark.parametrize("run_id", sorted(ENTRIES))
def test_every_recorded_entry_is_an_end(run_id: RunId) -> None:
    """A success where it was one, else why there was none, with both times of the server."""
    entry = ENTRIES[run_id]
    report = comfyui.report(raw({run_id: entry}), run_id, BASE)
    assert report is not None
    assert (report.status, report.error) == OVER.get(run_id, (RunStatus.COMPLETED, None))
    assert report.run_id == run_id
    stamps = [data["timestamp"] for _, data in entry["status"]["messages"]]
    assert (report.started_at, report.ended_at) == (at(stamps[0]), at(stamps[-1]))
    assert not report.passing


def test_the_results_are_in_the_report() -> None:
    """Without the preview, and with the address at the server."""
    report = comfyui.report(raw({RUN: ENTRIES[RUN]}), RUN, BASE)
    assert report is not None
    assert [(each.id, each.url) for each in report.outputs] == [
        ("4/images/0", f"{BASE}/view?filename=demo_00001_.png&subfolder=ref&type=output")
    ]


def test_a_prompt_that_history_does_not_have_is_not_over() -> None:
    """It waits, runs or is lost: the queue tells."""
    assert comfyui.report(b"{}", RUN, BASE) is None


def test_a_blocked_node_makes_no_failure() -> None:
    """Servers leave the message out; one that does not means a success all the same."""
    blocked = an_error("blocked", "ExecutionBlocked", timestamp=None)
    assert a_report(blocked, status="success").status is RunStatus.COMPLETED


def test_what_ended_a_prompt_is_the_last_failure() -> None:
    """A node that was blocked before it ended nothing."""
    blocked = an_error("blocked", "ExecutionBlocked", timestamp=None)
    assert a_report(blocked, an_error("broken")).error == "broken (in Sampler)"


@pytest.mark.parametrize(
    ("status", "completed", "messages", "ends"),
    [
        ("success", False, NONE, RunStatus.COMPLETED),
        ("done", True, NONE, RunStatus.COMPLETED),
        ("error", True, NONE, RunStatus.FAILED),
        ("error", False, NONE, RunStatus.FAILED),
        ("odd", False, [an_error()], RunStatus.FAILED),
        ("odd", False, [INTERRUPTED], RunStatus.CANCELLED),
        ("error", False, [an_error(), INTERRUPTED], RunStatus.CANCELLED),
        ("error", False, [INTERRUPTED, an_error()], RunStatus.FAILED),
    ],
)
def test_how_a_prompt_ended(
    status: str, *, completed: bool, messages: list[object], ends: RunStatus
) -> None:
    """Its status tells; of an error, the last message."""
    assert a_report(*messages, status=status, completed=completed).status is ends


@pytest.mark.parametrize(
    ("message", "kind", "said"),
    [
        (
            "mat1 and mat2 do not fit\nmore\n",
            "RuntimeError",
            "mat1 and mat2 do not fit (in Sampler)",
        ),
        ("\n", "KeyError", "KeyError (in Sampler)"),
        ("", "", "failed in Sampler"),
        ("x" * 500, "", f"{'x' * 199}… (in Sampler)"),
        ("no file '/root/ComfyUI/a b.pt'", "", "no file 'a b.pt' (in Sampler)"),
        ("GET https://u:p@x.example.com/?key=5", "", "GET https://x.example.com/ (in Sampler)"),
    ],
)
def test_a_failure_is_told_in_one_line(message: str, kind: str, said: str) -> None:
    """With the title of its node, and without what is the server's own."""
    secret = {"current_inputs": {"key": ["secret"]}, "traceback": ["secret"]}
    report = a_report(an_error(message, kind, **secret))
    assert report.error == said
    assert "secret" not in report.model_dump_json()


@pytest.mark.parametrize(
    ("prompt", "data", "said"),
    [
        (None, NOTHING, "no (in KSampler)"),
        (NONE, NOTHING, "no (in KSampler)"),
        ([1, RUN, NONE], NOTHING, "no (in KSampler)"),
        ([1, RUN, {"5": 5}], NOTHING, "no (in KSampler)"),
        ([1, RUN, {"5": NOTHING}], NOTHING, "no (in KSampler)"),
        (None, {"node_type": None}, "no"),
        (None, {"node_type": None, "exception_message": "", "exception_type": ""}, None),
        (None, {"exception_message": 5}, None),
    ],
)
def test_a_failure_goes_by_what_is_known_of_its_node(
    prompt: object, data: dict[str, Any], said: str | None
) -> None:
    """By its title, else by its class, else by nothing."""
    assert a_report(an_error("no", **data), prompt=prompt).error == said


@pytest.mark.parametrize(
    ("message", "kind", "passing"),
    [
        ("Allocation on device ", "torch.OutOfMemoryError", True),
        ("", "torch.cuda.OutOfMemoryError", True),
        ("CUDA out of memory. Tried to allocate 2.00 GiB", "RuntimeError", True),
        ("HIP out of memory. Tried", "RuntimeError", True),
        ("Allocation on device 0 would exceed", "Exception", True),
        ("", "MemoryError", True),
        ("mat1 and mat2 do not fit", "RuntimeError", False),
        ("", "ValueError", False),
    ],
)
def test_want_of_memory_may_pass(message: str, kind: str, *, passing: bool) -> None:
    """Another server may have more of it; nothing else is tried again."""
    assert a_report(an_error(message, kind)).passing is passing


def test_only_a_failure_may_pass() -> None:
    """Nobody tries an interrupted run again."""
    messages = an_error("", "MemoryError"), INTERRUPTED
    assert not a_report(*messages).passing


@pytest.mark.parametrize(
    "messages",
    [
        NONE,
        [["execution_start", {"timestamp": 1_000}]],
        [["execution_success", {"timestamp": 1_000}]],
        [["execution_start", {"timestamp": 2_001}], ["execution_success", {"timestamp": 2_000}]],
        [["execution_start", {"timestamp": "1"}], ["execution_success", {"timestamp": 2_000}]],
        [["execution_start", {"timestamp": 1}], ["execution_success", {"timestamp": 10**18}]],
        [["execution_start", {"timestamp": -1}], ["execution_success", {"timestamp": 2_000}]],
        [["execution_start"], [5, NOTHING], ["execution_success", 5], 5, None],
    ],
    ids=str,
)
def test_times_are_both_known_or_neither(messages: list[object]) -> None:
    """A success without them is a success; how long it took goes by when we heard of it."""
    report = a_report(*messages, status="success")
    assert (report.started_at, report.ended_at) == (None, None)
    assert report.status is RunStatus.COMPLETED


def test_an_interruption_has_its_times() -> None:
    """It is an end like others."""
    start = ["execution_start", {"timestamp": 1_001}]
    report = a_report(start, ["execution_interrupted", {"timestamp": 2_002}])
    assert (report.started_at, report.ended_at) == (at(1_001), at(2_002))


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (b"not json", None),
        (b"[]", None),
        (b'{"another": {}}', None),
        (raw({RUN: None}), None),
        (raw({RUN: {"outputs": {}}}), "status"),
        (raw({RUN: {"outputs": {}, "status": None}}), "status"),
        (raw({RUN: {"outputs": [], "status": {"status_str": "success"}}}), "outputs"),
        (raw({RUN: {"outputs": {}, "status": {"status_str": 5}}}), "status.status_str"),
        (raw({RUN: {"outputs": {}, "status": {"status_str": "odd"}}}), "status.status_str"),
    ],
)
def test_what_tells_no_end_is_refused(told: bytes, field: str | None) -> None:
    """What a proxy or another program answers ends nobody's run."""
    with pytest.raises(RefusedBodyError) as refused:
        comfyui.report(told, RUN, BASE)
    assert refused.value.field == field


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(json_values, json_values, json_values, st.sampled_from(["success", "error", "odd"]))
def test_any_entry_is_an_end_or_refused(
    prompt: object, outputs: object, messages: object, status: str
) -> None:
    """Extensions put what they like into history."""
    told = {
        "prompt": prompt,
        "outputs": outputs,
        "status": {"status_str": status, "messages": [["execution_error", messages], messages]},
    }
    try:
        report = comfyui.report(raw({RUN: told}), RUN, BASE)
    except RefusedBodyError:
        return
    assert report is not None
