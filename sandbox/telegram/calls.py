"""Calls of the Bot API, and their fields as what they mean."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox.multipart import Form
from sandbox.telegram.refusals import Refusal

Json = dict[str, object]


@dataclass(frozen=True)
class Call:
    """One call of a method: by which bot, with which fields and uploads."""

    bot_id: int
    form: Form

    def text(self, name: str) -> str:
        """Return a field as it was sent, empty if it was not."""
        return self.form.fields.get(name, "")

    def number(self, name: str, default: int = 0) -> int:
        """Return a field that is a whole number."""
        text = self.text(name)
        return int(text) if text.removeprefix("-").isdecimal() and text.isascii() else default

    def flag(self, name: str) -> bool:
        """Return a field that is true or false."""
        return self.text(name).lower() in {"true", "1"}

    def structure(self, name: str) -> object:
        """Return a field that is JSON, nothing if it was not sent.

        Raises:
            Refusal: It is not JSON.
        """
        text = self.text(name)
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise Refusal(f"can't parse {name} JSON object") from error

    def record(self, name: str) -> Json | None:
        """Return a field that is a JSON object, nothing if it was not sent.

        Raises:
            Refusal: It is something else.
        """
        value = self.structure(name)
        return None if value is None else record(value, name)


Method = Callable[[Call], Awaitable[object]]
"""What a method does, and returns as its result."""


def record(value: object, name: str) -> Json:
    """Return a value that is a JSON object.

    Raises:
        Refusal: It is something else; `name` is the field it came in.
    """
    if not isinstance(value, dict):
        raise Refusal(f"can't parse {name} JSON object")
    # JSON objects have text for keys.
    return dict(value)  # pyright: ignore[reportUnknownArgumentType]
