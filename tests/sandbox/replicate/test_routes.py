"""sandbox.replicate.routes: the calls of the contract, answered in the shapes of the samples."""

import pytest

from sandbox.replicate.orders import LARGEST_DATA_URL, UNKNOWN_VERSION
from tests.peers import Peers
from tests.sandbox.replicate.client import VERSION, create, created, ended, get, post, sample, shown

pytestmark = pytest.mark.anyio


async def test_a_creation_is_answered_at_once(peers: Peers) -> None:
    """It starts with nothing, in the very fields of the sample."""
    answer = await create(peers, seed=7, sandbox_seconds=1000)

    assert answer.status_code == 201
    body, expected = answer.json(), sample("create_201_starting.json")
    assert list(body) == list(expected)
    assert body["status"] == "starting"
    assert (body["output"], body["logs"], body["metrics"]) == (None, "", {})
    assert len(body["id"]) == len(expected["id"])
    assert body["urls"]["get"] == answer.headers["location"]
    assert body["urls"]["get"] == f"{peers.replicate}/predictions/{body['id']}"


@pytest.mark.parametrize(
    ("path", "model", "version", "deployment"),
    [
        ("/models/acme/picture-maker/predictions", "acme/picture-maker", "hidden", None),
        ("/deployments/acme/wardrobe/predictions", "acme/wardrobe", "hidden", "acme/wardrobe"),
    ],
)
async def test_models_and_deployments_need_no_version(
    peers: Peers, path: str, model: str, version: str, deployment: str | None
) -> None:
    """Any name will do, and is shown."""
    answer = await create(peers, path=path)

    body = answer.json()
    assert answer.status_code == 201
    assert (body["model"], body["version"]) == (model, version)
    assert body.get("deployment") == deployment


