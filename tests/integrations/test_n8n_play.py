"""integrations/n8n: the workflows, played through."""

import base64
import hmac
import json
from typing import Any, Final

import pytest

from tests.integrations import n8n
from tests.integrations.n8n_play import Did, Play

NOW: Final = 1_790_000_000
MADE: Final = "0f" * 32
SECRET: Final = f"whsec_{MADE}"
VARIABLES: Final = {"RUNRELAY_WEBHOOK_SECRET": SECRET}


def said(kind: str, data: dict[str, Any], key: str = MADE) -> dict[str, Any]:
    """What a Webhook node passes on of a message of ours."""
    told = {"type": kind, "timestamp": "2026-09-21T13:33:20.104Z", "data": data}
    body = json.dumps(told).encode()
    mac = hmac.digest(base64.b64decode(key), f"a:1:e.{NOW}.".encode() + body, "sha256")
    headers = {
        "webhook-id": "a:1:e",
        "webhook-timestamp": str(NOW),
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }
    return {"json": {"headers": headers, "body": told}, "raw": base64.b64encode(body).decode()}


def an_order(*heard: dict[str, Any], answers: tuple[dict[str, Any], ...] = ()) -> list[Did]:
    """What was done after the order, by an execution that heard these."""
    play = Play(n8n.workflow("order-and-wait"), now=NOW)
    ordered = {"id": "job1", "status": "active"}
    play.begin("Begin", heard=heard, answers=[ordered, *answers])
    address, body = play.did[0].what
    assert address == "https://relay.example.com/api/jobs/create"
    assert json.loads(body)["webhook"]["secret"] == SECRET
    return play.did[1:]


def test_an_order_waits_past_a_forged_call_and_shows_what_was_made() -> None:
    """The forger reads 401 and learns nothing; the right message is taken."""
    outputs = [{"kind": "image", "mediaUrl": "https://relay.example.com/media/1"}]
    end = {"id": "job1", "status": "completed", "outputs": outputs}
    forged = said("job.completed", end, key="ab" * 32)

    done = an_order(forged, said("job.completed", end))
    assert done == [Did("Refuse", 401), Did("Taken", 204), Did("Made", outputs)]


def test_an_order_that_hears_nothing_asks() -> None:
    """As often as its time is up; a job that is still under way is waited for."""
    late = {"late": True}
    ended = {"id": "job1", "status": "failed", "statusReason": "stopped"}
    asked = ("https://relay.example.com/api/jobs/job1", "")

    done = an_order(late, late, answers=({"id": "job1", "status": "active"}, ended))
    question = Did("Ask how it stands", asked)
    assert done == [question, question, Did("Not made", "Job job1 ended as failed: stopped")]


def test_a_status_is_saved_before_it_is_taken_and_nodes_after_it() -> None:
    """The usage of ComfyUI's runs is asked for, of others there is none."""
    for engine, end in (("comfyui", ["Ask for usage", "Log the usage"]), ("replicate", [])):
        record = {"id": "g1", "version": 3, "engine": engine, "status": "completed"}
        play = Play(n8n.workflow("save-status"), now=NOW, vars_=VARIABLES)
        play.begin("Heard", heard=[said("generation.completed", record)], answers=[{"items": []}])

        assert [each.node for each in play.did] == ["Save the status", "Taken", *end]
        assert json.loads(play.did[0].what[0])["data"] == record
        asked = [each.what for each in play.did if each.node == "Ask for usage"]
        assert asked == [("https://relay.example.com/api/generations/g1/usage", "")][: len(end)]


@pytest.mark.parametrize(
    ("name", "node"), [("save-status", "Save the status"), ("alert-on-failure", "Tell in Telegram")]
)
@pytest.mark.parametrize("output", [0, 1])
def test_what_could_not_be_dealt_with_is_sent_again(name: str, node: str, output: int) -> None:
    """By whichever output n8n passes the error on, Runrelay reads 503, and the execution fails."""
    error = {"message": "no connection", "item": {}, "error": {"code": "ECONNREFUSED"}}
    record = {"id": "g1", "status": "failed", "engine": "replicate"}
    play = Play(n8n.workflow(name), now=NOW, vars_=VARIABLES, fails={node: (error, output)})
    play.begin("Heard", heard=[said("generation.failed", record)])

    assert play.did == [
        Did("Not now", 503),
        Did("Not dealt with", 'Runrelay tries again: {"code":"ECONNREFUSED"}'),
    ]


@pytest.mark.parametrize("name", ["save-status", "alert-on-failure"])
def test_without_a_secret_all_is_sent_again(name: str) -> None:
    """Nothing is lost until it is set."""
    play = Play(n8n.workflow(name), now=NOW)
    play.begin("Heard", heard=[said("generation.failed", {"id": "g1"})])

    assert [each.node for each in play.did] == ["Not now", "Not dealt with"]
    assert "The secret is missing" in play.did[1].what


def test_what_is_forged_is_neither_saved_nor_told() -> None:
    """Whichever listens."""
    record = {"id": "g1", "status": "failed", "engine": "replicate"}
    for name in ("save-status", "alert-on-failure"):
        play = Play(n8n.workflow(name), now=NOW, vars_=VARIABLES)
        play.begin("Heard", heard=[said("generation.failed", record, key="ab" * 32)])
        assert play.did == [Did("Refuse", 401)]


def test_failures_are_told_once_each_and_nothing_else_is() -> None:
    """A failed run by itself; of jobs only those that came to no run."""
    told = dict[str, list[str]]()
    for kind, status in (
        ("generation.failed", "failed"),
        ("generation.failed", "timeout"),
        ("generation.completed", "completed"),
        ("job.completed", "failed"),
        ("job.completed", "refused"),
    ):
        play = Play(n8n.workflow("alert-on-failure"), now=NOW, vars_=VARIABLES)
        play.begin("Heard", heard=[said(kind, {"id": "1", "status": status, "engine": None})])
        assert play.did[-1] == Did("Taken", 204)
        told[f"{kind} {status}"] = [each.what for each in play.did[:-1]]

    assert told == {
        "generation.failed failed": ["generation 1: failed"],
        "generation.failed timeout": ["generation 1: timeout"],
        "generation.completed completed": [],
        "job.completed failed": [],
        "job.completed refused": ["job 1: refused"],
    }
