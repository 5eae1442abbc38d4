"""What can be wrong with what we are told.

* ProcessorError
    * RefusedBodyError: a sender's body is not what its protocol says; refuse it
"""

from typing import Final


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