@pytest.mark.parametrize(
    ("named", "model", "version"),
    [
        (VERSION, "sandbox/model", VERSION),
        (f"acme/picture-maker:{VERSION}", "acme/picture-maker", VERSION),
        ("acme/picture-maker", "acme/picture-maker", "hidden"),
    ],
)
async def test_versions_are_named_three_ways(
    peers: Peers, named: str, model: str, version: str
) -> None:
    """By themselves, with their model, or by the model alone."""
    answer = await post(peers, "/predictions", {"version": named, "input": {}})

    assert (answer.json()["model"], answer.json()["version"]) == (model, version)


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/predictions", {"version": VERSION}, "- input is required\n"),
        ("/predictions", {"input": {}}, "- version is required\n"),
        (
            "/predictions",
            {"version": VERSION, "input": {}, "model": "acme/x"},
            "- Additional property model is not allowed\n",
        ),
        (
            "/models/acme/x/predictions",
            {"version": VERSION, "input": {}},
            "- Additional property version is not allowed\n",
        ),
        (
            "/predictions",
            {"version": VERSION, "input": {}, "webhook": "ftp://x"},
            "- webhook: Value error, Does not match format 'uri'\n",
        ),
        (
            "/predictions",
            {"version": VERSION, "input": {"sandbox_end": "never"}},
            "- input.sandbox_end: Input should be",
        ),
        (
            "/predictions",
            {"version": VERSION, "input": {"image": "data:image/png;base64,?"}},
            "- input.image: Does not match format 'uri'\n",
        ),
        (
            "/predictions",
            {"version": VERSION, "input": {"image": "data:"}},
            "- input.image: Does not match format 'uri'\n",
        ),
        (
            "/predictions",
            {"version": VERSION, "input": {"image": f"data:,{'x' * (LARGEST_DATA_URL + 1)}"}},
            "- input.image: The data URL is too large\n",
        ),
    ],
)
async def test_refuses_what_does_not_fit(
    peers: Peers, path: str, body: object, detail: str
) -> None:
    """With the words and the content type of its problems."""
    answer = await post(peers, path, body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Input validation failed"
    assert answer.json()["detail"].startswith(detail)


async def test_refuses_an_input_that_is_missing(peers: Peers) -> None:
    """As in the sample, where models demand one."""
    await peers.control("replicate", required=["prompt"])
    answer = await post(peers, "/models/acme/x/predictions", {"input": {}})

    assert answer.json() == sample("error_422_input.json")
    assert (await create(peers)).status_code == 201


@pytest.mark.parametrize("version", [UNKNOWN_VERSION, "", "latest", f"acme/unknown:{VERSION}"])
async def test_refuses_an_unknown_version(peers: Peers, version: str) -> None:
    """As in the sample."""
    answer = await post(peers, "/predictions", {"version": version, "input": {}})

    assert (answer.status_code, answer.json()) == (422, sample("error_422_version.json"))


async def test_refuses_what_is_no_json(peers: Peers) -> None:
    """With 400."""
    headers = {"Authorization": f"Token {peers.replicate_token}"}
    answer = await peers.client.post(
        f"{peers.replicate}/predictions", content=b"{", headers=headers
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("headers", "name"),
    [({"Prefer": "wait=61"}, "Prefer"), ({"Cancel-After": "4s"}, "Cancel-After")],
)
async def test_refuses_headers_that_do_not_fit(
    peers: Peers, headers: dict[str, str], name: str
) -> None:
    """Waits end at 60 seconds, deadlines begin at 5."""
    answer = await create(peers, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["invalid_fields"][0]["field"] == name


async def test_knows_nothing_else(peers: Peers) -> None:
    """Unknown predictions, models, deployments and paths get the sample's 404."""
    answers = [
        await get(peers, "/predictions/p5xk2m8q4hrme0cv9t3w7z6yab"),
        await post(peers, "/predictions/p5xk2m8q4hrme0cv9t3w7z6yab/cancel"),
        await create(peers, path="/models/acme/unknown/predictions"),
        await create(peers, path="/deployments/acme/unknown/predictions"),
        await get(peers, "/hardware"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert [answer.json() for answer in answers] == [sample("error_404.json")] * len(answers)


async def test_asks_for_a_token_and_for_money(peers: Peers) -> None:
    """401 without a token or with a wrong one, 402 for a creation nobody pays for."""
    none = await post(peers, "/predictions", headers={"Authorization": ""})
    wrong = await post(peers, "/predictions", headers={"Authorization": "Bearer invalid"})
    poor = await create(peers, headers={"Authorization": "Bearer no-credits"})

    assert (none.status_code, none.json()) == (401, sample("error_401.json"))
    assert (wrong.status_code, wrong.json()["detail"]) == (401, "Invalid or expired API token.")
    assert (poor.status_code, poor.json()) == (402, sample("error_402.json"))


async def test_waits_for_the_output_if_asked(peers: Peers) -> None:
    """It is there while the prediction is still processing."""
    answer = await create(peers, headers={"Prefer": "wait"}, num_outputs=2)

    assert answer.status_code == 201
    assert answer.json()["status"] == "processing"
    assert len(answer.json()["output"]) == 2


async def test_waits_no_longer_than_asked(peers: Peers) -> None:
    """What is not ready is shown as it was at first, with 202."""
    await peers.control("replicate", hold_starts=True, deadline_scale=0)
    answer = await create(peers, headers={"Prefer": "wait=60"})

    assert answer.status_code == 202
    assert list(answer.json()) == list(sample("create_wait_202_timed_out.json"))
    assert answer.json()["status"] == "starting"


async def test_cancels_what_runs_and_leaves_what_has_ended(peers: Peers) -> None:
    """Both answers are the prediction as it stands."""
    running = await created(peers, sandbox_seconds=1000)
    over = await ended(peers, await created(peers, sandbox_seconds=1000))

    cancelled = await post(peers, f"/predictions/{running}/cancel")
    kept = await post(peers, f"/predictions/{over['id']}/cancel")

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "canceled")
    assert cancelled.json() == await shown(peers, running)
    assert (kept.status_code, kept.json()) == (200, over)


async def test_lists_newest_first_and_page_by_page(peers: Peers) -> None:
    """Each page names the next and the one before; times narrow it down."""
    await peers.control("replicate", page=2)
    ids = [await created(peers, sandbox_seconds=1000) for _ in range(5)]
    first = (await get(peers, "/predictions")).json()
    second = (await peers.client.get(first["next"], headers=_key(peers))).json()
    third = (await peers.client.get(second["next"], headers=_key(peers))).json()
    back = (await peers.client.get(third["previous"], headers=_key(peers))).json()

    pages = [[one["id"] for one in page["results"]] for page in (first, second, third)]
    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]
    assert (first["previous"], third["next"]) == (None, None)
    assert back == second
    border = (await shown(peers, ids[0]))["created_at"]
    before = (await get(peers, "/predictions", created_before=border)).json()
    after = (await get(peers, "/predictions", created_after=border)).json()
    assert (before["results"], len(after["results"])) == ([], 2)
    assert f"created_after={border.replace(':', '%3A')}" in after["next"]


@pytest.mark.parametrize(
    ("query", "status"), [({"created_after": "today"}, 422), ({"cursor": "x"}, 400)]
)
async def test_refuses_lists_of_nothing(peers: Peers, query: dict[str, str], status: int) -> None:
    """Times and cursors must be such."""
    assert (await get(peers, "/predictions", **query)).status_code == status


async def test_tells_the_secret(peers: Peers) -> None:
    """It is what the first line has told."""
    assert (await get(peers, "/webhooks/default/secret")).json() == {"key": peers.replicate_secret}
    assert (await peers.look("replicate/secrets"))["now"] == peers.replicate_secret


def _key(peers: Peers) -> dict[str, str]:
    return {"Authorization": f"Bearer {peers.replicate_token}"}
