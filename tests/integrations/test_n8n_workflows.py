"""integrations/n8n: each file is what n8n imports, whole, and nobody's in particular."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.integrations import n8n
from tests.integrations.n8n import FILES, FOLDER, Workflow

BY_NAME = [pytest.param(path, id=path.stem) for path in FILES]
ANSWERED = ["save-status", "alert-on-failure", "order-and-wait"]
SIGNED = "Is it signed?"


@pytest.mark.parametrize("path", BY_NAME)
def test_a_file_is_as_n8n_exports_workflows(path: Path) -> None:
    """Its nodes are of versions that there are, and what is joined is there."""
    read = n8n.workflow(path.stem)

    wired = set(read.connections) | {
        target for name in read.connections for target in read.led_to(name)
    }
    loose = {each.name for each in read.nodes if each.kind != "stickyNote"} - wired
    assert not loose or len(read.nodes) == 1


@pytest.mark.parametrize("path", BY_NAME)
def test_a_file_holds_no_secret_and_no_mark_of_an_n8n(path: Path) -> None:
    """Whoever imports it gives it their own."""
    text = path.read_text()

    assert not re.search(r"whsec_[A-Za-z0-9+/]{8}|Bearer (?!Auth)|[0-9]{8,10}:AA", text)
    assert not re.search(r'"(credentials|instanceId|versionId|staticData|shared)"', text)
    assert re.findall(r"https?://(?!relay\.example\.com)[^ \"]+", text) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "aB3"}, "extra"),
        ({"active": True}, "active"),
        ({"connections": {"Nobody": {"main": []}}}, "nodes that there are not"),
        ({"twice": True}, "one name, or one id"),
        ({"node": {"typeVersion": 9}}, "there is no n8n-nodes-base.code 9"),
        ({"node": {"credentials": {}}}, "credentials"),
    ],
    ids=["a mark", "active", "a loose end", "twice", "a version", "credentials"],
)
def test_what_n8n_would_not_take_is_refused(change: dict[str, Any], said: str) -> None:
    """So the schema says something."""
    given = json.loads((FOLDER / "verify-signature.json").read_text())
    node = given["nodes"][0] | change.pop("node", {})
    given["nodes"] = [node, node] if change.pop("twice", False) else [node]

    with pytest.raises(ValidationError, match=said):
        Workflow.model_validate_json(json.dumps(given | change))


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_not_signed_is_refused_and_comes_no_further(name: str) -> None:
    """It reaches neither a database nor anybody; who waits for the right one goes on waiting."""
    read = n8n.workflow(name)
    begin = "Wait for the end" if name == "order-and-wait" else "Heard"
    reached = read.led_to(begin, without=(SIGNED, 0))

    assert "Refuse" in reached
    asked = {"Did nothing come?", "Ask how it stands", "Has it ended?", "Is it completed?"}
    waits = asked | {"Made", "Not made", "Wait for the end"}
    usual = {"Verify the signature", SIGNED, "Refuse"}
    failing = {"Not now", "Not dealt with"}
    assert reached - usual == (waits if name == "order-and-wait" else failing)
    assert read.node("Refuse").parameters["options"] == {"responseCode": 401}


@pytest.mark.parametrize("name", ANSWERED)
def test_a_message_is_taken_only_once_it_is_dealt_with(name: str) -> None:
    """What fails before is answered 503, and Runrelay tries again."""
    read = n8n.workflow(name)
    hears = read.node("Wait for the end" if name == "order-and-wait" else "Heard").parameters

    assert hears["responseMode"] == "responseNode"
    assert hears["options"] == {"rawBody": True}
    assert {"Save the status", "Tell in Telegram"}.isdisjoint(read.led_to("Taken"))


@pytest.mark.parametrize("path", BY_NAME)
def test_expressions_are_javascript_and_name_nodes_that_there_are(path: Path) -> None:
    """A slip in one would show only when the workflow comes to it."""
    read = n8n.workflow(path.stem)
    told = [each for node in read.nodes for each in n8n.expressions(node.parameters)]
    names = {each.name for each in read.nodes}
    parsed = n8n.run([{"code": f"return; ({each});", "now": 0} for each in told])

    assert [each for each in parsed if "error" in each] == []
    code = [str(each.parameters.get("jsCode")) for each in read.nodes]
    assert set(re.findall(r"\$\('([^']+)'\)", " ".join([*told, *code]))) <= names


@pytest.mark.parametrize("path", BY_NAME)
def test_the_code_of_a_node_is_the_file_beside_it(path: Path) -> None:
    """People read the file; where the secret is may differ, and nothing else."""
    read = n8n.workflow(path.stem)
    ours = (FOLDER / "verify-signature.js").read_text()
    node = read.node("Verify the signature").parameters["jsCode"]

    assert node.split("\n", 2)[2] == ours.split("\n", 2)[2]
    assert node.split("\n")[1].startswith("const secret = ")
    assert path.stem == "order-and-wait" or node == ours


def test_the_sql_of_nodes_is_the_files_beside_them() -> None:
    """As with the code."""
    read = n8n.workflow("save-status")
    for node, name in (("Save the status", "save-status"), ("Log the usage", "log-usage")):
        assert read.node(node).parameters["query"] == (FOLDER / f"{name}.sql").read_text()


def test_an_order_is_one_however_often_it_is_sent_and_has_a_secret_of_its_own() -> None:
    """The secret is base64, and the address that is called is the one of this execution."""
    read = n8n.workflow("order-and-wait")
    made = read.node("Make a secret").parameters
    body = next(n8n.expressions(read.node("Order").parameters["jsonBody"]))
    item = {"user": "u", "preset": "p", "prompt": 'say "<b>"', "secret": "0f" * 32}
    address = "https://n8n.example.com/webhook-waiting/7?signature=ab"
    told = n8n.run(
        [
            {
                "expression": body,
                "item": {"json": item},
                "execution": {"resumeUrl": address},
                "now": 0,
            }
        ]
    )

    assert (made["encodingType"], made["stringLength"]) == ("hex", 64)
    secret = "whsec_" + "0f" * 32
    webhook = {"url": address, "events": ["job.completed"], "secret": secret}
    order = {"user": "u", "preset": "p", "inputs": {"prompt": 'say "<b>"'}, "webhook": webhook}
    assert json.loads(told[0]["result"]) == order
    named = read.node("Order").parameters["headerParameters"]["parameters"]
    assert [each["name"] for each in named] == ["Idempotency-Key"]


def test_an_alert_shows_what_people_wrote_as_they_wrote_it() -> None:
    """Telegram takes it as HTML: none of theirs is left in it, and it is never too long."""
    text = next(
        n8n.expressions(n8n.workflow("alert-on-failure").node("Tell in Telegram").parameters)
    )
    record = {
        "id": "0198",
        "status": "failed",
        "engine": "comfyui",
        "metadata": {"preset": None},
        "statusReason": None,
        "responsePayload": {"error": "<img onerror=x> & " + "y" * 10_000},
    }
    item = {"json": {"type": "generation.failed", "data": record}}
    told = n8n.run([{"expression": text, "item": item, "now": 0}])[0]["result"]

    assert told.startswith("generation 0198: failed\ncomfyui\n&lt;img onerror=x&gt; &amp; yyy")
    assert len(told) < 4096
