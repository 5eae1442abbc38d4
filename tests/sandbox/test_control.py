"""sandbox.control: switches are merged, typos seen, and everything forgotten on demand."""

import pytest

from tests.peers import Peers
from tests.sandbox.comfydeploy.client import submitted

pytestmark = pytest.mark.anyio


async def test_merges_switches(peers: Peers) -> None:
    """A call turns what it names and leaves the rest."""
    await peers.control("comfydeploy", down=True)
    await peers.control("comfydeploy", hold_ends=True)

    switches = await peers.look("comfydeploy")
    assert (switches["down"], switches["hold_ends"]) == (True, True)
    assert (await peers.look("telegram"))["fetch_urls"] is True


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("comfydeploy", {"dwon": True}),
        ("comfydeploy", {"retry_scale": -1}),
        ("telegram", {"edit_delay": "long"}),
        ("telegram/faults", {"kind": "418"}),
        ("telegram/updates", {"chat_id": 1}),
        ("telegram/updates", {"text": "x"}),
        ("telegram/acts", {"act": "shout", "user": {"id": 7}}),
        ("telegram/acts", {"act": "write", "user": {"id": 0}, "text": "x"}),
        ("telegram/acts", {"act": "photo", "user": {"id": 7}, "data": None}),
        ("telegram/acts", {"act": "tap", "user": {"id": 7}, "data": "a", "place": 1}),
        ("telegram/acts", {"act": "tap", "user": {"id": 7}, "place": 1, "stale": True}),
        ("telegram/updates/1", {"times": 0}),
        ("comfydeploy/runs/x", {"status": "running"}),
        ("replicate", {"signed": "badly"}),
        ("replicate/predictions/x", {"status": "processing"}),
    ],
)
async def test_sees_typos(peers: Peers, path: str, body: dict[str, object]) -> None:
    """What is not known is refused."""
    answer = await peers.client.post(f"{peers.url}/control/{path}", json=body)

    assert answer.status_code == 422


async def test_ends_no_unknown_run(peers: Peers) -> None:
    """There is nothing to end."""
    answer = await peers.client.post(
        f"{peers.url}/control/comfydeploy/runs/x", json={"status": "success"}
    )

    assert answer.status_code == 404


async def test_forgets_everything(peers: Peers) -> None:
    """After a reset there are no runs, requests, faults or switches."""
    await submitted(peers, sandbox_seconds=1000)
    await peers.control("comfydeploy", down=True)
    await peers.control("telegram/faults", kind="500")
    await peers.control("reset")

    assert await peers.look("comfydeploy/runs") == []
    assert await peers.look("comfydeploy/requests") == []
    assert (await peers.look("comfydeploy"))["down"] is False
    assert await peers.look("telegram/chats/404404") == []
    answer = await peers.client.get(f"{peers.telegram}/bot42:secret/getMe")
    assert answer.status_code == 200
