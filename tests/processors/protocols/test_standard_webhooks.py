"""processors.protocols.standard_webhooks: who may speak is told by a signature, and by the time."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.protocols import standard_webhooks
from processors.protocols.standard_webhooks import Signed

SAMPLE: Final = json.loads(
    (Path(__file__).parents[2] / "samples" / "replicate" / "webhook_cases.json").read_text()
)
KEYS: Final = standard_webhooks.keys([SAMPLE["secret"]])
OTHERS: Final = standard_webhooks.keys(
    ["whsec_" + base64.b64encode(b"another key of ours").decode()]
)
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS: Final = b"%d" % NOW.timestamp()
BODY: Final = b'{"id":"p1"}'


def signature(timestamp: bytes = SECONDS, key: bytes = KEYS[0], body: bytes = BODY) -> bytes:
    """The signature of a message whose id is `msg_1`."""
    mac = hmac.digest(key, b"msg_1." + timestamp + b"." + body, "sha256")
    return b"v1," + base64.b64encode(mac)


def judged(timestamp: bytes = SECONDS, signatures: bytes | None = None, **more: Any) -> str | None:  # noqa: ANN401 - any argument
    """What is wrong with a message of this time, which is signed unless told otherwise."""
    given = signature(timestamp) if signatures is None else signatures
    signed = Signed(more.get("id", b"msg_1"), timestamp, given)
    return standard_webhooks.verify(more.get("keys", KEYS), signed, BODY, NOW)


@pytest.mark.parametrize("case", SAMPLE["cases"], ids=lambda case: case["name"])
def test_every_recorded_case_is_judged_as_it_says(case: dict[str, Any]) -> None:
    """Good ones pass, forged and old ones do not, and none is an error of ours."""
    headers = [(name.encode(), value.encode()) for name, value in case["headers"].items()]
    signed = standard_webhooks.signed(headers)
    now = datetime.fromtimestamp(case["now"], UTC)
    right = (
        signed is not None
        and standard_webhooks.verify(KEYS, signed, case["body"].encode(), now) is None
    )
    assert right is case["verify"]


@pytest.mark.parametrize(("away", "wrong"), [(300, None), (301, "timestamp")])
def test_a_message_may_be_five_minutes_off_either_way(away: int, wrong: str | None) -> None:
    """Clocks differ, and what is older may be a replay."""
    for seconds in (away, -away):
        at = NOW + timedelta(seconds=seconds)
        assert judged(b"%d" % at.timestamp()) == wrong


@pytest.mark.parametrize(
    "timestamp",
    [b"", b"NaN", b"1e400", b"-1", b"+1", SECONDS + b".0", b" " + SECONDS, b"9" * 5000, b"\xff"],
    ids=repr,
)
def test_a_time_is_digits_and_nothing_else(timestamp: bytes) -> None:
    """Whatever else Python reads as a number is refused, though it is signed."""
    assert judged(timestamp) == "timestamp"


@pytest.mark.parametrize(
    "signatures",
    [
        b"",
        b",",
        b"v1",
        b"v1,",
        b"v1,,",
        b"v1,not base64",
        b"v1," + b"A" * 43 + b"=",
        b"v2," + signature()[3:],
        b"V1," + signature()[3:],
        b"x," + signature(),
        signature() + b",",
        signature()[:-1],
        signature()[:-2] + b"9=",
        b"\t".join([signature(), signature()]),
        b" ".join([signature()] * 100),
        b"v1,\xff\xfe",
    ],
    ids=repr,
)
def test_a_signature_is_of_one_form_only(signatures: bytes) -> None:
    """What is nearly one is refused, never an exception."""
    assert judged(signatures=signatures) == "signature"


def test_any_of_several_signatures_by_any_of_several_keys_will_do() -> None:
    """So secrets are changed without losing a message."""
    many = b" ".join([signature(key=OTHERS[0]), b"v1a,what", b"", signature()])
    assert judged(signatures=many) is None
    assert judged(keys=(OTHERS[0], KEYS[0])) is None
    assert judged(keys=OTHERS) == "signature"
    assert judged(keys=()) == "signature"


@pytest.mark.parametrize("message_id", [b"", b"msg.1", b"msg 1", b"\xff", b"x" * 257], ids=repr)
def test_an_id_cannot_be_taken_for_more(message_id: bytes) -> None:
    """A dot in it would part what is signed elsewhere than its sender did."""
    assert judged(id=message_id) == "signature"


def test_headers_that_are_told_twice_say_nothing() -> None:
    """Of two another reader may believe the other one."""
    headers = [(b"webhook-id", b"a"), (b"webhook-timestamp", b"1"), (b"webhook-signature", b"v1,x")]
    assert standard_webhooks.signed([(b"host", b"x"), *headers]) == Signed(b"a", b"1", b"v1,x")
    assert standard_webhooks.signed([*headers, headers[0]]) is None
    assert standard_webhooks.signed([*headers[:2], headers[0]]) is None
    assert standard_webhooks.signed(headers[:2]) is None


@given(
    st.builds(Signed, st.binary(), st.binary() | st.just(SECONDS), st.binary()),
    st.binary(max_size=50),
)
def test_nothing_that_is_sent_is_an_error_of_ours(signed: Signed, body: bytes) -> None:
    """And nobody guesses a signature."""
    assert standard_webhooks.verify(KEYS, signed, body, NOW) is not None


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("cGVlci10ZXN0LWtleS1ub3QtYS1yZWFsLW9uZQ==", "must begin with whsec_"),
        ("whsec_", "must hold 16 bytes or more"),
        ("whsec_c2hvcnQ=", "must hold 16 bytes or more"),
        ("whsec_cGVlci10ZXN0LWtleS1ub3QtYS1yZWFsLW9uZQ=", "must have base64"),
        ("whsec_ä", "must have base64"),
    ],
)
def test_a_setting_that_is_no_secret_is_said_without_it(secret: str, said: str) -> None:
    """Whoever copied half of it reads what is missing, and a log does not read the rest."""
    with pytest.raises(ValueError, match=said) as refused:
        standard_webhooks.keys([SAMPLE["secret"], secret])
    assert secret.removeprefix("whsec_")[:8] not in str(refused.value) or secret == "whsec_"
