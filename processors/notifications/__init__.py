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

from processors.notifications import texts
from processors.notifications.markup import (
    CAPTION_LIMIT,
    TEXT_LIMIT,
    Piece,
    clean,
    cut,
    render,
    units,
)
from processors.notifications.texts import Language, Say
from schemas.base import Value
from schemas.generation import Generation
from schemas.run import TERMINAL, Output, OutputKind, RunStatus

Trusted = Callable[[str], bool]
"""Whether a URL leads to a host that the engine is known to keep its outputs on."""

Linked = Callable[[Output], str | None]
"""Gives a link of ours to our copy of an output, or None where there is none."""

ITEMS_SENT: Final = 50
"""Most outputs that one end brings to a chat: five albums."""
REASON_KEPT: Final = 500
"""UTF-16 units of an engine's own words."""
STEP_KEPT: Final = 100
"""UTF-16 units of the step at which a run was seen last."""
NAME_KEPT: Final = 100
"""UTF-16 units of a file's name."""
INLINE_LIMIT: Final = 3000
"""A single text output up to this many UTF-16 units stands in the message itself."""
CELLS: Final = 10
"""Of a progress bar."""

_PROMPTS: Final = ("prompt", "positive_prompt", "text", "input_text", "positive")
_SLUG: Final = re.compile(r"[a-z][a-z0-9_]*")
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


def status_text(generation: Generation, *, now: datetime | None = None) -> str:
    """Return the status message as HTML: how far the run has come.

    Args:
        generation: The record; one that has ended gives a single line.
        now: Where given, a run under way says since when it runs.
    """
    language = texts.language_of(generation.metadata.language)
    pieces = [_headline(generation, language)]
    if not generation.ended:
        pieces += [Piece(f"\n{line}") for line in _progress_lines(generation, language, now)]
    pieces += _quoted(generation)
    return render(pieces, TEXT_LIMIT).html


def bar(progress: float) -> str:
    """Draw a share of 0.0 to 1.0; full only when it is done: ``▰▰▰▰▱▱▱▱▱▱ 42 %``."""
    filled = int(progress * CELLS)
    return f"{'▰' * filled}{'▱' * (CELLS - filled)} {int(progress * 100)} %"


def unlinked(output: Output) -> None:
    """Link to nothing: there are no copies, or nobody wants them."""
    del output


def end(generation: Generation, *, trusted: Trusted, linked: Linked = unlinked) -> Content:
    """Return how an end is told.

    Args:
        generation: The record, with its inputs; it has ended.
        trusted: Asked for each output of an end that the engine has not confirmed; what does
            not pass is held back.
        linked: Asked for each output that is sent.
    """
    language = texts.language_of(generation.metadata.language)
    items, held_back = _items(generation, trusted, linked)
    sent, left_out = items[:ITEMS_SENT], len(items) - len(items[:ITEMS_SENT])
    inline = _inline(sent)
    lines = list(_facts(generation, language))
    if held_back:
        lines.append(texts.say(language, Say.HELD_BACK, count=held_back))
    if left_out:
        lines.append(texts.say(language, Say.MORE, count=left_out))
    if generation.status is RunStatus.COMPLETED and not items and not held_back:
        lines.append(texts.say(language, Say.NOTHING_MADE))
    pieces = [
        *_correction(generation, language),
        _headline(generation, language),
        *_quoted(generation),
        *(Piece(f"\n{line}") for line in lines),
        *((Piece(f"\n\n{inline}"),) if inline else ()),
    ]
    shown = () if inline else sent
    rendered = render(pieces, CAPTION_LIMIT if shown else TEXT_LIMIT)
    return Content(text=rendered.html, plain=rendered.plain, items=shown)


def prompt_of(inputs: Mapping[str, JsonValue]) -> str | None:
    """Return what the person asked for: the input that is named like a prompt, or None."""
    named = [*_PROMPTS, *(key for key in inputs if _like_a_prompt(key))]
    found = (inputs.get(key) for key in named)
    return next((text for text in found if isinstance(text, str) and text.strip()), None)


def money(amount: Decimal) -> str:
    """Write an amount with two decimal places, or more where they say something."""
    whole, _, fraction = format(amount, "f").partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def _like_a_prompt(key: str) -> bool:
    return "prompt" in key.lower() and "negative" not in key.lower()


