"""processors.protocols.comfyui.reading: what Python writes as JSON is read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.errors import RefusedBodyError
from processors.protocols import comfyui
from schemas.base import RunId
from schemas.run import RunStatus
from tests.processors.protocols.comfyui.recorded import a_node, raw


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"a": 1.5}', {"a": 1.5}),
        (b'{"a": [NaN, Infinity, -Infinity, 2.5]}', {"a": [None, None, None, 2.5]}),
        (b'{"a": 1e999}', {"a": None}),
        (rb'{"a": "x\ud800y", "\udfff": 1}', {"a": "x?y", "?": 1}),
        (b'{"a": "\xff"}', {"a": "�"}),
    ],
)
def test_what_python_writes_is_read(raw: bytes, told: dict[str, Any]) -> None:
    """Null stands for numbers that are none, a question mark for half a character."""
    assert comfyui.decoded(raw) == told


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"NaN", b"[NaN]", b"[]", b"OK", b'{"a":' + b"[" * 100_000]
)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    """However it is read."""
    with pytest.raises(RefusedBodyError):
        comfyui.decoded(raw)


def test_a_node_that_always_runs_anew_hides_no_end() -> None:
    """Its NaN stands in the graph that queue and history give back."""
    run_id = RunId("ddbb5c6d-21bc-41b8-9879-8cb6969c79af")
    item = [1, run_id, {"1": a_node() | {"is_changed": [float("nan")]}}, {}, ["1"]]
    entry = {"prompt": item, "outputs": {}, "status": {"status_str": "success"}}
    report = comfyui.report(raw({run_id: entry}), run_id, "http://10.0.0.5:8188")
    assert report is not None
    assert report.status is RunStatus.COMPLETED
    queue = comfyui.queue(raw({"queue_running": [item], "queue_pending": []}))
    assert queue.running == (run_id,)


@given(st.dictionaries(st.text(st.characters()), st.floats() | st.text(st.characters())))
def test_any_object_of_python_is_read(told: dict[str, object]) -> None:
    """Nothing of it is refused."""
    assert len(comfyui.decoded(json.dumps(told).encode())) <= len(told)
