"""Signing webhooks: Standard Webhooks, as Replicate does."""

import base64
import hashlib
import hmac
import secrets
from typing import Final, Literal

PREFIX: Final = "whsec_"
_STALE_SECONDS: Final = 600

Manner = Literal["right", "wrong", "old", "both", "none", "stale"]


class Secrets:
    """The secret that webhooks are signed by, and the one before."""

    def __init__(self, secret: str = "") -> None:
        """Prepare.

        Args:
            secret: `whsec_` and base64; empty: one thrown now.

        Raises:
            ValueError: It is no secret.
        """
        self.now = a_secret(secret or new_secret())
        self.old = new_secret()

    def headers(
        self, webhook_id: str, timestamp: int, body: bytes, manner: Manner
    ) -> dict[str, str]:
        """Return the headers that one try to deliver a webhook carries.

        Args:
            webhook_id: The event's, the same for each try.
            timestamp: When it is sent, in seconds since 1970.
            body: The bytes that are sent.
            manner: How to sign; everything but `right` is what a sender should not do.
        """
        if manner == "none":
            return {}
        stamp = timestamp - _STALE_SECONDS if manner == "stale" else timestamp
        signed = {"wrong": (new_secret(),), "old": (self.old,), "both": (self.old, self.now)}
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": " ".join(
                _signature(secret, f"{webhook_id}.{stamp}.".encode() + body)
                for secret in signed.get(manner, (self.now,))
            ),
        }


def a_secret(text: str) -> str:
    """Return the text.

    Raises:
        ValueError: It is no secret.
    """
    _key(text)
    return text


def new_secret() -> str:
    """Return a secret in the form of Replicate's."""
    return PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def _signature(secret: str, content: bytes) -> str:
    digest = hmac.digest(_key(secret), content, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        raise ValueError("a secret of webhooks begins with whsec_")
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
