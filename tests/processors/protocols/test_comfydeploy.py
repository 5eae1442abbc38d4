"""processors.protocols.comfydeploy: every recorded body in our words, and every bad one refused."""

import json
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.errors import RefusedBodyError
from processors.protocols import comfydeploy
from schemas.generation import OUTPUTS_KEPT
from schemas.run import Output, OutputKind, RunEvent, RunStatus
from tests.builders import COMFYDEPLOY, ID, NOON, a_delivery

SAMPLES: Final = Path(__file__).parents[2] / "samples" / "comfydeploy"
MANIFEST: Final = json.loads((SAMPLES / "manifest.json").read_text())
WEBHOOKS: Final = sorted([*SAMPLES.glob("[01]*.json"), *SAMPLES.glob("edge/*.json")])
RUNS: Final = sorted(SAMPLES.glob("api/get_run_*.json"))
ERRORS: Final = sorted(
    {*SAMPLES.glob("api/*error*.json"), *SAMPLES.glob("api/post_file_upload_error*.json")}
)
RUN: Final = "7f3c2b1a-5d4e-4c6f-9a8b-0e1d2c3b4a59"
BUCKET: Final = f"https://comfy-deploy-output.s3.us-east-2.amazonaws.com/outputs/runs/{RUN}"


def named(path: Path) -> str:
    """The sample's own name."""
    return str(path.relative_to(SAMPLES))


def sample(name: str) -> bytes:
    """The body recorded under this name."""
    return (SAMPLES / name).read_bytes()


def heard(raw: bytes) -> RunEvent:
    """What a webhook of this body says."""
    return comfydeploy.receive(a_delivery(raw))


def a_body(**fields: Any) -> bytes:  # noqa: ANN401 - any JSON
    """A webhook's body that is right but for `fields`."""
    return json.dumps({"run_id": RUN, "status": "running"} | fields).encode()


def a_row(*items: object, key: str = "images") -> dict[str, object]:
    """One output row with these items under `key`."""
    return {"id": "row", "data": {key: list(items)}, "node_meta": {"node_id": "9"}}


def a_file(name: str, **fields: object) -> dict[str, object]:
    """One uploaded file."""
    return {"url": f"https://b.example.com/{name}", "filename": name, "type": "output"} | fields


def repr_of(part: object) -> str:
    """A short name for a case."""
    return repr(part)[:60]


def ids(outputs: tuple[Output, ...]) -> list[str]:
    """The ids of outputs, in their order."""
    return [each.id for each in outputs]


# --- webhooks


@pytest.mark.parametrize("path", WEBHOOKS, ids=named)
def test_every_recorded_webhook_is_heard(path: Path) -> None:
    """Its status is ours, its progress a share, its run and its words its own."""
    event = heard(path.read_bytes())
    body = json.loads(path.read_bytes())

    assert event.engine == COMFYDEPLOY
    assert (event.generation_id, event.attempt, event.received_at) == (ID, 1, NOON)
    assert event.run_id == body["run_id"]
    assert event.status is comfydeploy.STATUSES[body["status"]]
    assert event.progress == pytest.approx(body["progress"], abs=0.00005)
    assert event.live_status == body["live_status"]
    assert (event.outputs == ()) == (body["outputs"] == [])
    assert {each.received_at for each in event.outputs} <= {NOON}


def test_every_recorded_webhook_is_tried() -> None:
    """The samples' own index names no webhook that the test above passes over."""
    listed = {each["file"] for each in MANIFEST["webhooks"] + MANIFEST["edge"]}

    assert {named(path) for path in WEBHOOKS} == listed


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("00_not-started.json", RunStatus.QUEUED),
        ("01_queued.json", RunStatus.QUEUED),
        ("02_started.json", RunStatus.STARTED),
        ("03_running_status.json", RunStatus.RUNNING),
        ("07_uploading.json", RunStatus.UPLOADING),
        ("08_success.json", RunStatus.COMPLETED),
        ("10_failed.json", RunStatus.FAILED),
        ("12_timeout.json", RunStatus.TIMEOUT),
        ("13_cancelled.json", RunStatus.CANCELLED),
    ],
)
def test_their_nine_statuses_are_eight_of_ours(name: str, status: RunStatus) -> None:
    """What waits for a machine is queued; `success` is stored as completed."""
    assert heard(sample(name)).status is status


