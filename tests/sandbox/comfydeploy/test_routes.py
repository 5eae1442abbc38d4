"""sandbox.comfydeploy.routes: the API's shapes and errors are those of the recorded payloads."""

import asyncio
from typing import Any, Final

import httpx
import pytest

from tests.peers import Peers
from tests.sandbox.comfydeploy.client import (
    DEPLOYMENT,
    KEY,
    cancel,
    ended,
    get,
    sample,
    shown,
    submit,
    submitted,
)
from tests.sandbox.receiver import Receiver

pytestmark = pytest.mark.anyio

NOBODY: Final = "00000000-0000-0000-0000-000000000001"


async def _refused(peers: Peers, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    body = {"deployment_id": DEPLOYMENT}
    return await peers.client.post(
        f"{peers.comfydeploy}/run/deployment/queue", json=body, headers=headers
    )


async def test_answers_a_submission_with_its_id(peers: Peers) -> None:
    """The answer has the recorded fields, and the id is that of a known run."""
    answer = await submit(peers)

    assert answer.status_code == 200
    assert answer.json().keys() == sample("api/post_queue_response_200.json").keys()
    assert (await get(peers, f"/run/{answer.json()['run_id']}")).status_code == 200


@pytest.mark.parametrize(
    ("key", "status", "recorded"),
    [
        (None, 401, "error_401_missing_token"),
        ("revoked", 401, "error_401_revoked_token"),
        ("expired", 401, "error_401_expired_token"),
        ("suspended", 403, "error_403_suspended"),
        ("no-credits", 403, "error_403_credits"),
    ],
)
async def test_refuses_some_keys(peers: Peers, key: str | None, status: int, recorded: str) -> None:
    """Each bad key gets the error recorded for it."""
    answer = await _refused(peers, key)

    assert status == answer.status_code
    assert sample(f"api/{recorded}.json") == answer.json()


async def test_refuses_every_key_when_told(peers: Peers) -> None:
    """A control call turns all keys bad, and good again."""
    await peers.control("comfydeploy", auth="no-credits")
    assert (await submit(peers)).status_code == 403

    await peers.control("comfydeploy", auth="revoked")
    assert (await submit(peers)).status_code == 401

    await peers.control("comfydeploy", auth=None)
    assert (await submit(peers)).status_code == 200


async def test_says_what_is_wrong_with_a_body(peers: Peers) -> None:
    """A bad deployment id gets a list like FastAPI's."""
    answer = await peers.client.post(
        f"{peers.comfydeploy}/run/deployment/queue", json={"deployment_id": "x"}, headers=KEY
    )

    assert answer.status_code == 422
    (recorded,), (problem,) = (
        sample("api/error_422_validation.json")["detail"],
        answer.json()["detail"],
    )
    assert recorded.keys() == problem.keys()
    assert [recorded[key] for key in ("type", "loc", "input")] == [
        problem[key] for key in ("type", "loc", "input")
    ]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b"{}"])
async def test_refuses_what_is_no_order(peers: Peers, body: bytes) -> None:
    """A broken or incomplete body is a 422 with a list."""
    answer = await peers.client.post(
        f"{peers.comfydeploy}/run/deployment/queue", content=body, headers=KEY
    )

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "body"


@pytest.mark.parametrize(
    "inputs", [{"sandbox_ennd": "failed"}, {"sandbox_end": "well"}, {"sandbox_submit": "slow"}]
)
async def test_names_a_wish_it_does_not_know(peers: Peers, inputs: dict[str, Any]) -> None:
    """A typo in a sandbox input is seen."""
    answer = await submit(peers, **inputs)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:3] == ["body", "inputs", next(iter(inputs))]


@pytest.mark.parametrize("value", [None, {"nested": True}])
async def test_refuses_inputs_of_other_types(peers: Peers, value: object) -> None:
    """Null and nested objects are no inputs."""
    assert (await submit(peers, prompt=value)).status_code == 422


async def test_knows_all_deployments_but_one(peers: Peers) -> None:
    """The one ending in 404 is unknown to submissions and lists."""
    unknown = "00000000-0000-0000-0000-000000000404"
    answer = await peers.client.post(
        f"{peers.comfydeploy}/run/deployment/queue", json={"deployment_id": unknown}, headers=KEY
    )

    assert answer.status_code == 404
    assert sample("api/error_404_deployment.json") == answer.json()
    assert (await get(peers, f"/deployment/{unknown}/runs")).status_code == 404


