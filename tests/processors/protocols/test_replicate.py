"""processors.protocols.replicate: every recorded body in our words, and every bad one refused."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.errors import RefusedBodyError
from processors.protocols import replicate
from processors.protocols.replicate import results
from schemas.generation import OUTPUTS_KEPT, Request
from schemas.run import Output, OutputKind, RunEvent, RunReport, RunStatus
from tests.builders import ID, NOON, a_delivery

SAMPLES: Final = Path(__file__).parents[2] / "samples" / "replicate"
RUN: Final = "p5xk2m8q4hrme0cv9t3w7z6yab"
FILES: Final = "https://replicate.delivery/xezq/peerAAAA1"
VERSION: Final = "7d3f0a1b2c3d4e5f60710a1b2c3d4e5f60710a1b2c3d4e5f60718293a4b5c6d7"
HOOK: Final = "https://bot.example/api/webhook/replicate?generation=66f0c1&token=1.x"
READERS: Final[tuple[Callable[[bytes], object], ...]] = (
    replicate.created,
    replicate.report,
    replicate.listed,
    replicate.signing_secret,
    lambda raw: replicate.receive(a_delivery(raw, engine=replicate.NAME)),
)
"""What may refuse a body, and nothing else."""


def sample(name: str) -> bytes:
    """The body recorded under this name."""
    return (SAMPLES / f"{name}.json").read_bytes()


def heard(raw: bytes) -> RunEvent:
    """What a webhook of this body says."""
    return replicate.receive(a_delivery(raw, engine=replicate.NAME))


def a_body(**fields: Any) -> bytes:  # noqa: ANN401 - any JSON
    """A prediction that is right but for `fields`."""
    return json.dumps({"id": RUN, "status": "processing"} | fields).encode()


def told(**fields: Any) -> RunReport:  # noqa: ANN401 - any JSON
    """What a prediction of these fields says."""
    return replicate.report(a_body(**fields))


def made(output: object) -> list[tuple[str, str | None]]:
    """The ids of what a prediction gave, each with its address or text."""
    return [(each.id, each.url or each.text) for each in told(output=output).outputs]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("create_201_starting", RunStatus.QUEUED),
        ("create_cancel_after", RunStatus.QUEUED),
        ("create_wait_201_processing_with_output", RunStatus.RUNNING),
        ("create_wait_202_timed_out", RunStatus.QUEUED),
        ("get_aborted", RunStatus.CANCELLED),
        ("get_canceled_running", RunStatus.CANCELLED),
        ("get_data_removed", RunStatus.COMPLETED),
        ("get_failed", RunStatus.FAILED),
        ("get_official_hidden_version", RunStatus.COMPLETED),
        ("get_processing_with_logs", RunStatus.RUNNING),
        ("get_succeeded_list", RunStatus.COMPLETED),
        ("get_succeeded_null_output", RunStatus.COMPLETED),
        ("get_succeeded_string_url", RunStatus.COMPLETED),
        ("get_succeeded_text_chunks", RunStatus.COMPLETED),
    ],
)
def test_every_recorded_prediction_is_read(name: str, status: RunStatus) -> None:
    """The same, whether it was asked for or came by a webhook."""
    report, event = replicate.report(sample(name)), heard(sample(name))
    assert (report.run_id, report.status) == (RUN, status)
    assert (event.run_id, event.status, event.vouched) == (RUN, status, True)
    assert (event.generation_id, event.received_at) == (ID, NOON)
    assert replicate.created(sample(name)) == RUN
    assert [each.change(received_at=None) for each in event.outputs] == list(report.outputs)
    assert (event.progress, event.live_status) == (report.progress, report.live_status)


def test_an_end_says_what_it_took() -> None:
    """Times in UTC, and the seconds that are paid for."""
    report = replicate.report(sample("get_succeeded_list"))
    assert report == RunReport(
        run_id=report.run_id,
        status=RunStatus.COMPLETED,
        progress=1.0,
        created_at=datetime(2026, 9, 21, 13, 33, 20, 104000, UTC),
        started_at=datetime(2026, 9, 21, 13, 33, 24, 550000, UTC),
        ended_at=datetime(2026, 9, 21, 13, 33, 29, 862000, UTC),
        outputs=tuple(
            Output(
                id=f"output/{place}",
                kind=OutputKind.IMAGE,
                url=f"{FILES}/out-{place}.webp",
                filename=f"out-{place}.webp",
            )
            for place in (0, 1)
        ),
        duration_seconds=5.312,
    )


def test_what_ended_before_it_ran_took_nothing() -> None:
    """It is free: no start, whatever is written there, and no seconds."""
    report = replicate.report(sample("get_aborted"))
    assert (report.started_at, report.duration_seconds, report.error) == (None, None, None)
    assert report.ended_at is not None
    assert told(status="aborted", started_at="2026-01-01T00:00:00Z").started_at is None


@pytest.mark.parametrize("seconds", [None, "5", True, -1, 1e300, [], {}], ids=repr)
def test_what_is_no_duration_is_none(seconds: object) -> None:
    """Nothing is paid by it."""
    assert told(status="succeeded", metrics={"predict_time": seconds}).duration_seconds is None
    assert told(status="succeeded", metrics=seconds).duration_seconds is None


def test_what_was_removed_is_told_from_what_never_was() -> None:
    """Outputs are deleted after an hour; a model that returns nothing has lost nothing."""
    assert replicate.report(sample("get_data_removed")).gone
    assert not replicate.report(sample("get_succeeded_null_output")).gone
    assert not told(status="succeeded", data_removed=True, output="a text").gone
    assert not told(status="failed", data_removed=True).gone


@pytest.mark.parametrize(
    ("output", "outputs"),
    [
        (None, []),
        ("", []),
        ([], []),
        ([""], []),
        ({}, []),
        (f"{FILES}/a.png", [("output/0", f"{FILES}/a.png")]),
        ([f"{FILES}/a.png", None, "seed"], [("output/0", f"{FILES}/a.png"), ("output/2", "seed")]),
        (["Once", " upon", " a", " time"], [("output/0", "Once upon a time")]),
        (["see https://", "example.com/x"], [("output/0", "see https://example.com/x")]),
        ([["a", "b"], ["c"]], [("output/0/0", "ab"), ("output/1/0", "c")]),
        (
            {"image": f"{FILES}/a.png?x=1", "mask": None, "all": [f"{FILES}/b"], "n": {"s": 7}},
            [
                ("output/image/0", f"{FILES}/a.png?x=1"),
                ("output/all/0", f"{FILES}/b"),
                ("output/n/s/0", "7"),
            ],
        ),
        ({"a/b": "x", "a": {"b": "y"}}, [("output/a%2Fb/0", "x"), ("output/a/b/0", "y")]),
        (True, [("output/0", "true")]),
        (0.5, [("output/0", "0.5")]),
        ("https://example.com", [("output/0", "https://example.com")]),
        ("https://example.com/a b", [("output/0", "https://example.com/a b")]),
        ("nul\0here", [("output/0", "nulhere")]),
        ("x" * 9_000, [("output/0", "x" * 7_999 + "…")]),
        ("https://example.com/" + "x" * 8_192, []),
        ({"k" * 300: "x"}, []),
        ([1, 2], [("output/0", "1"), ("output/1", "2")]),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_outputs_of_any_shape_are_found(output: object, outputs: list[tuple[str, str]]) -> None:
    """Whatever a model returns, each with an id that it keeps."""
    assert made(output) == outputs


@pytest.mark.parametrize(
    ("output", "kind", "filename"),
    [
        (f"{FILES}/a%20b.mp4?sig=1", OutputKind.VIDEO, "a b.mp4"),
        (f"{FILES}/a#b", OutputKind.FILE, "a"),
        (f"{FILES}/dir/", OutputKind.FILE, None),
        ("data:image/png;base64,AA==", OutputKind.IMAGE, "output.png"),
        ("data:image/svg+xml,<svg/>", OutputKind.IMAGE, None),
        ("data:audio/mpeg;base64,AA==", OutputKind.AUDIO, None),
        ("data:,hello", OutputKind.FILE, None),
    ],
)
def test_what_a_file_is_goes_by_its_name_and_type(
    output: str, kind: OutputKind, filename: str | None
) -> None:
    """As with other engines."""
    (file,) = told(output=output).outputs
    assert (file.url, file.kind, file.filename) == (output, kind, filename)


def test_a_file_within_its_address_is_kept_up_to_a_size() -> None:
    """A larger one is noted, without what nothing could keep."""
    fits = "data:image/png;base64,".ljust(results.DATA_MOST, "A")
    small, large = told(output=[fits, fits + "A"]).outputs
    assert (small.url, small.not_kept, small.content_type) == (fits, None, "image/png")
    assert (large.url, large.not_kept, large.kind) == (None, "too_large", OutputKind.IMAGE)


def test_somebodys_address_is_a_text() -> None:
    """It is at no host of outputs, and nothing says that it is a file: a model may answer so."""
    page, picture = "https://example.com/license", "https://example.com/a.png"
    inline, ours, words = "data:,hello", f"{FILES}/out", "two words"
    found = told(output={"a": page, "b": picture, "c": inline, "d": ours, "e": words}).outputs
    text, *others = replicate.told_apart(found, ("replicate.delivery",))

    assert (text.kind, text.text, text.url) == (OutputKind.TEXT, page, None)
    assert tuple(others) == found[1:]
    assert [each.url for each in others] == [picture, inline, ours, None]


def test_no_more_is_looked_at_than_a_record_keeps() -> None:
    """A body may hold hundreds of thousands of values, as deep as JSON goes."""
    many = [f"{FILES}/{place}" for place in range(999)]
    assert len(told(output=many).outputs) == OUTPUTS_KEPT
    assert told(output=many[: OUTPUTS_KEPT + 1]).cut
    assert not told(output=many[:OUTPUTS_KEPT]).cut
    assert made([None] * 2_000 + [f"{FILES}/late"]) == []
    deep: object = "bottom"
    for _ in range(200):
        deep = {"d": [deep]}
    assert made(deep) == []


@pytest.mark.parametrize(
    ("logs", "progress", "line"),
    [
        (None, 0.0, None),
        (7, 0.0, None),
        ("", 0.0, None),
        ("Using seed: 7\n", 0.0, "Using seed: 7"),
        ("  0%|   | 0/28 [00:00<?]\r 43%|##  | 12/28 [00:02<00:03]\r\n", 0.43, "12/28"),
        ("Sampling: 50%|##  | 1/2\n\x1b\n \n", 0.5, "Sampling 1/2"),
        ("100%|####|", 0.99, None),
        ("999%|####| 1/2", 0.0, "1/2"),
        ("12.5%| no bar", 0.0, "12.5%| no bar"),
        ("loaded https://x.example/f?token=secret", 0.0, "loaded https://x.example/f"),
        ("a\n" * 50_000 + " " * 30_000 + "5%|", 0.05, None),
        ("x" * 400, 0.0, "x" * 199 + "…"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_progress_is_read_from_the_last_bar_of_the_logs(
    logs: object, progress: float, line: str | None
) -> None:
    """There is no other word of it; and the last line that says something is shown."""
    report = told(logs=logs)
    assert (report.progress, report.live_status) == (progress, line)


@pytest.mark.parametrize(
    ("error", "said", "passing"),
    [
        (None, None, False),
        ({"odd": 1}, None, False),
        ("", None, False),
        ("NSFW content detected.\nTry again", "NSFW content detected.", False),
        ("boom (code: E1000)", "boom (code: E1000)", False),
        ("CUDA out of memory (E1001)", "the model ran out of memory (E1001)", False),
        ("Director: error (E9243)", "the model could not be started (E9243)", True),
        ("E6716", "the model took too long to start (E6716)", True),
        ("at /src/models/x.py of http://u:p@h/p?t=1", "at x.py of http://h/p", False),
    ],
)
def test_a_failure_is_told_in_a_persons_words(
    error: object, said: str | None, *, passing: bool
) -> None:
    """Codes are explained, and those of Replicate's own troubles are worth another try."""
    report = told(status="failed", error=error)
    assert (report.error, report.passing) == (said, passing)
    assert told(status="canceled", error=error).error is None


