"""What people are told about a generation: while it runs, and how it ended.

Only words and their shape are decided here. What Telegram refuses, and what it gets in place of
that, is the sender's affair. An end that we cannot vouch for is never told as if we could.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from processors import debts
from processors.notifications import buttons, charging, endings, texts
from processors.notifications.buttons import Rows
from processors.notifications.charging import Charge
from processors.notifications.markup import (
    CAPTION_LIMIT,
    TEXT_LIMIT,
    Piece,
    clean,
    cut,
    render,
    units,
)
from processors.notifications.texts import Translate, Voice, message
from schemas.base import Value
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.run import Output, OutputKind, RunStatus

Trusted = Callable[[str], bool]
"""Whether a URL leads to a host that the engine is known to keep its outputs on."""

Linked = Callable[[Output], str | None]
"""Gives a link of ours to our copy of an output, or None where there is none."""

ITEMS_SENT: Final = 50
"""Most outputs that one end brings to a chat: five albums."""
NAME_KEPT: Final = 100
"""UTF-16 units of a file's name."""
INLINE_LIMIT: Final = 3000
"""A single text output up to this many UTF-16 units stands in the message itself."""
CELLS: Final = 10
"""Of a progress bar."""

_PROMPTS: Final = ("prompt", "positive_prompt", "text", "input_text", "positive")
_UNFIT: Final = re.compile(r"""[/\\"<>:|?*\t\n]""")
"""In a file's name: separators, and what would end a quoted header."""
_MARKS: Final[Mapping[RunStatus, str]] = {
    RunStatus.COMPLETED: "✅",
    RunStatus.FAILED: "❌",
    RunStatus.CANCELLED: "🚫",
    RunStatus.TIMEOUT: "⌛",
    RunStatus.RUNNING: "🎨",
    RunStatus.UPLOADING: "📤",
}


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


class StatusMessage(Value):
    """The message that shows how far a run has come, within Telegram's limits."""

    text: str
    """HTML."""
    rows: Rows = ()
    """Buttons under it."""


def status_message(
    generation: Generation, *, now: datetime | None = None, translate: Translate
) -> StatusMessage:
    """Return the status message: how far the run has come.

    Args:
        generation: The record; one that has ended gives a single line.
        now: Where given, a run under way says since when it runs.
        translate: Where the words come from.
    """
    voice = Voice(texts.language_of(generation.metadata.language), translate)
    pieces = [_headline(generation, voice)]
    rows: Rows = ()
    if not generation.ended:
        pieces += [Piece(f"\n{line}") for line in standing(generation, voice, now)]
        if generation.job_id is not None and not generation.cancel_wanted:
            rows = buttons.running(voice, generation.job_id)
    pieces += _quoted(generation)
    return StatusMessage(text=render(pieces, TEXT_LIMIT).html, rows=rows)


def standing(generation: Generation, voice: Voice, now: datetime | None) -> Iterator[str]:
    """Say how far a run has come that goes on: a line for each thing that is known of it.

    What is said is not escaped.
    """
    if generation.progress > 0 or generation.started_at is not None:
        yield bar(generation.progress)
    if generation.live_status:
        yield generation.live_status
    yield from filter(None, (place(generation, voice, now), endings.again(generation, voice)))
    if now is not None and generation.started_at is not None:
        seconds = (now - generation.started_at).total_seconds()
        yield voice.say("running for {time}", time=texts.duration(voice, seconds))


def place(generation: Generation, voice: Voice, now: datetime | None) -> str | None:
    """Say where in a line it waits, and how long it may take from there; None where it does not."""
    position, expected = generation.queue_position, generation.expected_start_at
    if position is None or generation.started_at is not None:
        return None
    wait = 0.0 if expected is None or now is None else (expected - now).total_seconds()
    if wait <= 0:
        return voice.say("place {position} in the queue", position=position)
    about = texts.roughly(voice, wait)
    return voice.say("place {position} in the queue, about {time}", position=position, time=about)


def bar(progress: float) -> str:
    """Draw a share of 0.0 to 1.0; full only when it is done: ``▰▰▰▰▱▱▱▱▱▱ 42 %``."""
    filled = int(progress * CELLS)
    return f"{'▰' * filled}{'▱' * (CELLS - filled)} {int(progress * 100)} %"


def unlinked(output: Output) -> None:
    """Link to nothing: there are no copies, or nobody wants them."""
    del output


