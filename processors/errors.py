"""What can be wrong with what we are told.

* ProcessorError
    * RefusedBodyError: a sender's body is not what its protocol says; refuse it
    * RefusedWorkflowError: a file is no workflow that can be run; refuse it, and say where
    * UnboundInputError: an input is bound to what its workflow does not have; refuse the preset
    * InputRefusedError: what was given for a preset's input cannot be; refuse the order
    * ChainRefusedError: the steps of an order do not fit together; refuse it, and say where
    * NotPaidError: nobody has paid, so nothing can be given back
    * ImageRefusedError: a file is no picture that we take; refuse it
    * LedgerError: the ledger takes no such entry; tell whoever asked
        * AmountError: no amount that can be moved; names which
        * InsufficientCreditsError: the balance does not cover it; says what is missing
        * NoLineError: nothing is held, or was paid, for that generation
        * NoPaymentError: nothing was credited for that charge
        * AlreadyRefundedError: another amount was given back; says which
        * KeyTakenError: the key names another movement
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

from schemas.base import GenerationId, UserId, plain
from schemas.preset import Titles


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


class RefusedWorkflowError(ProcessorError):
    """A file is not a workflow that a server could be given.

    Attributes:
        place: The node or field at fault, ``6`` or ``6/text``; empty when the whole is.
        fault: What is wrong, in a person's words.
    """

    reason = "workflow_refused"

    def __init__(self, place: str, fault: str) -> None:
        super().__init__(f"node {place}: {fault}" if place else fault)
        self.place: Final = place
        self.fault: Final = fault


class UnboundInputError(ProcessorError):
    """An input is bound to a place that its workflow does not have, or that is not free.

    Attributes:
        key: The place: ``{node id}/{field}``.
        fault: What is wrong with it, in a person's words.
    """

    reason = "input_unbound"

    def __init__(self, key: str, fault: str) -> None:
        super().__init__(f"{key}: {fault}")
        self.key: Final = key
        self.fault: Final = fault


class InputFault(StrEnum):
    """What is wrong with an input. The words for programs; they never change their meaning."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    NOT_TEXT = "not_text"
    NOT_IMAGE = "not_image"
    NOT_THEIRS = "not_theirs"
    """A picture that was given for somebody else."""
    NOT_INTEGER = "not_integer"
    NOT_NUMBER = "not_number"
    NOT_BOOLEAN = "not_boolean"
    NOT_A_CHOICE = "not_a_choice"
    TOO_LITTLE = "too_little"
    TOO_MUCH = "too_much"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    UNREADABLE = "unreadable"
    """A text holds characters that cannot be kept: half a character, or a control character."""
    TOO_LARGE = "too_large"
    """All inputs together are; the longest is named."""


class InputRefusedError(ProcessorError):
    """What was given for an input of a preset is not what it takes.

    Attributes:
        name: The input's name; for one that there is not, the name that was given.
        fault: What is wrong.
        bounds: The bounds that it must keep: ``min``, ``max``, ``minLength``, ``maxLength``,
            ``maxBytes``, those it has.
        titles: The input's name in each language; None where there is no such input.
        choices: What may be chosen, where something is.
    """

    reason = "input_refused"

    def __init__(
        self,
        name: str,
        fault: InputFault,
        *,
        titles: Titles | None = None,
        bounds: Mapping[str, int | float] | None = None,
        choices: tuple[Titles, ...] = (),
    ) -> None:
        self.name: Final = name
        self.fault: Final = fault
        self.titles: Final = titles
        self.bounds: Final = dict(bounds or {})
        self.choices: Final = choices
        self.field = f"inputs.{name[:64]}"
        kept = ", ".join(f"{name} {bound}" for name, bound in self.bounds.items())
        super().__init__(f"{name[:64]!r}: {fault.value}" + (f" ({kept})" if kept else ""))

    def at(self, step: int) -> "InputRefusedError":
        """Return the same of a step of an order that has several."""
        moved = InputRefusedError(
            self.name, self.fault, titles=self.titles, bounds=self.bounds, choices=self.choices
        )
        moved.field = f"steps.{step}.{self.field}"
        return moved


class ChainRefusedError(ProcessorError):
    """The steps of an order do not fit together.

    Attributes:
        field: What is at fault, such as ``steps.2.bindings.photo``; steps count from 1.
    """

    reason = "chain_refused"

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field: Final = field


class NotPaidError(ProcessorError):
    """A payment that nobody has paid cannot be given back."""

    def __init__(self) -> None:
        super().__init__("nobody has paid it")


class ImageFault(StrEnum):
    """Why a picture is not taken. The words for programs; they never change their meaning."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    """It has too many bytes."""
    TOO_MANY_PIXELS = "too_many_pixels"
    FORMAT = "format"
    """It is no picture, or of a kind that is not taken."""
    MOVING = "moving"
    """It is a film or an animated sticker."""
    DAMAGED = "damaged"
    """It is cut off, or not what its head says."""


class ImageRefusedError(ProcessorError):
    """A file is not a picture that we take.

    Attributes:
        fault: What is wrong.
        bounds: What it must keep: ``maxBytes``, or ``maxPixels`` and ``maxSide``.
    """

    def __init__(self, fault: ImageFault, bounds: Mapping[str, int] | None = None) -> None:
        self.fault: Final = fault
        self.bounds: Final = dict(bounds or {})
        super().__init__(fault.value)


class LedgerError(ProcessorError):
    """The ledger takes no such entry.

    `reason` is a slug and a metric's label.
    """

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


class NoPaymentError(LedgerError):
    """Nothing was credited for a charge, so nothing can be taken back for it.

    Attributes:
        charge: The provider's name of it.
    """

    reason = "no_payment"

    def __init__(self, charge: str) -> None:
        super().__init__(f"nothing was credited for charge {charge}")
        self.charge: Final = charge


class AlreadyRefundedError(LedgerError):
    """Another amount was given back already, and a refund is made once.

    Attributes:
        amount: What was given back.
    """

    reason = "already_refunded"

    def __init__(self, amount: Decimal) -> None:
        super().__init__(f"{plain(amount)} credits were given back already")
        self.amount: Final = amount


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
