"""sandbox.comfydeploy.lives: what webhooks tell of a run, and the ways they can go wrong."""

from typing import Any

import pytest

from tests.peers import Peers
from tests.sandbox.comfydeploy.client import cancel, ended, sample, shown, submit, submitted
from tests.sandbox.receiver import Heard, Receiver

pytestmark = pytest.mark.anyio

FOUR = ["queued", "running", "started", "success"]


def _ended(heard: list[Heard]) -> bool:
    return any(one.body["status"] in {"success", "failed", "timeout"} for one in heard)


async def test_tells_every_status(peers: Peers, receiver: Receiver) -> None:
    """A run without intermediate statuses makes four webhooks of the recorded fields."""
    await submitted(peers, receiver, query="?token=a%2Fb&x=1")

    statuses = await receiver.statuses(4)

    assert sorted(statuses) == FOUR
    assert {one.query for one in receiver.heard} == {"token=a%2Fb&x=1"}
    for one in receiver.heard:
        assert list(sample("01_queued.json")) == list(one.body)
        assert one.method == "POST"
        assert one.headers["content-type"] == "application/json"
        assert "authorization" not in one.headers


async def test_tells_progress_when_asked(peers: Peers, receiver: Receiver) -> None:
    """Progress events are exact; status events went through four bytes."""
    await submitted(peers, receiver, intermediate=True)

    await receiver.until(lambda heard: len(heard) >= 11)
    bodies = [one.body for one in receiver.heard]

    recorded = sample("06_running_progress_88.json")
    assert any(one["progress"] == 0.88 and one["outputs"] == [] for one in bodies)
    assert any(one["live_status"] == recorded["live_status"] for one in bodies)
    success = next(one for one in bodies if one["status"] == "success")
    assert success["progress"] == sample("08_success.json")["progress"]


async def test_tells_outputs_with_the_end(peers: Peers, receiver: Receiver) -> None:
    """The outputs of a success have the recorded fields."""
    await submitted(peers, receiver, sandbox_outputs="text,image,video")

    heard = await receiver.until(_ended)
    text, images, files = next(
        one.body["outputs"] for one in heard if one.body["status"] == "success"
    )

    recorded = sample("08_success.json")["outputs"]
    assert list(recorded[0]) == list(text)
    assert list(recorded[3]) == list(images)
    assert list(recorded[3]["data"]["images"][0]) == list(images["data"]["images"][0])
    assert files["data"]["files"][0]["format"] == "video/h264-mp4"
    assert len(recorded[3]["created_at"]) == len(images["created_at"])


async def test_tells_each_output_when_targeted(peers: Peers, receiver: Receiver) -> None:
    """A URL that targets run.output gets one such event for each output, and the others."""
    await submitted(peers, receiver, query="?target_events=run.output,run.updated")

    heard = await receiver.until(lambda heard: len(heard) >= 5)
    output = next(one.body for one in heard if one.body["event_type"] == "run.output")

    assert sample("edge/run_output_event.json").keys() == output.keys()
    assert len(output["outputs"]) == 1


@pytest.mark.parametrize("status", ["failed", "timeout", "cancelled"])
async def test_ends_as_wished(peers: Peers, receiver: Receiver, status: str) -> None:
    """A bad end has no outputs and stops in the middle."""
    run_id = await submitted(peers, receiver, sandbox_end=status)

    assert status in await receiver.statuses(4)
    run = await shown(peers, run_id)
    assert (run["status"], run["outputs"]) == (status, [])
    assert run["live_status"] == "Executing KSampler"


async def test_fails_with_some_outputs(peers: Peers, receiver: Receiver) -> None:
    """A partial run fails and shows what it made."""
    run_id = await submitted(peers, receiver, sandbox_partial=True)

    assert "failed" in await receiver.statuses(4)
    assert len((await shown(peers, run_id))["outputs"]) == 1


async def test_never_ends_when_wished(peers: Peers, receiver: Receiver) -> None:
    """No terminal webhook comes, and the run says running."""
    run_id = await submitted(peers, receiver, sandbox_end="none", sandbox_order="reverse")

    assert await receiver.statuses(3) == ["running", "started", "queued"]
    assert (await shown(peers, run_id))["status"] == "running"


async def test_drops_what_it_is_told_to(peers: Peers, receiver: Receiver) -> None:
    """Dropped webhooks are never sent; the run itself tells the truth."""
    run_id = await submitted(
        peers, receiver, intermediate=True, sandbox_drop="success,progress, queued"
    )

    assert sorted(await receiver.statuses(2)) == ["running", "started"]
    assert (await ended(peers, run_id))["status"] == "success"


async def test_drops_everything(peers: Peers) -> None:
    """A run that drops all has no attempts, though its URL is there."""
    answer = await submit(peers, Receiver("http://127.0.0.1:1"), sandbox_drop="all")
    run = await peers.run(answer.json()["run_id"])

    assert run["attempts"] == []


