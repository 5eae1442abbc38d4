"""sandbox.comfydeploy.webhooks: three tries, the second and third a GET with the same body."""

from typing import Any, Final

import pytest
from starlette.responses import RedirectResponse, Response

from tests.peers import Peers
from tests.sandbox.comfydeploy.client import submitted
from tests.sandbox.receiver import ELSEWHERE, Receiver

pytestmark = pytest.mark.anyio

ONE: Final[dict[str, Any]] = {"sandbox_drop": "queued,started,running"}


async def test_tries_again_by_get(peers: Peers, receiver: Receiver) -> None:
    """Refused by POST, an event comes again as GET with the same body and query."""
    receiver.answers.extend([Response(status_code=500), Response(status_code=405)])
    run_id = await submitted(peers, receiver, query="?a=b", **ONE)

    first, second, third = await receiver.until(lambda heard: len(heard) == 3)

    assert [first.method, second.method, third.method] == ["POST", "GET", "GET"]
    assert first.body == second.body == third.body
    assert third.query == "a=b"
    assert (await peers.run(run_id))["webhook"] == f"{receiver.url}?a=b"


async def test_gives_up_after_three_tries(peers: Peers, receiver: Receiver) -> None:
    """An event refused three times is lost, and each try is noted."""
    receiver.answers.extend(Response(status_code=503) for _ in range(3))
    run_id = await submitted(peers, receiver, **ONE)
    await receiver.until(lambda heard: len(heard) == 3)

    while len(attempts := (await peers.run(run_id))["attempts"]) < 3:
        pass

    assert [(one["method"], one["answered"]) for one in attempts] == [
        ("POST", 503),
        ("GET", 503),
        ("GET", 503),
    ]
    assert {one["status"] for one in attempts} == {"success"}


async def test_notes_what_kept_the_answer_away(peers: Peers) -> None:
    """A refused connection and a URL that is none are tried three times, too."""
    for url in ("http://127.0.0.1:1/", "not a url"):
        run_id = await submitted(peers, Receiver(url), **ONE)
        while len(attempts := (await peers.run(run_id))["attempts"]) < 3:
            pass
        assert all(one["answered"] is None and one["error"] for one in attempts)


async def test_follows_redirects_and_loses_the_body(peers: Peers, receiver: Receiver) -> None:
    """A 302 makes the POST a GET without a body, as it does for the real sender."""
    receiver.answers.append(RedirectResponse(ELSEWHERE, 302))
    await submitted(peers, receiver, **ONE)

    _, second = await receiver.until(lambda heard: len(heard) == 2)

    assert (second.method, second.path, second.body) == ("GET", ELSEWHERE, {})