def test_a_recorded_success_brings_its_outputs() -> None:
    """Pictures, the video that came under `files`, and every text, by id."""
    event = heard(sample("08_success.json"))
    described = {each.id.split("-", 1)[0]: each for each in event.outputs}

    assert [(each.id.split("-", 1)[0], each.kind, each.node_id) for each in event.outputs] == [
        ("0c9b8a7d", OutputKind.TEXT, "12"),
        ("6f5e4d3c", OutputKind.TEXT, "21"),
        ("aa55cc77", OutputKind.TEXT, "30"),
        ("d2f0b7c4", OutputKind.IMAGE, "9"),
        ("d2f0b7c4", OutputKind.IMAGE, "9"),
        ("4b8e6d2a", OutputKind.VIDEO, "15"),
    ]
    assert described["0c9b8a7d"].text == "a lighthouse at dusk, oil painting"
    assert described["4b8e6d2a"] == Output(
        id="4b8e6d2a-7c35-49f1-8e20-5a6b7c8d9e0f/files/0",
        kind=OutputKind.VIDEO,
        url=f"{BUCKET}/AnimateDiff_00001.mp4",
        content_type="video/h264-mp4",
        filename="AnimateDiff_00001.mp4",
        node_id="15",
        received_at=NOON,
    )
    assert described["d2f0b7c4"].id.endswith("/images/1")
    assert event.progress == 0.88


def test_a_webhook_without_a_body_is_a_sign_of_life() -> None:
    """It tells of no run and no status."""
    event = heard(b"")

    assert (event.run_id, event.status, event.outputs) == (None, None, ())


def test_case_11_a_status_they_may_add_is_none_of_ours() -> None:
    """An event with an unknown status still tells the rest."""
    event = heard(a_body(status="paused", progress=0.5, new_field={"deep": [1]}))

    assert (event.status, event.progress) == (None, 0.5)
    assert event.unknown_status == "paused"
    assert heard(a_body(status="running")).unknown_status is None


def test_case_11_an_unknown_status_is_kept_as_a_log_may_show_it() -> None:
    """Cut, on one line, and without what would steer a terminal; in an answer as in an event."""
    word = "a\nb\x1b[2J\u202e" + "x" * 50
    shown = "a?b?[2J?" + "x" * 32

    assert heard(a_body(status=word)).unknown_status == shown
    assert comfydeploy.report(a_run(status=word)).unknown_status == shown
    assert comfydeploy.report(a_run(status="success")).unknown_status is None


@pytest.mark.parametrize(
    ("told", "share"),
    [
        (0.8799999952316284, 0.88),
        (0.6200000047683716, 0.62),
        (0, 0.0),
        (1, 1.0),
        (1.0, 1.0),
        (1.01, 0.0),
        (62, 0.0),
        (-0.1, 0.0),
        (None, 0.0),
        (10**30, 0.0),
    ],
)
def test_progress_is_a_share_or_tells_nothing(told: object, share: float) -> None:
    """The tail of their 32-bit column is cut; what is no share is passed over."""
    assert heard(a_body(progress=told)).progress == share


def test_words_are_short_or_none() -> None:
    """An empty live status is none; a long one is cut."""
    assert heard(a_body(live_status="")).live_status is None
    assert heard(a_body(live_status="x" * 500)).live_status == "x" * 200


# --- refusals


