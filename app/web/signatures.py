"""The signatures that an engine's webhooks carry beside our token, and those that were here.

A signature is over the bytes as they came, so it is checked once all of them are here.
"""

from datetime import datetime
from typing import Final, NamedTuple

from starlette.types import Scope

from app.web.refusals import SignatureError
from app.web.services import Clock
from processors.protocols import standard_webhooks
from processors.protocols.standard_webhooks import TOLERANCE
from schemas.base import GenerationId

REMEMBERED: Final = 10_000
"""Messages that are remembered at most; of more the oldest are forgotten."""


class Message(NamedTuple):
    """A message by its sender's own name for it, and of what it speaks."""

    id: bytes
    generation: GenerationId
    attempt: int


class Signatures:
    """Checks one engine's signatures, and remembers which messages were taken in.

    It remembers for as long as the same bytes could come again and be right, and for this
    process alone: what comes again all the same changes nothing, it only costs.
    """

    def __init__(self, keys: tuple[bytes, ...], clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._until = dict[Message, datetime]()

    def check(self, scope: Scope, raw: bytes) -> bytes:
        """Return the id of a message that was signed by who may, and lately.

        Raises:
            SignatureError: It was not, whatever is wrong about it.
        """
        signed = standard_webhooks.signed(scope["headers"])
        if signed is None:
            raise SignatureError("missing")
        wrong = standard_webhooks.verify(self._keys, signed, raw, self._clock.now())
        if wrong is not None:
            raise SignatureError(wrong)
        return signed.id

    def known(self, message: Message) -> bool:
        """Return whether a message was taken in already."""
        until = self._until.get(message)
        return until is not None and self._clock.now() <= until

    def remember(self, message: Message) -> None:
        """Note that a message was taken in: it is on disk."""
        self._until.pop(message, None)
        # A message may be dated so far ahead, and is right for as long after that.
        self._until[message] = self._clock.now() + 2 * TOLERANCE
        if len(self._until) > REMEMBERED:
            del self._until[next(iter(self._until))]
