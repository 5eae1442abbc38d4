"""sandbox.replicate.lives: what befalls predictions, and how each of them ends."""

from typing import Any

import pytest

from tests.peers import Json, Peers
from tests.sandbox.receiver import Heard, Receiver
from tests.sandbox.replicate.client import (
    create,
    created,
    ended,
    get,
    made,
    post,
    sample,
    shown,
)

pytestmark = pytest.mark.anyio


async def test_succeeds_with_logs_that_show_how_far_it_is(peers: Peers, receiver: Receiver) -> None:
    """The end has the sample's fields, its output, and lines of tqdm up to the whole."""
    await created(peers, receiver, events=["completed"], seed=7)
    body = await _end(receiver)

    assert list(body) == list(sample("get_succeeded_string_url.json"))
    assert body["status"] == "succeeded"
    assert body["logs"].startswith("Using seed: 7\n  0%|          | 0/28 [00:00<?, ?it/s]\n")
    assert " 43%|####      | 12/28 [00:02<00:03, 5.2it/s]\n" in body["logs"]
    assert "100%|##########| 28/28" in body["logs"]
    assert 0 < body["metrics"]["predict_time"] < body["metrics"]["total_time"]


@pytest.mark.parametrize(
    ("end", "name"),
    [
        ("failed", "get_failed.json"),
        ("canceled", "get_canceled_running.json"),
        ("aborted", "get_aborted.json"),
    ],
)
async def test_ends_as_its_inputs_ask(
    peers: Peers, receiver: Receiver, end: str, name: str
) -> None:
    """Each end but success has no output; one that never ran has no figures either."""
    await created(peers, receiver, events=["completed"], sandbox_end=end)
    body, expected = await _end(receiver), sample(name)

    assert set(expected) - set(body) <= {"deadline"}
    assert body["metrics"].keys() == expected["metrics"].keys()
    for key in ("status", "output", "error", "data_removed"):
        assert body[key] == expected[key]
    assert (body["started_at"] is None) == (expected["started_at"] is None)


async def test_is_lost_if_asked(peers: Peers) -> None:
    """Nobody knows it from its end on."""
    answer = await create(peers, headers={"Prefer": "wait"}, sandbox_end="lost")

    assert (await get(peers, f"/predictions/{answer.json()['id']}")).status_code == 404


async def test_starts_and_ends_when_it_is_let(peers: Peers, receiver: Receiver) -> None:
    """Held back from running, it is starting; held back from ending, its output is there."""
    await peers.control("replicate", hold_starts=True, hold_ends=True, event_gap=0)
    prediction_id = await created(peers, receiver, events=["start", "output", "completed"])
    assert await receiver.statuses(1) == ["starting"]
    assert (await shown(peers, prediction_id))["started_at"] is None
    await peers.control("replicate", hold_starts=False)
    assert await receiver.statuses(2) == ["starting", "processing"]
    assert (await shown(peers, prediction_id))["output"] is not None
    await peers.control("replicate", hold_ends=False)

    assert await receiver.statuses(3) == ["starting", "processing", "succeeded"]


@pytest.mark.parametrize("held", ["hold_starts", "hold_ends"])
async def test_can_be_ended_while_it_is_held(peers: Peers, held: str) -> None:
    """A cancel does not wait for what keeps it."""
    await peers.control("replicate", **{held: True})
    prediction_id = await created(peers)
    answer = await post(peers, f"/predictions/{prediction_id}/cancel")

    assert answer.json()["status"] == "canceled"


@pytest.mark.parametrize(("held", "end"), [("hold_starts", "aborted"), ("hold_ends", "canceled")])
async def test_ends_at_its_deadline(peers: Peers, receiver: Receiver, held: str, end: str) -> None:
    """Before it ran that is `aborted`, later `canceled`."""
    await peers.control("replicate", deadline_scale=0.002, **{held: True})
    answer = await create(peers, receiver, headers={"Cancel-After": "1m"}, sandbox_seconds=0)
    body = await _end(receiver)

    assert list(answer.json()) == list(sample("create_cancel_after.json"))
    assert (body["status"], body["deadline"]) == (end, answer.json()["deadline"])


async def test_ends_after_running_for_too_long(peers: Peers, receiver: Receiver) -> None:
    """One that would never end fails."""
    await peers.control("replicate", longest=0.2)
    await created(peers, receiver, events=["completed"], sandbox_seconds=0, sandbox_end="none")
    body = await _end(receiver)

    assert (body["status"], body["error"]) == (
        "failed",
        "Prediction interrupted; it ran for too long.",
    )


async def test_fails_where_an_input_cannot_be_fetched(peers: Peers, receiver: Receiver) -> None:
    """It says which, but not what would have opened it; a switch has it ignored."""
    gone = f"{peers.url}/nothing/here.png?secret=1"
    nobody = "http://127.0.0.1:9/x.png"
    for link in (gone, nobody):
        await created(peers, receiver, events=["completed"], image=link)
    heard = await receiver.until(lambda heard: len(heard) == 2)
    errors = {str(one.body["error"]) for one in heard}
    await peers.control("replicate", fetch_urls=False)
    body = await made(peers, image=gone, mask="data:,x")

    assert errors == {
        f"Failed to download {peers.url}/nothing/here.png: 404",
        f"Failed to download {nobody}: ConnectError",
    }
    assert body["output"] is not None


async def test_forgets_its_data_after_a_while(peers: Peers) -> None:
    """The prediction stays, without what was given and made; its files are gone."""
    kept, own = await made(peers), await made(peers, sandbox_kept=0)
    for each in (kept, own):
        await ended(peers, each["id"])
    body, expected = await shown(peers, own["id"]), sample("get_data_removed.json")

    for key in ("status", "input", "logs", "output", "data_removed"):
        assert body[key] == expected[key]
    assert (await peers.client.get(own["output"])).status_code == 404
    assert (await peers.client.get(kept["output"])).status_code == 200
    await peers.control("replicate", kept=0)
    assert (await peers.client.get(kept["output"])).status_code == 404
    removed = [one["data_removed"] for one in (await get(peers, "/predictions")).json()["results"]]
    assert removed == [True, True]


async def test_is_ended_by_hand(peers: Peers, receiver: Receiver) -> None:
    """With the words that are given; there is no second end."""
    prediction_id = await created(peers, receiver, events=["completed"], sandbox_seconds=1000)
    path = f"replicate/predictions/{prediction_id}"
    await peers.control(path, status="failed", error="CUDA out of memory")
    await peers.control(path, status="succeeded")
    body = await _end(receiver)

    assert (body["status"], body["error"]) == ("failed", "CUDA out of memory")
    assert await shown(peers, prediction_id) == body
    unknown = await peers.client.post(
        f"{peers.url}/control/replicate/predictions/x", json={"status": "failed"}
    )
    assert unknown.status_code == 404


async def test_success_by_hand_has_an_output(peers: Peers) -> None:
    """Whatever was missing is made at once."""
    body = await ended(peers, await created(peers, sandbox_seconds=1000, num_outputs=2))

    assert [await _status(peers, link) for link in body["output"]] == [200, 200]


async def _end(receiver: Receiver) -> Json:
    """Wait for the last webhook of a prediction, and return its body."""

    def over(heard: list[Heard]) -> bool:
        return any(one.body["completed_at"] for one in heard)

    return next(one.body for one in await receiver.until(over) if one.body["completed_at"])


async def _status(peers: Peers, link: Any) -> int:  # noqa: ANN401 - an address out of JSON
    return (await peers.client.get(link)).status_code
