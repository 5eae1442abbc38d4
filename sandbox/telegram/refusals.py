"""The one error of this Bot API: a call refused, in Telegram's words."""

from typing import Final

_PREFIXES: Final = {
    400: "Bad Request: ",
    403: "Forbidden: ",
    404: "Not Found: ",
    409: "Conflict: ",
}


class Refusal(Exception):  # noqa: N818 - what it is to the caller, who did nothing exceptional
    """A call is not done; the attributes are those of the answer.

    Attributes:
        code: HTTP status and `error_code`.
        description: Telegram's sentence, with its prefix.
        parameters: `retry_after` and the like, or nothing.
    """

    def __init__(
        self, description: str, *, code: int = 400, parameters: dict[str, int] | None = None
    ) -> None:
        super().__init__(description)
        prefix = _PREFIXES.get(code, "")
        self.code = code
        self.description = prefix + description
        self.parameters = parameters
