"""What Telegram can answer, told apart by what the sender does about it.

* PeerRefusedError: its own no
    * ChatClosedError: blocked, kicked, deactivated; nothing reaches this chat
    * NoSuchChatError: it knows no such chat, or none that we may write to
    * ChatMigratedError: the group has another id now
    * MarkupRefusedError: the text's markup or length; send it plain
    * TooLargeError: send something smaller
* PeerBusyError
    * FloodError: Telegram's own limit; this chat waits
* PeerMissingError
    * MessageGoneError: the message to edit is not there, or not one that can be edited so
* PeerDownError
    * TokenFaultError: the bot's token is refused
    * ConflictFaultError: somebody else uses the same bot in a way that excludes us
"""

from datetime import timedelta
from typing import Final

from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
)

PEER: Final = "telegram"


class ChatClosedError(PeerRefusedError):
    """The chat is closed to us: blocked, kicked or deactivated. Its debts can be buried.

    Attributes:
        why: Telegram's own words.
    """

    reason = "chat_closed"

    def __init__(self, why: str) -> None:
        super().__init__(PEER, why)
        self.why = why


class NoSuchChatError(PeerRefusedError):
    """Telegram knows no such chat, or the bot may not write to it; no other form helps."""

    reason = "no_such_chat"


class ChatMigratedError(PeerRefusedError):
    """The group has become a supergroup.

    Attributes:
        to: Its new id.
    """

    reason = "chat_migrated"

    def __init__(self, to: int) -> None:
        super().__init__(PEER, "the group has another id now")
        self.to = to


class MarkupRefusedError(PeerRefusedError):
    """The text's markup, or its length with it, was refused."""

    reason = "markup_refused"


class TooLargeError(PeerRefusedError):
    """The request is too large: a smaller form, or a link."""

    reason = "too_large"


class FloodError(PeerBusyError):
    """Telegram's limit is reached: this chat waits as long as it says."""

    reason = "flood"

    def __init__(self, wait: timedelta) -> None:
        super().__init__(PEER, "flood control", wait)
        self.wait = wait


class MessageGoneError(PeerMissingError):
    """The message to edit is not there, or is not of a kind that can be edited so."""

    reason = "message_gone"


class TokenFaultError(PeerDownError):
    """The bot's token is refused: nothing can be sent until it is put right."""

    reason = "token_refused"


class ConflictFaultError(PeerDownError):
    """Another program uses the same bot in a way that excludes ours."""

    reason = "bot_conflict"


def busy(message: str, wait: timedelta | None = None) -> PeerBusyError:
    """Make the error for what was surely not done and may be done later."""
    return PeerBusyError(PEER, message, wait)


def unknown(message: str) -> PeerUnknownError:
    """Make the error for what may have been done."""
    return PeerUnknownError(PEER, message)
