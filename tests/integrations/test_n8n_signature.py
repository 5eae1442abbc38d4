"""The verification node, as it stands in the workflows: who may speak is told by a signature."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any, Final

from processors.protocols import standard_webhooks
from tests.integrations import n8n

SAMPLE: Final = json.loads(
    (Path(__file__).parents[1] / "samples" / "replicate" / "webhook_cases.json").read_text()
)
SECRET: Final = SAMPLE["secret"]
KEY: Final = standard_webhooks.keys([SECRET])[0]
OTHER: Final = b"another key, which nobody of ours has"
NOW: Final = 1_790_000_000
ID: Final = "0198c0ffee0198c0ffee0198c0ffee01:7:0198c0ffee0198c0ffee0198c0ffee02"
DATA: Final = {
    "id": "0198c0ffee0198c0ffee0198c0ffee01",
    "version": 7,
    "prompt": "Leuchtturm 🗼 \x7f",
}
EVENT: Final = {
    "type": "generation.completed",
    "timestamp": "2026-09-21T13:33:20.104Z",
    "data": DATA,
}
BODY: Final = json.dumps(EVENT, ensure_ascii=False).encode()


def signature(body: bytes = BODY, key: bytes = KEY, at: int = NOW, message: str = ID) -> str:
    """A signature of Standard Webhooks."""
    signed = f"{message}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def headers(signatures: str | None = None, at: object = NOW, message: str = ID) -> dict[str, str]:
    """The headers of a message, rightly signed unless told otherwise."""
    given = signature() if signatures is None else signatures
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": given,
    }


def heard(
    given: dict[str, str], raw: bytes | None = BODY, secret: str | None = SECRET, now: float = NOW
) -> dict[str, Any]:
    """What the Code node is given: the item of a node with Raw Body on, and the variable."""
    item: dict[str, Any] = {"json": {"headers": given, "body": {"never": "read"}}}
    if raw is not None:
        item["raw"] = base64.b64encode(raw).decode()
    return {"item": item, "vars": {"RUNRELAY_WEBHOOK_SECRET": secret}, "now": now}


def judged(*messages: dict[str, Any], name: str = "save-status") -> list[dict[str, Any]]:
    """What the node of a workflow makes of messages: its item's JSON, or `error`."""
    code = n8n.workflow(name).node("Verify the signature").parameters["jsCode"]
    told = n8n.run([{"code": code} | each for each in messages])
    return [each["result"][0]["json"] if "result" in each else each for each in told]


def test_a_right_message_comes_through_as_it_was_signed() -> None:
    """What goes on is read from the bytes that were signed, whatever n8n has made of them."""
    right = {"verified": True, "id": ID} | EVENT
    assert judged(heard(headers())) == [right]
    assert judged(heard(headers()), name="verify-signature") == [right]
    assert judged(heard(headers()), name="alert-on-failure") == [right]


def test_every_recorded_case_is_judged_as_it_says() -> None:
    """Good ones pass, forged and old ones do not, and none is an error."""
    cases = SAMPLE["cases"]
    told = judged(
        *[heard(each["headers"], each["body"].encode(), now=each["now"]) for each in cases]
    )

    assert len(cases) > 10
    said = {case["name"]: each.get("verified") for case, each in zip(cases, told, strict=True)}
    assert said == {each["name"]: each["verify"] for each in cases}


def test_a_message_may_be_five_minutes_off_either_way() -> None:
    """Clocks differ, and what is older may be a replay."""
    near = [heard(headers(), now=NOW + away) for away in (300, -300)]
    far = [heard(headers(), now=NOW + away) for away in (301, -301)]

    assert [each["verified"] for each in judged(*near)] == [True, True]
    assert judged(*far) == [{"verified": False, "reason": "timestamp"}] * 2