def test_a_status_that_nobody_knows_is_said() -> None:
    """It moves nothing, and is short and printable where it is logged."""
    event, report = heard(a_body(status="pau\nsed" + "x" * 50)), told(status="paused")
    assert (event.status, event.unknown_status) == (None, "pau?sed" + "x" * 33)
    assert (report.status, report.unknown_status) == (RunStatus.QUEUED, "paused")


def test_an_empty_webhook_is_a_sign_of_life() -> None:
    """It says nothing, but that asking is worth it."""
    event = heard(b"")
    assert (event.run_id, event.status, event.vouched) == (None, None, False)


def test_a_webhook_of_ours_is_known_by_its_address() -> None:
    """Where the answer has it."""
    assert told(webhook=HOOK).webhook == HOOK


@pytest.mark.parametrize(
    ("request_payload", "path", "version"),
    [
        (Request(version=VERSION), "/predictions", VERSION),
        (Request(model="acme/picture-maker"), "/models/acme/picture-maker/predictions", None),
        (Request(deployment_id="acme/fast"), "/deployments/acme/fast/predictions", None),
        (Request(model="a?b/c#"), "/models/a%3Fb/c%23/predictions", None),
    ],
)
def test_a_creation_holds_nothing_that_the_api_does_not_know(
    request_payload: Request, path: str, version: str | None
) -> None:
    """Unknown fields are refused there."""
    inputs = {"prompt": "a lighthouse in fog", "seed": 7}
    made = replicate.creation(request_payload.change(inputs=inputs), HOOK)
    expected: dict[str, object] = {
        "input": inputs,
        "webhook": HOOK,
        "webhook_events_filter": ["start", "output", "logs", "completed"],
    }
    assert made.path == path
    assert made.body == ({"version": version} if version else {}) | expected