def _headline(generation: Generation, language: Language) -> Piece:
    cancelling = generation.cancel_wanted and not generation.ended
    what = Say.CANCELLING if cancelling else Say(generation.status.value)
    mark = _MARKS.get(generation.status, "⏳")
    return Piece(f"{mark} {texts.say(language, what)}", "b")


def _quoted(generation: Generation) -> list[Piece]:
    prompt = prompt_of(generation.request_payload.inputs)
    if prompt is None or not clean(prompt).strip():
        return []
    return [Piece("\n"), Piece(clean(prompt).strip(), "blockquote", elastic=True)]


def _progress_lines(
    generation: Generation, language: Language, now: datetime | None
) -> Iterator[str]:
    if generation.progress > 0 or generation.started_at is not None:
        yield bar(generation.progress)
    if generation.live_status:
        yield generation.live_status
    if generation.queue_position is not None and generation.started_at is None:
        yield texts.say(language, Say.POSITION, position=generation.queue_position)
    if now is not None and generation.started_at is not None:
        seconds = (now - generation.started_at).total_seconds()
        yield texts.say(language, Say.ELAPSED, time=texts.duration(language, seconds))


def _facts(generation: Generation, language: Language) -> Iterator[str]:
    """Say why it ended so, what it took, and how sure we are."""
    if generation.status is not RunStatus.COMPLETED:
        yield from _reasons(generation, language)
    if generation.duration_seconds is not None:
        time = texts.duration(language, generation.duration_seconds)
        yield texts.say(language, Say.DURATION, time=time)
    if generation.cost_reason == "no_duration":
        yield texts.say(language, Say.COST_UNKNOWN)
    elif generation.cost_usd is not None and generation.cost_reason != "not_run":
        yield texts.say(language, Say.COST, amount=money(generation.cost_usd))
    if generation.confirmed is False:
        yield texts.say(language, Say.UNCONFIRMED_NOTE)
    if _provisional(generation):
        yield texts.say(language, Say.PROVISIONAL)


def _reasons(generation: Generation, language: Language) -> Iterator[str]:
    """Say why it did not go well; where no reason was given, say that and what is known."""
    reason = clean(generation.status_reason or "").strip()
    # That it stands unconfirmed is said in a note of its own.
    if reason and reason != "unconfirmed":
        slug = Say.REASON_CODE if _SLUG.fullmatch(reason) else Say.ENGINE_SAYS
        what = texts.REASONS.get(reason, slug)
        yield texts.say(language, what, reason=cut(reason, REASON_KEPT))
        return
    if generation.status is RunStatus.CANCELLED and generation.cancel_wanted:
        yield texts.say(language, Say.AS_YOU_ASKED)
        return
    yield texts.say(language, _unexplained(generation))
    step = " ".join(clean(generation.live_status or "").split())
    if step:
        yield texts.say(language, Say.LAST_STEP, step=cut(step, STEP_KEPT))


def _unexplained(generation: Generation) -> Say:
    """Return what is known of an end that the engine gave no reason for."""
    if generation.status is RunStatus.CANCELLED:
        return Say.NOT_ASKED_FOR
    if generation.status is RunStatus.TIMEOUT:
        # An end of ours that is confirmed and has no reason is one that the engine concluded.
        concluded = generation.ended_by == "us" and generation.confirmed is not False
        return Say.ENGINE_GAVE_UP if concluded else Say.ENGINE_LIMIT
    return Say.NO_REASON


def _provisional(generation: Generation) -> bool:
    """Whether the engine may still say otherwise: not where it never had the run."""
    return generation.ended_by == "us" and (
        generation.metadata.run_id is not None or generation.status_reason == "submit_unknown"
    )


def _correction(generation: Generation, language: Language) -> tuple[Piece, ...]:
    """Admit it where this end takes the place of one that we had said."""
    said_by_us = any(
        change.status in TERMINAL and change.source == "us" for change in generation.history
    )
    if generation.ended_by != "engine" or not said_by_us:
        return ()
    return (Piece(texts.say(language, Say.AFTER_ALL), "i"), Piece("\n"))


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
    return Item(
        kind=output.kind,
        url=output.url,
        link=linked(output),
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