async def test_shows_a_run_with_the_recorded_fields(peers: Peers) -> None:
    """The field set of a successful run and of its outputs is the recorded one, in order."""
    run_id = await submitted(peers, seed=42, sandbox_outputs="text,image")
    run, recorded = await ended(peers, run_id), sample("api/get_run_success.json")

    assert list(recorded) == list(run)
    assert list(recorded["outputs"][0]) == list(run["outputs"][0])
    image = run["outputs"][1]["data"]["images"][0]
    assert list(recorded["outputs"][3]["data"]["images"][0]) == list(image)
    assert run["created_at"].endswith("000Z")
    assert run["workflow_inputs"]["seed"] == 42


async def test_shows_a_run_by_query_too(peers: Peers) -> None:
    """GET /run?run_id= is the same."""
    run_id = await submitted(peers)

    assert (await get(peers, f"/run?run_id={run_id}")).json()["id"] == run_id


async def test_tells_the_queue_position_when_asked(peers: Peers) -> None:
    """It counts the runs waiting before this one, and is null once a run is on a machine."""
    first = await submitted(peers, sandbox_seconds=1000)
    second = await submitted(peers, sandbox_seconds=1000)
    done = await submitted(peers, sandbox_seconds=1000)
    await ended(peers, done)

    positions = [
        (await get(peers, f"/run/{run_id}?queue_position=true")).json()["queue_position"]
        for run_id in (first, second, done)
    ]

    assert positions == [0, 1, None]
    assert (await shown(peers, second))["queue_position"] is None


async def test_does_not_know_other_runs(peers: Peers) -> None:
    """An unknown run is a 404, a bad id a 422."""
    answer = await get(peers, f"/run/{NOBODY}")

    assert answer.status_code == 404
    assert sample("api/error_404_run.json") == answer.json()
    assert (await get(peers, "/run/x")).status_code == 422


async def test_cancels_a_run_once(peers: Peers, receiver: Receiver) -> None:
    """A live run is cancelled and says so; an ended one only gets the same answer."""
    run_id = await submitted(peers, receiver, sandbox_seconds=1000)

    for _ in range(2):
        answer = await cancel(peers, run_id)
        assert sample("api/post_cancel_response_200.json") == answer.json()

    assert await receiver.statuses(1) == ["cancelled"]
    assert (await shown(peers, run_id))["status"] == "cancelled"


async def test_cannot_cancel_an_unknown_run(peers: Peers) -> None:
    """That is a 500, as in the backend."""
    answer = await cancel(peers, NOBODY)

    assert answer.status_code == 500
    assert sample("api/post_cancel_error_500_unknown_run.json") == answer.json()


async def test_lists_the_newest_first(peers: Peers) -> None:
    """Rows have the recorded fields, times without Z, and pages."""
    ids = [await submitted(peers, sandbox_seconds=1000) for _ in range(3)]
    await ended(peers, ids[2])

    answer = await get(peers, f"/deployment/{DEPLOYMENT}/runs?limit=2&offset=0")
    page = answer.json()
    rest = (await get(peers, f"/deployment/{DEPLOYMENT}/runs?limit=2&offset=2")).json()

    recorded = sample("api/get_deployment_runs_response_200.json")
    assert recorded.keys() == page.keys()
    assert recorded["data"][0].keys() == page["data"][0].keys()
    assert [row["id"] for row in page["data"]] == [ids[2], ids[1]]
    assert [row["id"] for row in rest["data"]] == [ids[0]]
    assert not page["data"][0]["created_at"].endswith("Z")
    assert float(page["data"][0]["duration"]) >= 0


async def test_keeps_uploads(peers: Peers) -> None:
    """An uploaded file is served from the URL in the answer."""
    answer = await peers.client.post(
        f"{peers.comfydeploy}/file/upload",
        files={"file": ("portrait.png", b"\x89PNG\r\n--x\r\n\x00")},
        headers=KEY,
    )

    assert sample("api/post_file_upload_response_200.json").keys() == answer.json().keys()
    kept = await peers.client.get(answer.json()["file_url"])
    assert kept.content == b"\x89PNG\r\n--x\r\n\x00"
    assert kept.headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    ("filename", "prefix"), [("a.zip", "zip_"), ("a.mp4", "vid_"), ("without", "file_")]
)
async def test_names_uploads_after_their_kind(peers: Peers, filename: str, prefix: str) -> None:
    """The kind is guessed from the file's name."""
    answer = await peers.client.post(
        f"{peers.comfydeploy}/file/upload", files={"file": (filename, b"x")}, headers=KEY
    )

    assert answer.json()["file_id"].startswith(prefix)


async def test_refuses_uploads_of_text(peers: Peers) -> None:
    """Text is no input file, and an upload needs a file."""
    url = f"{peers.comfydeploy}/file/upload"
    text = await peers.client.post(url, files={"file": ("a.txt", b"x")}, headers=KEY)
    none = await peers.client.post(url, data={"file": "x"}, headers=KEY)

    assert text.status_code == 400
    assert sample("api/post_file_upload_error_400_type.json") == text.json()
    assert none.status_code == 422


