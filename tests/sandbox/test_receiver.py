"""sandbox.receiver: what anybody needs to hear outgoing webhooks, by the specification alone."""

import re
import threading
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from app.clock import Clock
from processors import hooks
from sandbox.receiver import Receiver
from tests.builders import HOOK_SECRET, NOON, an_endpoint, later

BODY = hooks.try_body(an_endpoint(), NOON)


def test_what_we_sign_is_verified_by_another_s_hand() -> None:
    """Within five minutes, untouched, and by either secret while one is being replaced."""
    with Receiver(0, HOOK_SECRET, fail=1) as receiver:
        other = "whsec_" + "b3RoZXItc2VjcmV0LW9mLXRlc3Rz"
        headers = hooks.headers("a:1:b", BODY, (other, HOOK_SECRET), NOON)
        body, now = BODY.encode(), NOON.timestamp()

        assert receiver.heard(headers, body, now) == (500, "a:1:b: failed, as wanted")
        assert receiver.heard(headers, body, now) == (200, "a:1:b: webhook.test")
        assert receiver.heard(headers, body, now) == (200, "a:1:b: webhook.test, again")
        assert receiver.heard(headers, body + b" ", now)[0] == 401
        assert receiver.heard(headers, body, later(301).timestamp())[0] == 401
        assert receiver.heard({}, body, now) == (401, "a message: is not signed as it should be")


def test_it_answers_over_a_socket(capsys: pytest.CaptureFixture[str]) -> None:
    """With a line for each message."""
    with Receiver(0, HOOK_SECRET) as receiver:
        answering = threading.Thread(target=receiver.handle_request)
        answering.start()
        url = f"http://127.0.0.1:{receiver.server_port}/"
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(url, b"{}", timeout=20)
        refused.value.close()
        answering.join(20)

    assert refused.value.code == 401
    assert "is not signed as it should be" in capsys.readouterr().out


def test_the_documented_way_to_verify_is_right() -> None:
    """As it is printed, for whoever copies it."""
    text = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    found = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(found) == 1
    names: dict[str, Any] = {}
    exec(found[0], names)  # noqa: S102 - our own documentation
    body, now = BODY.encode(), Clock().now()
    headers = hooks.headers("a:1:b", BODY, (HOOK_SECRET,), now)

    assert names["verify"](HOOK_SECRET, headers, body)
    assert not names["verify"](HOOK_SECRET, headers, body + b" ")
    old = hooks.headers("a:1:b", BODY, (HOOK_SECRET,), NOON)
    assert not names["verify"](HOOK_SECRET, old, body)
