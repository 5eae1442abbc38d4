"""What can be wrong with what we are told.

* ProcessorError
    * RefusedBodyError: a sender's body is not what its protocol says; refuse it
    * LedgerError: the ledger takes no such entry; tell whoever asked
        * AmountError: no amount that can be moved; names which
        * InsufficientCreditsError: the balance does not cover it; says what is missing
        * NoLineError: nothing is held, or was paid, for that generation
        * KeyTakenError: the key names another movement
"""

from decimal import Decimal
from typing import Final

from schemas.base import GenerationId, UserId, plain


class ProcessorError(Exception):
    """Root of everything a processor raises."""


class RefusedBodyError(ProcessorError):
    """A body is not JSON, or not the schema of its protocol.

    Attributes:
        reason: ``json`` or ``schema``; a metric's label.
        field: Path of the first field at fault, or None when the whole is.
    """

    def __init__(self, reason: str, detail: str, field: str | None = None) -> None:
        where = f"{field}: " if field else ""
        super().__init__(f"{where}{detail}")
        self.reason: Final = reason
        self.field: Final = field


class LedgerError(ProcessorError):
    """The ledger takes no such entry. `reason` is a slug and a metric's label."""

    reason = "ledger"


class AmountError(LedgerError):
    """An amount is none that can be moved.

    Attributes:
        field: Which amount: ``amount``, ``captured``, ``lines.GENERATION``.
        problem: What is wrong with it.
    """

    reason = "amount"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field: Final = field
        self.problem: Final = problem


class InsufficientCreditsError(LedgerError):
    """The balance does not cover what is to be held.

    Attributes:
        balance: What there is.
        missing: What has to be added before it would be covered; above zero.
    """

    reason = "insufficient_credits"

    def __init__(self, balance: Decimal, missing: Decimal) -> None:
        super().__init__(f"{plain(missing)} credits are missing; there are {plain(balance)}")
        self.balance: Final = balance
        self.missing: Final = missing


class NoLineError(LedgerError):
    """Nothing is held, or nothing was captured, for a generation.

    Attributes:
        generation: Which.
    """

    reason = "no_line"

    def __init__(self, generation: GenerationId, what: str) -> None:
        super().__init__(f"nothing {what} for generation {generation}")
        self.generation: Final = generation


class KeyTakenError(LedgerError):
    """A key names another movement: of another person, or of another kind.

    Attributes:
        key: The key.
        user: Whose movement it names.
    """

    reason = "key_taken"

    def __init__(self, key: str, user: UserId) -> None:
        super().__init__(f"the key {key} is that of another movement")
        self.key: Final = key
        self.user: Final = user