async def test_tells_prices_to_anyone(peers: Peers) -> None:
    """The prices are the recorded ones and need no key."""
    answer = await peers.client.get(f"{peers.comfydeploy}/platform/gpu-pricing")

    assert sample("api/get_gpu_pricing_response_200.json") == answer.json()


async def test_serves_real_pictures(peers: Peers) -> None:
    """Each picture is a PNG at the address the run shows."""
    run_id = await submitted(peers, sandbox_images=3)
    run = await ended(peers, run_id)

    images = [item["url"] for item in run["outputs"][0]["data"]["images"]]
    answers = [await peers.client.get(url) for url in images]

    assert len(images) == 3
    assert all(peers.outputs_host in url for url in images)
    assert {answer.headers["content-type"] for answer in answers} == {"image/png"}
    assert len({answer.content for answer in answers}) == 3
    assert all(answer.content.startswith(b"\x89PNG") for answer in answers)


async def test_serves_no_other_files(peers: Peers) -> None:
    """A name, a run or an upload that is not there is a 404."""
    run_id = await submitted(peers)

    for path in (f"outputs/runs/{run_id}/x.png", "outputs/runs/x/hero_00001_.png", "inputs/x"):
        assert (await peers.client.get(f"{peers.url}/{path}")).status_code == 404


async def test_is_down_when_told(peers: Peers) -> None:
    """Down, the API answers 503 to everything; outputs have a switch of their own."""
    run_id = await submitted(peers)
    await peers.control("comfydeploy", down=True, outputs_down=True)

    picture = f"{peers.url}/outputs/runs/{run_id}/hero_00001_.png"
    assert (await get(peers, "/platform/gpu-pricing")).status_code == 503
    assert (await peers.client.get(picture)).status_code == 503


async def test_hangs_when_told(peers: Peers) -> None:
    """Hanging, the API never answers."""
    await peers.control("comfydeploy", hang=True)

    with pytest.raises(httpx.ReadTimeout):
        await peers.client.get(f"{peers.comfydeploy}/run/x", timeout=0.2)


@pytest.mark.parametrize(("wish", "status"), [("500", 500), ("503", 503), ("429", 429)])
async def test_fails_a_submission_when_wished(peers: Peers, wish: str, status: int) -> None:
    """The submission fails and there is no run."""
    answer = await submit(peers, sandbox_submit=wish)

    assert status == answer.status_code
    assert await peers.look("comfydeploy/runs") == []


async def test_takes_a_number_for_a_failing_submission(peers: Peers) -> None:
    """503 as a number is the same wish."""
    assert (await submit(peers, sandbox_submit=503)).status_code == 503


@pytest.mark.parametrize("created", [False, True])
@pytest.mark.parametrize(
    ("wish", "error"), [("hang", httpx.ReadTimeout), ("reset", httpx.ReadError)]
)
async def test_breaks_off_a_submission_when_wished(
    peers: Peers, wish: str, error: type[Exception], *, created: bool
) -> None:
    """No answer comes; the run lives only if it was to be created first."""
    peers.client.timeout = httpx.Timeout(0.3)
    try:
        with pytest.raises(error):
            await submit(peers, sandbox_submit=f"created-then-{wish}" if created else wish)
    finally:
        peers.client.timeout = httpx.Timeout(20.0)

    assert len(await peers.look("comfydeploy/runs")) == created


async def test_creates_a_run_and_answers_500(peers: Peers) -> None:
    """The run lives though its id was never told."""
    answer = await submit(peers, sandbox_submit="created-then-500")

    assert answer.status_code == 500
    assert len(await peers.look("comfydeploy/runs")) == 1


async def test_is_slow_to_answer_when_wished(peers: Peers) -> None:
    """The run is in the list before the answer comes, and has no call id to cancel it by."""
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(submit(peers, sandbox_submit="slow:0.3"))
        while not (runs := await peers.look("comfydeploy/runs")):
            pass
        assert (await cancel(peers, runs[0]["run_id"])).status_code == 500

    assert answer.result().json() == {"run_id": runs[0]["run_id"]}


async def test_writes_down_what_it_was_asked(peers: Peers) -> None:
    """Requests are listed in order with method and path."""
    await submitted(peers)
    await get(peers, "/platform/gpu-pricing")

    requests = await peers.look("comfydeploy/requests")

    assert [(one["method"], one["path"].rpartition("/")[2]) for one in requests] == [
        ("POST", "queue"),
        ("GET", "gpu-pricing"),
    ]
