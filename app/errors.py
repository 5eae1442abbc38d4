"""What can go wrong between us and the outside, split by what the caller can do.

* AppError
    * RefusedError: refuse the caller; the message says what to change
        * UnknownFieldError, BadFieldError: names the field
        * EngineOffError: that engine is not set up here
        * WorkflowRefusedError: a workflow cannot be run, or has no such input
        * HookRefusedError: nothing can be told in the way that is asked for
        * AmountRefusedError: nothing can be sold for that amount
        * TelegramOffError: Telegram is needed, and is not set up here
        * UserBlockedError: this person is served no more
        * NotAllowedError: this preset is not for this person
        * LimitReachedError: this person has ordered as much as they may for now
        * PausedError: an engine or a preset takes no orders for now
        * IdempotencyMismatchError: another body came with the same key
        * StaleVersionError: the record has changed since
        * NotFoundError: there is no such record
        * ConflictError: not in this state
    * UnavailableError: try again later
        * ContendedError: others kept winning the write to one record
        * StoreDownError: the database does not answer
            * StoreShutOutError: it does not let us in, or not do this
        * StoreFaultError: the database refuses what we asked; nobody knows why
        * UnreadableError: a record is of a newer version, or damaged
        * OverloadedError: more waits than we can hold
        * DiskFullError: nothing new is taken on
    * PeerError: what a peer did to a call of ours
        * PeerRefusedError: its own no; trying again will not help
        * PeerBusyError: surely not done; try again, after its own wait if it named one
            * PeerStrangeError: it answered what makes no sense
        * PeerUnknownError: whether it was done is not known
        * ReceiverError: an outgoing webhook was not taken
        * PeerDownError: the whole peer is at fault; its debts wait
            * PeerSilentError: nothing answers there
        * PeerMissingError: it has no such thing
            * PeerLostError: it surely has it no more, and will not have it again
    * SetupError: refuse to start; each problem named
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal


class AppError(Exception):
    """Root of everything the app raises. `reason` is a slug and a metric's label."""

    reason = "app"


class RefusedError(AppError):
    """The caller asked for what cannot be; the message says what to change."""

    reason = "refused"


class BadFieldError(RefusedError):
    """A field has a value that it cannot have."""

    reason = "bad_field"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class UnknownFieldError(BadFieldError):
    """A field is not one that can be given here."""

    reason = "unknown_field"


class EngineOffError(BadFieldError):
    """An order names an engine that is not set up here."""

    reason = "engine_off"


class WorkflowRefusedError(BadFieldError):
    """A workflow cannot be run, is not kept here, or has no such input."""

    reason = "workflow_refused"


class HookRefusedError(BadFieldError):
    """Nothing can be told at that URL, of those events, or under that secret."""

    reason = "webhook_refused"


class AmountRefusedError(BadFieldError):
    """Nothing can be sold for that amount."""

    reason = "amount_refused"


class TelegramOffError(BadFieldError):
    """Telegram is needed, for a chat or for Stars, and is not set up here."""

    reason = "telegram_off"


class UserBlockedError(RefusedError):
    """The person is served no more."""

    reason = "user_blocked"

    def __init__(self) -> None:
        super().__init__("user: this person is blocked")
        self.field = "user"


class NotAllowedError(RefusedError):
    """The preset is not for this person, or for nobody at the moment."""

    reason = "not_allowed"

    def __init__(self, preset: str, field: str = "preset") -> None:
        super().__init__(f"{field}: {preset} is not for this person")
        self.field = field


