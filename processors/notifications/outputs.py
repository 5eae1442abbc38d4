"""What a message brings beside its words: outputs, in order, and what is said of the others."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from processors.notifications.buttons import Rows
from processors.notifications.markup import (
    CAPTION_LIMIT,
    TEXT_LIMIT,
    Piece,
    clean,
    cut,
    render,
    units,
)
from processors.notifications.texts import Voice
from schemas.base import Value
from schemas.generation import Generation
from schemas.run import Output, OutputKind

Trusted = Callable[[str], bool]
"""Whether a URL leads to a host that the engine is known to keep its outputs on."""

Linked = Callable[[Output], str | None]
"""Gives a link of ours to our copy of an output, or None where there is none."""

ITEMS_SENT: Final = 50
"""Most outputs that one message brings to a chat: five albums."""
NAME_KEPT: Final = 100
"""UTF-16 units of a file's name."""
INLINE_LIMIT: Final = 3000
"""A single text output up to this many UTF-16 units stands in the message itself."""

_UNFIT: Final = re.compile(r"""[/\\"<>:|?*\t\n]""")
"""In a file's name: separators, and what would end a quoted header."""


class Item(Value):
    """One output to be sent."""

    kind: OutputKind
    url: str | None = None
    """None for text, which stands in `text`."""
    link: str | None = None
    """Where a person can have our copy, where there is one."""
    filename: str | None = None
    content_type: str | None = None
    output_id: str
    text: str | None = None
    """A text output; may be longer than one message."""


class Content(Value):
    """An end as it is told, within Telegram's limits."""

    text: str
    """HTML; fits a caption where there are items, else a message."""
    plain: str
    """The same without markup."""
    items: tuple[Item, ...] = ()
    """What to send with it, in order."""
    rows: Rows = ()
    """Buttons under the words."""
    rows_text: str = ""
    """Plain; what stands over the buttons where the words cannot carry them: under an album."""


class Parcel(NamedTuple):
    """Outputs that are sent, and how many are not.

    Attributes:
        items: What is sent, in order.
        held_back: How many could not be vouched for.
        left_out: How many are more than one message brings.
    """

    items: tuple[Item, ...]
    held_back: int
    left_out: int


def unlinked(output: Output) -> None:
    """Link to nothing: there are no copies, or nobody wants them."""
    del output


def packed(generations: Iterable[tuple[Generation, Trusted]], linked: Linked) -> Parcel:
    """Return what can be sent of what runs have made.

    Args:
        generations: Each with who is asked for each output of an end that its engine has not
            confirmed; what does not pass is held back.
        linked: Asked for each output that is sent.
    """
    items, held_back = list[Item](), 0
    for generation, trusted in generations:
        outputs = [
            output
            for output in generation.response_payload.outputs
            if output.url is not None or (output.text and output.text.strip())
        ]
        sure = generation.confirmed is not False
        kept = [output for output in outputs if sure or output.url is None or trusted(output.url)]
        items += [_item(output, linked) for output in kept]
        held_back += len(outputs) - len(kept)
    sent = tuple(items[:ITEMS_SENT])
    return Parcel(sent, held_back, len(items) - len(sent))


def lacking(parcel: Parcel, voice: Voice) -> Iterator[str]:
    """Say what is not sent, line by line."""
    if parcel.held_back:
        yield voice.say(
            "Held back, because their source could not be checked: {count}", count=parcel.held_back
        )
    if parcel.left_out:
        yield voice.say("Not sent here: {count} more", count=parcel.left_out)


def content(pieces: Sequence[Piece], parcel: Parcel, voice: Voice, rows: Rows) -> Content:
    """Return words with what goes with them; a short text alone stands in the words."""
    inline = _inline(parcel.items)
    shown = () if inline else parcel.items
    words = [*pieces, *((Piece(f"\n\n{inline}"),) if inline else ())]
    rendered = render(words, CAPTION_LIMIT if shown else TEXT_LIMIT)
    return Content(
        text=rendered.html,
        plain=rendered.plain,
        items=shown,
        rows=rows,
        rows_text=voice.say("What next?") if rows else "",
    )


def _item(output: Output, linked: Linked) -> Item:
    name = cut(_UNFIT.sub("_", clean(output.filename or "")), NAME_KEPT)
    ours = linked(output)
    # Of a file that came within its address nothing is left there, once there is a copy.
    copied = output.inline and output.key is not None
    return Item(
        kind=output.kind,
        url=ours if copied else output.url,
        link=ours,
        filename=name or None,
        content_type=output.content_type,
        output_id=output.id,
        text=None if output.url is not None else clean(output.text or ""),
    )


def _inline(items: tuple[Item, ...]) -> str | None:
    """Return the text of an end that brings nothing but a short text."""
    only = items[0] if len(items) == 1 else None
    text = only.text if only is not None else None
    return text if text and units(text) <= INLINE_LIMIT else None
