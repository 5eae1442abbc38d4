"""Inline keyboards: what Telegram takes, and the buttons on them as a person finds them."""

from collections.abc import Iterator
from typing import Final

from sandbox.telegram import calls
from sandbox.telegram.calls import Call, Json
from sandbox.telegram.refusals import Refusal

DATA_BYTES: Final = range(1, 65)
_INLINE: Final = "inline_keyboard"


def of(call: Call) -> Json | None:
    """Return the reply markup that a call gives its message, nothing if it gives none.

    Raises:
        Refusal: It is not well-formed.
    """
    markup = call.record("reply_markup")
    if markup is None or _INLINE not in markup:
        return markup
    rows = [list(map(_checked, row)) for row in _rows(markup) if row]
    return markup | {_INLINE: rows} if rows else None


def buttons(markup: Json | None) -> list[Json]:
    """Return the buttons below a message, row by row, each with its place `row` and `column`."""
    found: list[Json] = []
    for row, given in enumerate(_rows(markup or {})):
        for column, button in enumerate(given):
            found.append(dict(calls.record(button, _INLINE)) | {"row": row, "column": column})
    return found


def _rows(markup: Json) -> Iterator[list[object]]:
    rows = markup.get(_INLINE, [])
    if not isinstance(rows, list):
        raise Refusal('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array')
    # A JSON array holds anything; each row is looked at on its own.
    for row in rows:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(row, list):
            raise Refusal("an Array of Array of InlineKeyboardButton is expected")
        yield list(row)  # pyright: ignore[reportUnknownArgumentType]


def _checked(value: object) -> Json:
    button = calls.record(value, "reply_markup")
    if not isinstance(text := button.get("text"), str) or not text.strip():
        raise Refusal("can't parse inline keyboard button: text is empty")
    data = button.get("callback_data")
    if data is not None and (not isinstance(data, str) or len(data.encode()) not in DATA_BYTES):
        raise Refusal("BUTTON_DATA_INVALID")
    if not {"callback_data", "url", "pay", "web_app", "switch_inline_query"} & button.keys():
        raise Refusal("text buttons are unallowed in the inline keyboard")
    return button