def end(
    generation: Generation,
    *,
    trusted: Trusted,
    translate: Translate,
    linked: Linked = unlinked,
    charge: Charge | None = None,
) -> Content:
    """Return how an end is told.

    Args:
        generation: The record, with its inputs; it has ended.
        trusted: Asked for each output of an end that the engine has not confirmed; what does
            not pass is held back.
        translate: Where the words come from.
        linked: Asked for each output that is sent.
        charge: What the person pays; told in place of what it cost us.
    """
    voice = Voice(texts.language_of(generation.metadata.language), translate)
    items, held_back = _items(generation, trusted, linked)
    sent, left_out = items[:ITEMS_SENT], len(items) - len(items[:ITEMS_SENT])
    inline = _inline(sent)
    lines = list(_facts(generation, voice, charge))
    if held_back:
        lines.append(
            voice.say(
                "Held back, because their source could not be checked: {count}", count=held_back
            )
        )
    if left_out:
        lines.append(voice.say("Not sent here: {count} more", count=left_out))
    if generation.status is RunStatus.COMPLETED and not items and not held_back:
        lines.append(voice.say("The run made nothing that can be shown."))
    pieces = [
        *endings.correction(generation, voice),
        _headline(generation, voice),
        *_quoted(generation),
        *(Piece(f"\n{line}") for line in lines),
        *((Piece(f"\n\n{inline}"),) if inline else ()),
    ]
    shown = () if inline else sent
    rendered = render(pieces, CAPTION_LIMIT if shown else TEXT_LIMIT)
    rows = _end_rows(generation, voice)
    return Content(
        text=rendered.html,
        plain=rendered.plain,
        items=shown,
        rows=rows,
        rows_text=voice.say("What next?") if rows else "",
    )


def prompt_of(inputs: Mapping[str, JsonValue], known: str | None = None) -> str | None:
    """Return what the person asked for, or None.

    Args:
        inputs: As the engine, or a preset, calls them.
        known: The name of the one that it is, where that is known; else it is the one that is
            named like a prompt, or the only text of a node.
    """
    texts = [key for key in inputs if key.endswith("/text")]
    alone = texts if len(texts) == 1 else []
    guessed = [*_PROMPTS, *(key for key in inputs if _like_a_prompt(key)), *alone]
    named = guessed if known is None else [known]
    found = (inputs.get(key) for key in named)
    return next((text for text in found if isinstance(text, str) and text.strip()), None)


def money(amount: Decimal) -> str:
    """Write an amount with two decimal places, or more where they say something."""
    whole, _, fraction = format(amount, "f").partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def _like_a_prompt(key: str) -> bool:
    return "prompt" in key.lower() and "negative" not in key.lower()


def _headline(generation: Generation, voice: Voice) -> Piece:
    cancelling = generation.cancel_wanted and not generation.ended
    words = message("Being cancelled") if cancelling else endings.STATUSES[generation.status]
    mark = _MARKS.get(generation.status, "⏳")
    return Piece(f"{mark} {voice.say(words)}", "b")


def _end_rows(generation: Generation, voice: Voice) -> Rows:
    """Return the buttons of an end; only what somebody ordered as a job can be ordered again."""
    if generation.job_id is None:
        return ()
    keeping = debts.find(generation.owed, DebtKind.KEEP.value) is not None
    outputs = generation.response_payload.outputs
    original = any(
        output.key is not None or (keeping and output.url is not None and output.not_kept is None)
        for output in outputs
    )
    return buttons.ended(voice, generation.job_id, original=original)


def _quoted(generation: Generation) -> list[Piece]:
    request = generation.request_payload
    prompt = prompt_of(request.inputs, request.prompt_input)
    if prompt is None or not clean(prompt).strip():
        return []
    return [Piece("\n"), Piece(clean(prompt).strip(), "blockquote", elastic=True)]


def _facts(generation: Generation, voice: Voice, charge: Charge | None) -> Iterator[str]:
    """Say why it ended so, what it took, and how sure we are."""
    if generation.status is not RunStatus.COMPLETED:
        yield from endings.reasons(generation, voice)
    if generation.duration_seconds is not None:
        time = texts.duration(voice, generation.duration_seconds)
        yield voice.say("Time: {time}", time=time)
    yield from charging.lines(voice, charge) if charge else _cost(generation, voice)
    if generation.confirmed is False:
        yield voice.say("The engine could not be asked whether this is right.")
    if endings.provisional(generation):
        yield voice.say(
            "The engine has not said so itself. If it says otherwise, you will be told."
        )


def _cost(generation: Generation, voice: Voice) -> Iterator[str]:
    if generation.cost_reason == "no_duration":
        yield voice.say("Cost: not known yet")
    elif generation.cost_usd is not None and generation.cost_reason != "not_run":
        yield voice.say("Cost: ${amount}", amount=money(generation.cost_usd))


def _items(
    generation: Generation, trusted: Trusted, linked: Linked
) -> tuple[tuple[Item, ...], int]:
    """Return what can be sent, and how many outputs were held back."""
    outputs = [
        output
        for output in generation.response_payload.outputs
        if output.url is not None or (output.text and output.text.strip())
    ]
    sure = generation.confirmed is not False
    kept = [output for output in outputs if sure or output.url is None or trusted(output.url)]
    return tuple(_item(output, linked) for output in kept), len(outputs) - len(kept)


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