def test_a_page_of_predictions_is_read() -> None:
    """Each with what tells whether it is ours, and what it is of; removed inputs are none."""
    page: dict[str, Any] = {
        "previous": None,
        "next": "https://api.replicate.com/v1/predictions?cursor=x",
        "results": [
            {"id": "a", "created_at": "2026-01-01T01:00:00.1239+01:00", "input": {"seed": 7}},
            {"id": "b", "created_at": "2026-01-01T00:00:00Z", "webhook": HOOK, "input": {}}
            | {"data_removed": True, "model": "acme/sea", "version": VERSION, "deployment": "a/b"},
        ],
    }
    found, following = replicate.listed(json.dumps(page).encode())
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert following == page["next"]
    assert [tuple(each) for each in found] == [
        ("a", at + timedelta(milliseconds=123), {"seed": 7}, None, None, None, None),
        ("b", at, None, HOOK, "acme/sea", VERSION, "a/b"),
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("error_401", "Unauthenticated: You did not pass an authentication token"),
        ("error_402", "Insufficient credit: You have insufficient credit to run this model."),
        ("error_404", "The requested resource could not be found."),
        ("error_422_input", "Input validation failed: prompt is required"),
        ("error_429", "Request was throttled. Your rate limit resets in ~30s."),
    ],
)
def test_every_recorded_refusal_is_one_line(name: str, said: str) -> None:
    """As a person may read it."""
    assert replicate.refusal(sample(name)) == said


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"Bad Gateway", ""),
        (b"{}", ""),
        (b'{"title": 7, "detail": ["x"], "invalid_fields": {}}', ""),
        (b'{"detail": "see https://h.example/p?token=t"}', "see https://h.example/p"),
        (
            (
                b'{"title": "Bad", "invalid_fields": [7, {"field": "input.seed", '
                b'"description": "is no number"}, {"description": "odd"}]}'
            ),
            "Bad: input.seed: is no number; odd",
        ),
    ],
)
def test_a_refusal_is_read_whatever_it_is(raw: bytes, said: str) -> None:
    """What says nothing is empty; never an error of our own."""
    assert replicate.refusal(raw) == said