NOT_JSON: Final = {
    "a word": b"hello",
    "blank": b" ",
    "cut short": b'{"run_id": "r", "status": "running"',
    "more behind": a_body() + b" x",
    "NaN where nobody looks": a_body(x=float("nan")),
    "Infinity for progress": a_body(progress=float("inf")),
    "-Infinity among outputs": a_body(outputs=[float("-inf")]),
    "1e999": b'{"run_id": "r", "status": "running", "x": 1e999}',
    "1e999 for progress": b'{"run_id": "r", "status": "running", "progress": 1e999}',
    "an int of 5,000 digits": b'{"run_id": "r", "status": "a", "x": ' + b"9" * 5000 + b"}",
    "lists 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "objects 100,000 deep": b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
    "outputs 100,000 deep": b'{"outputs": ' + b"[" * 100_000,
    "byte order mark": b"\xef\xbb\xbf" + a_body(),
    "UTF-16": a_body().decode().encode("utf-16"),
    "no UTF-8": a_body(x="Q").replace(b"Q", b"\xff"),
    "a surrogate as UTF-8": a_body(live_status="Q").replace(b"Q", b"\xed\xa0\x80"),
    "a lone surrogate": a_body(x="\ud800"),
    "a lone surrogate for a key": a_body(**{"\udfff": 1}),
    "NUL in a text": a_body(live_status="a\0b"),
    "NUL in a key": a_body(**{"a\0b": 1}),
    "NUL behind a backslash": a_body(outputs=[a_row("a\\\0")]),
    "NUL as it is": a_body(x="Q").replace(b"Q", b"\0"),
}
NOT_THE_SCHEMA: Final[dict[str, tuple[bytes, str | None]]] = {
    "a list": (b"[]", None),
    "null": (b"null", None),
    "a text": (b'"run"', None),
    "nothing in it": (b"{}", "run_id"),
    "empty run id": (a_body(run_id=""), "run_id"),
    "a number for run id": (a_body(run_id=7), "run_id"),
    "null for run id": (a_body(run_id=None), "run_id"),
    "an operator for run id": (a_body(run_id={"$ne": None}), "run_id"),
    "a path for run id": (a_body(run_id="a/../b"), "run_id"),
    "a line end behind run id": (a_body(run_id="r\n"), "run_id"),
    "a long run id": (a_body(run_id="r" * 129), "run_id"),
    "null for status": (a_body(status=None), "status"),
    "empty status": (a_body(status=""), "status"),
    "a list for status": (a_body(status=["running"]), "status"),
    "a long status": (a_body(status="x" * 65), "status"),
    "a text for progress": (a_body(progress="0.5"), "progress"),
    "a truth for progress": (a_body(progress=True), "progress"),
    "an operator for progress": (a_body(progress={"$max": 1}), "progress"),
    "a number for words": (a_body(live_status=5), "live_status"),
    "an object for outputs": (a_body(outputs={}), "outputs"),
    "a text for outputs": (a_body(outputs="none"), "outputs"),
    "a number for the type": (a_body(event_type=1), "event_type"),
}


@pytest.mark.parametrize("case", NOT_JSON)
def test_what_is_not_json_to_the_letter_is_refused(case: str) -> None:
    """With its reason, and no field."""
    with pytest.raises(RefusedBodyError) as refused:
        heard(NOT_JSON[case])

    assert (refused.value.reason, refused.value.field) == ("json", None)
    assert str(refused.value)


@pytest.mark.parametrize("case", NOT_THE_SCHEMA)
def test_what_is_not_the_schema_is_refused(case: str) -> None:
    """With its reason, and the name of the field at fault."""
    raw, field = NOT_THE_SCHEMA[case]
    with pytest.raises(RefusedBodyError) as refused:
        heard(raw)

    assert (refused.value.reason, refused.value.field) == ("schema", field)
    assert str(refused.value).startswith(f"{field}: ") == (field is not None)


def test_a_backslash_before_u0000_is_no_nul() -> None:
    """A text that spells the escape out is a text like any other."""
    (output,) = heard(a_body(outputs=[a_row("a\\u0000b", "c")])).outputs[:1]

    assert output.text == "a\\u0000b"


def test_of_two_equal_keys_the_last_counts() -> None:
    """As every reader of this JSON behind us would have it."""
    assert heard(b'{"run_id": "a", "status": "queued", "run_id": "b"}').run_id == "b"


READERS: Final = [
    comfydeploy.report,
    comfydeploy.submitted,
    comfydeploy.listed,
    comfydeploy.uploaded,
    heard,
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    ["id", "run_id", "status", "progress", "outputs", "data", "detail", "loc", "url", "created_at"]
)
bodies = (
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(fields, json_values | st.lists(st.dictionaries(fields, json_values))).map(
        lambda value: json.dumps({"id": "r", "run_id": "r", "status": "success"} | value).encode()
    )
)


@given(bodies)
@example(b'{"id": "r", "status": "success", "ended_at": "0001-01-01T00:00:00+23:59"}')
@example(b'{"id": "r", "status": "success", "ended_at": "9999-12-31T23:59:59-23:59"}')
@example(b'{"data": [{"id": "r", "created_at": "0001-01-01T00:00:00+23:59"}]}')
@example(b'{"detail": [{"loc": 5}, {"loc": null}, 5]}')
@example(b'{"detail": ' + b"9" * 4299 + b"}")
def test_nothing_that_is_sent_raises_anything_else(raw: bytes) -> None:
    """Any bytes are read or refused; an error's own text is read whatever it is."""
    for read in READERS:
        with suppress(RefusedBodyError):
            read(raw)
    said = comfydeploy.detail(raw)
    assert len(said) <= 300
    assert "\n" not in said