async def test_tells_in_reverse(peers: Peers, receiver: Receiver) -> None:
    """All webhooks come at the end, the last event first."""
    await submitted(peers, receiver, sandbox_order="reverse")

    assert await receiver.statuses(4) == ["success", "running", "started", "queued"]


async def test_tells_in_disorder(peers: Peers, receiver: Receiver) -> None:
    """All webhooks come at the end, in the same disorder each time."""
    await submitted(peers, receiver, sandbox_order="shuffle", sandbox_late_progress=True)
    await submitted(peers, receiver, sandbox_order="shuffle", sandbox_late_progress=True)

    statuses = await receiver.statuses(12)

    assert sorted(statuses) == sorted([*FOUR, "success", "running"] * 2)


async def test_tells_the_end_more_than_once(peers: Peers, receiver: Receiver) -> None:
    """Each duplicate has the full outputs."""
    await submitted(peers, receiver, sandbox_duplicate=3)

    await receiver.until(lambda heard: len(heard) >= 6)
    ends = [one.body for one in receiver.heard if one.body["status"] == "success"]

    assert len(ends) == 3
    assert ends[0] == ends[1] == ends[2]
    assert ends[0]["outputs"]


async def test_tells_late_progress(peers: Peers, receiver: Receiver) -> None:
    """After the end comes the same status without outputs, and a running."""
    await submitted(peers, receiver, sandbox_late_progress=True)

    await receiver.until(lambda heard: len(heard) >= 6)
    end, late, running = [one.body for one in receiver.heard][-3:]

    recorded = sample("edge/late_progress_after_success_empty_outputs.json")
    assert end["outputs"]
    assert {**recorded, "run_id": end["run_id"]} == late
    recorded = sample("edge/late_running_after_success.json")
    assert {**recorded, "run_id": end["run_id"]} == running


async def test_tells_a_status_nobody_knows(peers: Peers, receiver: Receiver) -> None:
    """One webhook has an unknown status and an unknown field."""
    await submitted(peers, receiver, sandbox_unknown_status=True)

    heard = await receiver.until(lambda heard: len(heard) >= 5)
    odd = next(one.body for one in heard if one.body["status"] == "hibernating")

    assert odd.keys() - sample("01_queued.json").keys() == {"weather"}


async def test_tells_the_first_event_before_the_answer(peers: Peers, receiver: Receiver) -> None:
    """An early run's first webhook was answered before its submission is."""
    await submit(peers, receiver, sandbox_early=True)

    assert receiver.heard[0].body["status"] == "queued"
    assert sorted(await receiver.statuses(4)) == FOUR


@pytest.mark.parametrize("inputs", [{}, {"sandbox_drop": "queued"}])
async def test_is_early_without_anyone_to_tell(peers: Peers, inputs: dict[str, Any]) -> None:
    """A run can be early without a webhook, or with that one dropped."""
    run_id = await submitted(
        peers,
        Receiver("http://127.0.0.1:1") if inputs else None,
        sandbox_early=True,
        sandbox_end="none",
        **inputs,
    )

    assert (await shown(peers, run_id))["queued_at"] is not None


async def test_holds_ends_until_released(peers: Peers, receiver: Receiver) -> None:
    """A held run stays alive however long; released it ends, and so does one ended by hand."""
    await peers.control("comfydeploy", hold_ends=True)
    first = await submitted(peers, receiver, intermediate=True)
    second = await submitted(peers, receiver, intermediate=True)
    await receiver.until(lambda heard: sum(one.body["progress"] == 0.88 for one in heard) == 2)

    await cancel(peers, first)
    assert (await shown(peers, second))["status"] == "running"
    await peers.control("comfydeploy", hold_ends=False)

    await receiver.until(_ended)
    assert (await shown(peers, second))["status"] == "success"
    assert (await shown(peers, first))["status"] == "cancelled"


async def test_repeats_an_end_by_hand(peers: Peers, receiver: Receiver) -> None:
    """A second end changes nothing and tells the first again; a cancelled run stays silent."""
    run_id = await submitted(peers, receiver, sandbox_seconds=1000)
    cancelled = await submitted(peers, receiver, sandbox_seconds=1000)

    await peers.control(f"comfydeploy/runs/{run_id}", status="success")
    await peers.control(f"comfydeploy/runs/{run_id}", status="failed")
    await peers.control(f"comfydeploy/runs/{cancelled}", status="cancelled", silent=True)
    answer = await peers.control(f"comfydeploy/runs/{cancelled}", status="success")

    assert await receiver.statuses(2) == ["success", "success"]
    assert answer["status"] == "cancelled"


async def test_takes_the_gpu_wished_for(peers: Peers) -> None:
    """The deployment's own GPU is told."""
    run_id = await submitted(peers, sandbox_gpu="H100")

    assert (await shown(peers, run_id))["gpu"] == "H100"