@pytest.mark.parametrize(
    ("detail", "seconds"),
    [
        ("Request was throttled. Your rate limit resets in ~30s.", 30),
        ("Your rate limit resets in 1m5s.", 65),
        ("Request was throttled.", None),
        (30, None),
    ],
)
def test_a_throttled_request_says_when(detail: object, seconds: int | None) -> None:
    """In the words, for there is no header."""
    wait = replicate.retry_after(json.dumps({"detail": detail}).encode())
    assert wait == (None if seconds is None else timedelta(seconds=seconds))
    assert replicate.retry_after(b"[]") is None


def test_the_secret_of_webhooks_is_read() -> None:
    """And what is none is refused."""
    assert replicate.signing_secret(sample("webhook_secret")).startswith("whsec_cGVl")
    with pytest.raises(RefusedBodyError):
        replicate.signing_secret(b'{"key": "hunter2 hunter2"}')


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b"{}",
        a_body(id=""),
        a_body(id="a b"),
        a_body(status=""),
        a_body(created_at="soon"),
        a_body(created_at="0001-01-01T00:00:00+14:00"),
        b'{"id": "x", "status": "starting", "output": NaN}',
        b'{"id": "x", "status": "starting", "output": "\\ud800"}',
        b"[" * 2000,
    ],
    ids=lambda raw: repr(raw[-50:]),
)
def test_what_is_no_prediction_is_refused(raw: bytes) -> None:
    """By the one error that says so."""
    with pytest.raises(RefusedBodyError):
        replicate.report(raw)


_json: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
_fields: Final = st.sampled_from(
    ["output", "error", "logs", "metrics", "status", "created_at", "webhook", "results", "key"]
)


@given(st.dictionaries(_fields, _json, max_size=5).map(lambda some: a_body(**some)) | st.binary())
@example(a_body(output={"": {"": [[["x"]]]}}))
@example(a_body(logs="5%|" * 9_000, status="failed", error="E1001" * 999))
def test_a_body_is_read_or_refused(raw: bytes) -> None:
    """Never another error, and never more than may be kept."""
    for reader in READERS:
        with suppress(RefusedBodyError):
            reader(raw)
    assert replicate.refusal(raw) is not None
    replicate.retry_after(raw)
    with suppress(RefusedBodyError):
        report = replicate.report(raw)
        assert len({each.id for each in report.outputs}) == len(report.outputs) <= OUTPUTS_KEPT
        assert all(len(each.text or "") <= 8_000 for each in report.outputs)