# --- outputs


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (a_file("a.png"), OutputKind.IMAGE),
        (a_file("a.JPEG"), OutputKind.IMAGE),
        (a_file("a.mp4"), OutputKind.VIDEO),
        (a_file("a.webm"), OutputKind.VIDEO),
        (a_file("a.gif"), OutputKind.IMAGE),
        (a_file("a.mp3"), OutputKind.AUDIO),
        (a_file("a.flac"), OutputKind.AUDIO),
        (a_file("a.txt"), OutputKind.TEXT),
        (a_file("a.glb"), OutputKind.MODEL),
        (a_file("a.zip"), OutputKind.FILE),
        (a_file("a"), OutputKind.FILE),
        (a_file("a.mp4", format="image/png"), OutputKind.VIDEO),
        (a_file("a.bin", format="video/h264-mp4"), OutputKind.VIDEO),
        (a_file("a", format="audio/x"), OutputKind.AUDIO),
        (a_file("a", format="image"), OutputKind.IMAGE),
        (a_file("a", format="application/zip"), OutputKind.FILE),
        ({"url": "https://b.example.com/x/a.png?X-Amz-Signature=a.mp4"}, OutputKind.IMAGE),
        ({"url": "https://b.example.com/a"}, OutputKind.FILE),
        ({"url": "nothing"}, OutputKind.FILE),
    ],
)
@pytest.mark.parametrize("key", ["images", "files", "gifs"])
def test_an_output_is_judged_by_its_name_not_its_key(
    item: dict[str, object], kind: OutputKind, key: str
) -> None:
    """Since March 2025 videos come under `files`."""
    (output,) = comfydeploy.outputs([a_row(item, key=key)], NOON)

    assert (output.kind, output.id) == (kind, f"row/{key}/0")


def test_only_a_media_type_is_a_content_type() -> None:
    """VHS gives `video/h264-mp4`; a bare word is no type."""
    told = [a_row(a_file("a.png", format="image/png"), a_file("b.png", format="png"))]

    assert [each.content_type for each in comfydeploy.outputs(told, None)] == ["image/png", None]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        5,
        True,
        [],
        {},
        {"filename": "a.png"},
        {"url": ""},
        {"url": 5},
        {"url": "u" * 5000},
        {"url": "https://b.example.com/a.png", "filename": "f" * 2000},
        a_file("preview.png", type="temp"),
    ],
    ids=repr_of,
)
def test_an_odd_item_spoils_no_other(odd: object) -> None:
    """It is passed over; the ids of its neighbours count it."""
    told = [a_row(a_file("a.png"), odd, a_file("b.png"))]

    assert ids(comfydeploy.outputs(told, None)) == ["row/images/0", "row/images/2"]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "row",
        {},
        {"id": ""},
        {"id": 5, "data": {}},
        {"id": "odd", "data": []},
        {"id": "odd", "data": {"images": {"url": "https://b.example.com"}}},
        {"id": "odd", "data": {"k" * 200: ["text"]}},
        {"id": "odd", "data": {}, "node_meta": "9"},
    ],
    ids=repr_of,
)
def test_an_odd_row_spoils_no_other(odd: object) -> None:
    """It is passed over."""
    assert ids(comfydeploy.outputs([odd, a_row("text", key="text")], None)) == ["row/text/0"]


@pytest.mark.parametrize(
    ("meta", "node"),
    [(None, None), ({}, None), ({"node_id": 9}, "9"), ({"node_id": "n" * 99}, "n" * 64)],
)
def test_the_node_of_an_output_may_be_unknown(meta: object, node: str | None) -> None:
    """The values of old nodes are not always texts."""
    (output,) = comfydeploy.outputs([{"id": "r", "data": {"t": ["x"]}, "node_meta": meta}], None)

    assert (output.node_id, output.received_at) == (node, None)


def test_a_record_is_not_flooded() -> None:
    """At most 200 outputs, and 8,000 characters of a text."""
    rows = [a_row(*["x" * 9000] * 150, key="text")] * 2
    told = comfydeploy.outputs(rows, None)

    assert len(told) == OUTPUTS_KEPT
    assert {len(each.text or "") for each in told} == {8000}
    assert comfydeploy.outputs(None, None) == ()


