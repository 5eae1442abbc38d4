"""What people are told about a generation: while it runs, and how it ended.

Only words and their shape are decided here. What Telegram refuses, and what it gets in place of
that, is the sender's affair. An end that we cannot vouch for is never told as if we could.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from processors import debts
from processors.notifications import buttons, charging, endings, outputs, texts
from processors.notifications.buttons import Rows
from processors.notifications.charging import Charge
from processors.notifications.markup import TEXT_LIMIT, Piece, clean, render
from processors.notifications.outputs import Content as Content
from processors.notifications.outputs import Item as Item
from processors.notifications.outputs import Linked as Linked
from processors.notifications.outputs import Trusted as Trusted
from processors.notifications.outputs import unlinked as unlinked
from processors.notifications.texts import Translate, Voice, message
from schemas.base import Value
from schemas.debt import DebtKind
from schemas.generation import Generation
from schemas.run import RunStatus

CELLS: Final = 10
"""Of a progress bar."""

_PROMPTS: Final = ("prompt", "positive_prompt", "text", "input_text", "positive")
MARKS: Final[Mapping[RunStatus, str]] = {
    RunStatus.COMPLETED: "✅",
    RunStatus.FAILED: "❌",
    RunStatus.CANCELLED: "🚫",
    RunStatus.TIMEOUT: "⌛",
    RunStatus.RUNNING: "🎨",
    RunStatus.UPLOADING: "📤",
}
"""What stands before the words for a status; an hourglass before others."""


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
    pieces += quoted(generation)
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
    parcel = outputs.packed([(generation, trusted)], linked)
    lines = [*_facts(generation, voice, charge), *outputs.lacking(parcel, voice)]
    nothing = not parcel.items and not parcel.held_back
    if generation.status is RunStatus.COMPLETED and nothing:
        lines.append(voice.say("The run made nothing that can be shown."))
    pieces = [
        *endings.correction(generation, voice),
        _headline(generation, voice),
        *quoted(generation),
        *(Piece(f"\n{line}") for line in lines),
    ]
    return outputs.content(pieces, parcel, voice, _end_rows(generation, voice))


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


def quoted(generation: Generation) -> list[Piece]:
    """Return what the person asked for, to stand under a headline; nothing if that is not known."""
    request = generation.request_payload
    prompt = prompt_of(request.inputs, request.prompt_input)
    if prompt is None or not clean(prompt).strip():
        return []
    return [Piece("\n"), Piece(clean(prompt).strip(), "blockquote", elastic=True)]


def original(generation: Generation) -> bool:
    """Return whether there is a copy of something that it made, or soon will be."""
    keeping = debts.find(generation.owed, DebtKind.KEEP.value) is not None
    return any(
        output.key is not None or (keeping and output.url is not None and output.not_kept is None)
        for output in generation.response_payload.outputs
    )


def money(amount: Decimal) -> str:
    """Write an amount with two decimal places, or more where they say something."""
    whole, _, fraction = format(amount, "f").partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def _like_a_prompt(key: str) -> bool:
    return "prompt" in key.lower() and "negative" not in key.lower()


def _headline(generation: Generation, voice: Voice) -> Piece:
    cancelling = generation.cancel_wanted and not generation.ended
    words = message("Being cancelled") if cancelling else endings.STATUSES[generation.status]
    mark = MARKS.get(generation.status, "⏳")
    return Piece(f"{mark} {voice.say(words)}", "b")


def _end_rows(generation: Generation, voice: Voice) -> Rows:
    """Return the buttons of an end; only what somebody ordered as a job can be ordered again."""
    if generation.job_id is None:
        return ()
    return buttons.ended(voice, generation.job_id, original=original(generation))


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