def test_one_right_signature_of_several_will_do() -> None:
    """While a secret is changed, messages are signed by the old one and the new one."""
    both = f"{signature(key=OTHER)} {signature()}"
    told = judged(heard(headers(both)), heard(headers(f"v1a,what  {both}")))
    assert [each["verified"] for each in told] == [True, True]


WRONG: Final = {
    "another key": heard(headers(signature(key=OTHER))),
    "another body": heard(headers(), BODY + b" "),
    "an empty body": heard(headers(), b""),
    "no raw body": heard(headers(), None),
    "another id": heard(headers(message="another")),
    "an id with a space": heard(headers(signature(message="an id"), message="an id")),
    "an id with a dot": heard(headers(signature(message="a.b"), message="a.b")),
    "no signature": heard(headers("")),
    "a signature of nothing": heard(headers("v1," + "A" * 43 + "=")),
    "a part of it": heard(headers(signature()[:-1])),
    "more than it": heard(headers(signature() + ",")),
    "another version": heard(headers("v2," + signature()[3:])),
    "in small letters": heard(headers(signature().lower())),
    "garbage": heard(headers("v1,\ud7ff\uffff" * 50)),
    "too much of it": heard(headers(" ".join([signature()] * 100))),
}


def test_anything_else_is_not_from_us() -> None:
    """It is said to be wrong, and is never an error."""
    told = dict(zip(WRONG, judged(*WRONG.values()), strict=True))
    taken = {"verified": False, "reason": "signature"}
    assert {name: each for name, each in told.items() if each != taken} == {}
    assert judged(heard({"content-type": "application/json"}))[0]["verified"] is False


def test_a_time_is_digits_and_nothing_else() -> None:
    """Whatever else JavaScript reads as a number is refused, though it is signed."""
    odd = ["", "NaN", "1e9", f" {NOW}", f"{NOW}.0", f"+{NOW}", hex(NOW), "9" * 50]
    told = judged(*[heard(headers(signature(), at=at)) for at in odd])
    assert told == [{"verified": False, "reason": "timestamp"}] * len(odd)


def test_without_a_secret_nothing_is_right() -> None:
    """The node fails and n8n answers 500, so that Runrelay tries again until it is set."""
    missing = [None, "", "whsec_", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_"), "undefined"]
    told = judged(*[heard(headers(), secret=given) for given in missing])
    assert ["The secret is missing" in each["error"] for each in told] == [True] * len(missing)


def test_who_waits_takes_the_secret_that_it_ordered_with() -> None:
    """And what came before, when nothing was heard in time, is told apart from a wrong message."""
    made = "0f" * 32
    key = base64.b64decode(made)
    nodes = {"Make a secret": {"secret": made}}
    late = {"item": {"json": {"id": "job"}}, "nodes": nodes, "now": NOW}
    told = judged(
        heard(headers(signature(key=key))) | {"nodes": nodes},
        heard(headers()) | {"nodes": nodes},
        late,
        name="order-and-wait",
    )

    assert [each["verified"] for each in told] == [True, False, False]
    assert [each.get("reason") for each in told] == [None, "signature", "nothing came"]


def test_its_own_sha_256_is_the_one_that_everybody_has() -> None:
    """For messages that end before, at and after the edges of blocks, and keys of all lengths."""
    code = (n8n.FOLDER / "verify-signature.js").read_text().split("const key = keyOf")[0]
    made = """
      const hex = (digest) => digest.toString('hex');
      const pair = (n) => [Buffer.alloc(n, n), Buffer.alloc(n, 255 - n)];
      const both = ([message, key]) => [hex(sha256(message)), hex(hmac(key, message))];
      return [...Array(200).keys()].map(pair).map(both);
    """
    told = n8n.run([{"code": f"{code}\n{made}", "now": NOW}])

    expected = [
        [
            hashlib.sha256(bytes([n]) * n).hexdigest(),
            hmac.digest(bytes([255 - n]) * n, bytes([n]) * n, "sha256").hex(),
        ]
        for n in range(200)
    ]
    assert told[0]["result"] == expected