def test_a_long_name_keeps_its_extension() -> None:
    """That is at its end."""
    (output,) = comfydeploy.outputs([a_row(a_file("x" * 500 + ".mp4"))], None)

    assert (output.filename or "")[-5:] == "x.mp4"
    assert len(output.filename or "") == comfydeploy.NAME_KEPT


@pytest.mark.parametrize(
    "outputs",
    [
        pytest.param("[" + "{}," * 349_000 + "{}]", id="rows"),
        pytest.param("[" + "1," * 520_000 + "1]", id="numbers"),
        pytest.param('[{"id":"r","data":{"t":[' + '"",' * 349_000 + '""]}}]', id="texts"),
        pytest.param('[{"id":"r","data":{"t":[' + "1," * 520_000 + "1]}}]", id="items"),
        pytest.param(
            '[{"id":"r","data":{' + ",".join(f'"{each}":[]' for each in range(100_000)) + "}}]",
            id="keys",
        ),
    ],
)
def test_case_24_many_small_values_are_little_work(outputs: str) -> None:
    """A body of a mebibyte holds up nobody: what is done for it is counted, not timed."""
    raw = f'{{"run_id": "r", "status": "success", "outputs": {outputs}}}'.encode()
    calls = 0

    def count(_frame: FrameType, what: str, _arg: object) -> None:
        nonlocal calls
        calls += what == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        event = heard(raw)
    finally:
        sys.setprofile(before)

    assert event.status is RunStatus.COMPLETED
    assert len(event.outputs) <= OUTPUTS_KEPT
    assert calls < 10 * comfydeploy.LOOKED_AT


# --- the API's answers


@pytest.mark.parametrize("path", RUNS, ids=named)
def test_every_recorded_run_is_read(path: Path) -> None:
    """Status, progress, webhook and times are its own, in whole milliseconds of UTC."""
    told = json.loads(path.read_bytes())
    report = comfydeploy.report(path.read_bytes())

    assert report.run_id == told["id"]
    assert report.status is comfydeploy.STATUSES[told["status"]]
    assert report.webhook == told["webhook"]
    assert report.queue_position == told["queue_position"]
    assert report.computed is False
    for name in ("created_at", "queued_at", "started_at", "ended_at"):
        expected = told[name] and datetime.fromisoformat(told[name])
        assert getattr(report, name) == expected
    assert all(each.received_at is None for each in report.outputs)


def test_a_recorded_run_ran_for_24_seconds() -> None:
    """From `started_at` to `ended_at` by their own clock."""
    report = comfydeploy.report(sample("api/get_run_success.json"))

    assert report.started_at is not None
    assert report.ended_at is not None
    assert report.ended_at - report.started_at == timedelta(seconds=23.992)
    assert {each.kind for each in report.outputs} >= {OutputKind.IMAGE, OutputKind.VIDEO}


def a_run(**told: object) -> bytes:
    """A run's answer that is right but for `told`."""
    return json.dumps({"id": RUN, "status": "running"} | told).encode()


def test_a_timeout_without_an_end_is_concluded() -> None:
    """The API computes it from a day of silence; one with an end was seen."""
    ended = "2025-11-14T09:31:19.640000Z"

    assert comfydeploy.report(a_run(status="timeout")).computed is True
    assert comfydeploy.report(a_run(status="timeout", ended_at=ended)).computed is False
    assert comfydeploy.report(a_run(status="failed")).computed is False


def test_a_run_of_an_unknown_status_goes_on() -> None:
    """Peers may add statuses: one that we do not know is no end."""
    assert comfydeploy.report(a_run(status="paused")).status is RunStatus.QUEUED


def test_times_are_cut_to_milliseconds_of_utc() -> None:
    """What MongoDB keeps."""
    report = comfydeploy.report(a_run(started_at="2025-11-14T11:30:55.648999+02:00"))

    assert report.started_at == datetime(2025, 11, 14, 9, 30, 55, 648000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"id": None}, "id"),
        ({"queue_position": -1}, "queue_position"),
        ({"queue_position": 2**63}, "queue_position"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"started_at": "2025-11-14T09:30:55"}, "started_at"),
    ],
)
def test_an_answer_that_is_no_run_is_refused(told: dict[str, object], field: str) -> None:
    """By the name of what is wrong."""
    with pytest.raises(RefusedBodyError) as refused:
        comfydeploy.report(a_run(**told))

    assert (refused.value.reason, refused.value.field) == ("schema", field)


