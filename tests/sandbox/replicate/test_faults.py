"""sandbox.replicate: answers that are refused, late, or never come."""

import httpx
import pytest

from tests.peers import Peers
from tests.sandbox.replicate.client import create, created, get, sample, shown

pytestmark = pytest.mark.anyio


async def test_throttles_as_told(peers: Peers) -> None:
    """So many creations get 429, with `Retry-After` or without; then all is well."""
    await peers.control("replicate", create="429", create_left=2)
    bare = await create(peers)
    await peers.control("replicate", retry_after=7, resets_in=5)
    dated = await create(peers)
    taken = await create(peers)

    assert (bare.status_code, bare.json()) == (429, sample("error_429.json"))
    assert "retry-after" not in bare.headers
    assert dated.headers["retry-after"] == "7"
    assert dated.json()["detail"].endswith("resets in ~5s.")
    assert taken.status_code == 201


async def test_counts_calls_against_its_limits(peers: Peers) -> None:
    """Creations and other calls have limits of their own."""
    await peers.control("replicate", rate_creations=1, rate_others=2, rate_seconds=1000)
    prediction_id = await created(peers)
    creations = await create(peers)
    others = [await get(peers, f"/predictions/{prediction_id}") for _ in range(3)]
    await peers.control("replicate", rate_seconds=0.001, rate_others=0)
    again = await create(peers)
    never = await get(peers, "/predictions")

    assert creations.status_code == 429
    assert "rate limit resets in ~1000s" in creations.json()["detail"]
    assert [answer.status_code for answer in others] == [200, 200, 429]
    assert (again.status_code, never.status_code) == (201, 429)


@pytest.mark.parametrize(("wish", "status"), [("422", 422), ("500", 500), ("503", 503)])
async def test_refuses_creations_as_told(peers: Peers, wish: str, status: int) -> None:
    """By a switch or by an input; nothing was made."""
    await peers.control("replicate", create=wish, create_left=1)
    answers = [await create(peers), await create(peers, sandbox_create=wish)]

    assert [answer.status_code for answer in answers] == [status, status]
    assert await peers.look("replicate/predictions") == []


async def test_loses_answers_after_a_creation(peers: Peers) -> None:
    """The prediction lives though its id was never told."""
    await peers.control("replicate", create="taken-reset", create_left=1)
    with pytest.raises(httpx.TransportError):
        await create(peers)
    late = await create(peers, sandbox_create="taken-500")
    [first, second] = await peers.look("replicate/predictions")

    assert late.status_code == 500
    assert {(await shown(peers, one["id"]))["id"] for one in (first, second)} == {
        first["id"],
        second["id"],
    }


async def test_fails_other_calls_as_told(peers: Peers) -> None:
    """So many of them, and no creation."""
    prediction_id = await created(peers)
    await peers.control("replicate", others="500", others_left=1, others_delay=0.01)
    await peers.control("replicate", create_delay=0.01)
    answers = [
        await create(peers),
        await get(peers, f"/predictions/{prediction_id}"),
        await get(peers, f"/predictions/{prediction_id}"),
    ]

    assert [answer.status_code for answer in answers] == [201, 500, 200]


async def test_can_be_out_of_reach(peers: Peers) -> None:
    """Down it answers 503, and hanging nothing at all; what came is written down."""
    await peers.control("replicate", down=True)
    down = await get(peers, "/predictions", created_after="x")
    await peers.control("replicate", down=False, auth="invalid")
    refused = await get(peers, "/predictions")
    await peers.control("replicate", auth=None, hang=True)
    with pytest.raises(httpx.ReadTimeout):
        await peers.client.get(f"{peers.replicate}/predictions", timeout=0.2)

    assert (down.status_code, refused.status_code) == (503, 401)
    [first, *_] = requests = await peers.look("replicate/requests")
    assert (first["method"], first["query"], len(requests)) == ("GET", "created_after=x", 3)


async def test_logs_can_be_long(peers: Peers) -> None:
    """So are the bodies of webhooks then."""
    await peers.control("replicate", padding=100_000, hold_ends=True)
    answer = await create(peers, headers={"Prefer": "wait"})

    assert len(answer.json()["logs"]) > 100_000
