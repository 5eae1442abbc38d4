"""`python -m sandbox.receiver`: somebody who hears outgoing webhooks, verifies and prints them.

It knows nothing of the service: the signature is worked out here as its specification says.
Source: github.com/standard-webhooks/standard-webhooks, its specification as of 2025.
"""

import argparse
import base64
import hmac
import json
import sys
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

_TOLERANCE: Final = 300
"""Seconds that a message's time may be off."""
_MOST: Final = 16 * 1024 * 1024
"""Bytes of a body that are read."""


class Receiver(HTTPServer):
    """Listens on one port of this machine.

    Args:
        port: Which; 0 for a free one.
        secret: What messages have to be signed by.
        fail: How many of the first it answers 500.
    """

    def __init__(self, port: int, secret: str, fail: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.secret = secret
        self.fail = fail
        self.known = set[str]()

    def heard(self, headers: Mapping[str, str], body: bytes, now: float) -> tuple[int, str]:
        """Take a message; return what to answer, and a line about it."""
        message = headers.get("webhook-id", "")
        if not verified(self.secret, headers, body, now):
            return 401, f"{message or 'a message'}: is not signed as it should be"
        if self.fail:
            self.fail -= 1
            return 500, f"{message}: failed, as wanted"
        again = ", again" if message in self.known else ""
        self.known.add(message)
        told = json.loads(body)
        status = told["data"].get("status", "")
        return 200, f"{message}: {told['type']} {status}".rstrip() + again


def verified(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Return whether a message was signed by a secret, and lately."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    message, sent, signatures = (headers.get(name, "") for name in names)
    if not sent.isdecimal() or abs(now - int(sent)) > _TOLERANCE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((message.encode(), sent.encode(), body))
    made = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return any(hmac.compare_digest(made, each) for each in signatures.split(" "))


class _Handler(BaseHTTPRequestHandler):
    server: Receiver  # pyright: ignore[reportIncompatibleVariableOverride] - nothing else makes one

    def do_POST(self) -> None:
        """Answer one message."""
        body = self.rfile.read(min(int(self.headers.get("content-length", "0")), _MOST))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, line = self.server.heard(headers, body, time.time())
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing beside the line about each message."""
        del format, args


def main(given: Sequence[str] | None = None) -> None:
    """Listen until Ctrl-C."""
    parser = argparse.ArgumentParser("python -m sandbox.receiver", description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--secret", required=True, help="whsec_ and base64")
    parser.add_argument("--fail", type=int, default=0, help="answer 500 to so many first")
    asked = parser.parse_args(given)
    with Receiver(asked.port, asked.secret, asked.fail) as receiver:
        sys.stdout.write(f"listening on http://127.0.0.1:{receiver.server_port}/\n")
        sys.stdout.flush()
        try:
            receiver.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