def test_a_submission_asks_for_every_webhook() -> None:
    """Progress included; inputs go as they came, and the caller's are not changed."""
    inputs: dict[str, Any] = {"prompt": "a lighthouse at dusk", "seed": 42}
    body = comfydeploy.submission("deployment", inputs, "https://r.example.com/hook")

    assert body == {
        "deployment_id": "deployment",
        "inputs": inputs,
        "webhook": "https://r.example.com/hook",
        "webhook_intermediate_status": True,
    }
    assert body["inputs"] is not inputs
    recorded = json.loads(sample("api/post_queue_request.json"))
    assert set(body) <= set(recorded)


def test_the_answer_to_a_submit_names_the_run() -> None:
    """And nothing else will do."""
    assert comfydeploy.submitted(sample("api/post_queue_response_200.json")) == RUN
    for raw in (b"{}", b'{"run_id": ""}', b'{"run_id": "a b"}', b"Internal Server Error"):
        with pytest.raises(RefusedBodyError):
            comfydeploy.submitted(raw)


def test_the_times_of_a_list_are_utc_without_saying_so() -> None:
    """Every other answer says so."""
    (run,) = comfydeploy.listed(sample("api/get_deployment_runs_response_200.json"))

    assert run == (RUN, datetime(2025, 11, 14, 9, 30, 41, 207000, tzinfo=UTC))


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2026-01-01T12:00:00", NOON),
        ("2026-01-01T12:00:00Z", NOON),
        ("2026-01-01T14:00:00+02:00", NOON),
        ("2026-01-01 12:00:00", NOON),
    ],
)
def test_a_time_that_has_a_zone_keeps_it(told: str, at: datetime) -> None:
    """They may begin to say so."""
    raw = json.dumps({"data": [{"id": "r", "created_at": told}]}).encode()

    assert comfydeploy.listed(raw) == (("r", at),)


def test_a_list_with_a_time_that_is_none_is_refused() -> None:
    """By the name of what is wrong."""
    with pytest.raises(RefusedBodyError) as refused:
        comfydeploy.listed(b'{"data": [{"id": "r", "created_at": "yesterday"}]}')

    assert (refused.value.reason, refused.value.field) == ("schema", "created_at")


def test_an_uploaded_file_has_an_address() -> None:
    """It is what an input takes."""
    assert comfydeploy.uploaded(sample("api/post_file_upload_response_200.json")).endswith(
        "/inputs/img_7QmX2kP9vT4sWz1b.png"
    )


# --- errors


@pytest.mark.parametrize("path", ERRORS, ids=named)
def test_every_recorded_error_says_something(path: Path) -> None:
    """In one short line: its own text, or the first complaints of a list."""
    said = comfydeploy.detail(path.read_bytes())
    told = json.loads(path.read_bytes())["detail"]

    assert 0 < len(said) <= 300
    if isinstance(told, str):
        assert said == told
    else:
        assert said.startswith("body.deployment_id: Input should be a valid UUID")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"Internal Server Error", ""),
        (b"", ""),
        (b"[]", ""),
        (b"{}", ""),
        (b'{"detail": null}', ""),
        (b'{"detail": ""}', ""),
        (b'{"detail": []}', ""),
        (b'{"detail": "two\\nlines\\t of  it"}', "two lines of it"),
        (b'{"detail": {"code": 7}}', "{'code': 7}"),
        (b'{"detail": ["a", 5, {"loc": ["b", 0], "msg": "bad"}, "d"]}', "a; 5; b.0: bad"),
        (b'{"detail": [{"loc": 5, "msg": "bad"}, {"msg": "bad"}, {}]}', "?: bad; ?: bad; ?:"),
        (b'{"detail": "' + b"x" * 999 + b'"}', "x" * 300),
    ],
    ids=repr_of,
)
def test_an_error_is_read_whatever_it_is(raw: bytes, said: str) -> None:
    """What says nothing is empty; never an error of our own."""
    assert comfydeploy.detail(raw) == said


@pytest.mark.parametrize(
    ("said", "is_so"),
    [("Your account has been suspended.", True), ("You have no credits left", False), ("", False)],
)
def test_a_suspended_account_is_told_by_its_words(said: str, *, is_so: bool) -> None:
    """Another refusal is about one order."""
    assert comfydeploy.is_suspension(said) is is_so