class LimitReachedError(RefusedError):
    """The person has ordered as much as they may for now.

    Attributes:
        limit: Which limit.
        most: What it allows.
        retry_after: When it allows more; None where that depends on what runs.
    """

    reason = "limit_reached"

    def __init__(
        self,
        limit: Literal["at_once", "per_minute", "per_day"],
        most: int,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(f"user: {most} {limit.replace('_', ' ')} are allowed")
        self.limit: Final = limit
        self.most: Final = most
        self.retry_after: Final = retry_after


class PausedError(RefusedError):
    """An engine or a preset takes no orders for now.

    Attributes:
        what: What is paused, or that as much was spent today as may be.
        name: Of the engine or the preset.
        why: Why, in the words of whoever paused it.
        retry_after: When that ends; None where nobody knows.
    """

    reason = "paused"

    def __init__(
        self,
        what: Literal["engine", "preset", "spend"],
        name: str,
        why: str | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        said = f": {why}" if why else ""
        super().__init__(f"{name} takes no orders for now{said}")
        self.what: Final = what
        self.name: Final = name
        self.why: Final = why
        self.retry_after: Final = retry_after


class IdempotencyMismatchError(RefusedError):
    """The same Idempotency-Key came with another body."""

    reason = "idempotency_mismatch"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used with another body; use a new key")


class StaleVersionError(RefusedError):
    """The record is no longer at the version named by If-Match."""

    reason = "stale_version"

    def __init__(self, version: int) -> None:
        super().__init__(f"the record is at version {version}; read it again and retry")
        self.version = version


class NotFoundError(RefusedError):
    """There is no such record."""

    reason = "not_found"

    def __init__(self, what: str, field: str | None = None) -> None:
        super().__init__(f"{field}: no such {what}" if field else f"no such {what}")
        self.field = field


class ConflictError(RefusedError):
    """The record is not in a state in which this can be done."""

    reason = "conflict"


class UnavailableError(AppError):
    """It may work later.

    Attributes:
        retry_after: How long to wait before trying again.
    """

    reason = "unavailable"

    def __init__(self, message: str, retry_after: timedelta = timedelta(seconds=5)) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ContendedError(UnavailableError):
    """Others kept winning the write to one record."""

    reason = "contended"

    def __init__(self, record: str) -> None:
        super().__init__(f"gave up on a contended write of {record}", timedelta(seconds=1))


class StoreDownError(UnavailableError):
    """The database does not answer."""

    reason = "store_down"


class StoreShutOutError(StoreDownError):
    """The database refuses our user, or does not let it do this."""

    reason = "store_shut_out"


class StoreFaultError(UnavailableError):
    """The database refuses what was asked of it."""

    reason = "store_fault"


class UnreadableError(UnavailableError):
    """A record cannot be read: a newer version wrote it, or it is damaged."""

    reason = "unreadable"

    def __init__(self, record: str) -> None:
        super().__init__(f"{record} cannot be read by this version", timedelta(minutes=1))


class OverloadedError(UnavailableError):
    """More waits than we can hold."""

    reason = "overloaded"


class DiskFullError(UnavailableError):
    """The disk is nearly full: nothing new is taken on, what runs goes on."""

    reason = "disk_full"


class PeerError(AppError):
    """What a peer did to a call of ours. The message holds no URL and no secret.

    Attributes:
        peer: Which peer: ``comfydeploy``, ``telegram``.
        said: What happened, without the peer's name: for a person.
    """

    reason = "peer"

    def __init__(self, peer: str, message: str) -> None:
        super().__init__(f"{peer}: {message}")
        self.peer = peer
        self.said = message


class PeerRefusedError(PeerError):
    """The peer said no, and will say so again."""

    reason = "peer_refused"


class PeerBusyError(PeerError):
    """Surely not done; it may be done later.

    Attributes:
        retry_after: The wait the peer named, or None.
    """

    reason = "peer_busy"

    def __init__(self, peer: str, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(peer, message)
        self.retry_after = retry_after


class PeerStrangeError(PeerBusyError):
    """It answered what makes no sense, as if it were something else."""

    reason = "peer_strange"


class PeerUnknownError(PeerError):
    """No answer, or half of one: whether it was done is not known."""

    reason = "peer_unknown"


class ReceiverError(PeerError):
    """A receiver of outgoing webhooks did not take one.

    Attributes:
        status: Of its answer; None where there was none.
        retry_after: The wait it named, or None.
    """

    reason = "receiver"

    def __init__(
        self, peer: str, message: str, status: int | None, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(peer, message)
        self.status = status
        self.retry_after = retry_after


class PeerDownError(PeerError):
    """The whole peer is at fault: our key is refused, or nothing answers."""

    reason = "peer_down"


class PeerSilentError(PeerDownError):
    """Nothing answers there: no connection was to be had."""

    reason = "peer_silent"


class PeerMissingError(PeerError):
    """The peer has no such thing."""

    reason = "peer_missing"


class PeerLostError(PeerMissingError):
    """The peer had it, and surely has it no more."""

    reason = "peer_lost"


class SetupError(AppError):
    """The service cannot start as it is set up.

    Attributes:
        problems: Each in one sentence that begins with the setting's name.
    """

    reason = "setup"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
