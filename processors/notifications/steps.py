"""What is said of a job with several generations while it goes on.

Its status is one message, and a step that is done while others follow is told with what it made.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from processors import notifications
from processors.notifications import Content, StatusMessage, buttons, endings, outputs, sums
from processors.notifications.buttons import Rows
from processors.notifications.markup import TEXT_LIMIT, Piece, render
from processors.notifications.outputs import Linked, Trusted, unlinked
from processors.notifications.stages import (
    DONE_MARK,
    UNDONE,
    Made,
    Stage,
    Titles,
    finished,
    named,
    share,
    stage_of,
    stages_of,
    those_done,
    total,
    voice_of,
)
from processors.notifications.texts import Translate, Voice, message, moment
from schemas.generation import Generation
from schemas.job import Job, Pause
from schemas.run import RunStatus

TrustedOf = Callable[[Generation], Trusted]
"""Gives whom to ask about the outputs of a run whose end its engine has not confirmed."""

SHOWN: Final = 3
"""Steps under way at once that the status says something of."""


def status_message(
    job: Job, made: Made, *, titles: Titles, now: datetime, translate: Translate
) -> StatusMessage:
    """Return the one status message of a job that goes on: what runs, and what is done so far."""
    voice, stages = voice_of(job, translate), stages_of(job, made)
    pause = None if job.cancel_wanted else job.pause
    going = [each for each in stages if each.going]
    shown = (going or [each for each in stages if not each.over][:1])[:SHOWN]
    if pause is None:
        pieces = _apart([_standing(job, each, voice, titles, now) for each in shown])
    else:
        said = finished(job, pause.step, voice, titles)
        pieces = [Piece(f"⏸ {said}", "b"), Piece(f"\n{_until(pause, voice)}")]
    completed = [each.number for each in stages if each.done]
    if completed and total(job) > 1 and pause is None:
        pieces.append(Piece(f"\n{those_done(voice, job, completed)}"))
    pieces += quoted([*(shown[0].made if shown else ()), *made.values()])
    rows = () if job.cancel_wanted else buttons.running(voice, job.id)
    return StatusMessage(text=render(pieces, TEXT_LIMIT).html, rows=rows)


def done(
    job: Job,
    number: int,
    made: Made,
    *,
    trusted: TrustedOf,
    titles: Titles,
    translate: Translate,
    linked: Linked = unlinked,
) -> Content:
    """Return how it is told that a step is done while others follow.

    Args:
        job: As it stands now: where it waits after this step, there are buttons.
        number: Of the step.
        made: The job's generations.
        trusted: See `TrustedOf`.
        titles: What presets are called.
        translate: Where the words come from.
        linked: Asked for each output that is sent.
    """
    voice, stage = voice_of(job, translate), stage_of(job, number, made)
    parcel = outputs.packed([(each, trusted(each)) for each in stage.completed], linked)
    lines = list(_share(stage, voice))
    lines += [*sums.lines(job, voice, over=False), *outputs.lacking(parcel, voice)]
    rows: Rows = ()
    pause = job.pause
    if pause is not None and pause.step == number and not (job.ended or job.cancel_wanted):
        lines.append(_until(pause, voice))
        rows = buttons.paused(voice, job.id, number)
    headline = _headline(job, stage, voice, titles)
    pieces = [Piece(headline, "b"), *(Piece(f"\n{each}") for each in lines)]
    return outputs.content(pieces, parcel, voice, rows)


def _headline(job: Job, stage: Stage, voice: Voice, titles: Titles) -> str:
    """Return how a step has ended: it is done, as far as any of it has completed."""
    ends = [each.status for each in stage.made if each.status in UNDONE]
    if stage.completed or not ends:
        return f"{DONE_MARK} {finished(job, stage.number, voice, titles)}"
    mark, said = UNDONE[ends[0]]
    told = voice.say(said, number=sums.counted(job, stage.number), total=total(job))
    return f"{mark} {told}"


def quoted(found: list[Generation]) -> list[Piece]:
    """Return what the person asked for, as the first of these runs knows it."""
    return next((words for words in map(notifications.quoted, found) if words), list[Piece]())


def _standing(job: Job, stage: Stage, voice: Voice, titles: Titles, now: datetime) -> list[Piece]:
    """Say how far a step has come that is not over."""
    front = stage.open[0] if stage.open else None
    status = front.status if front else RunStatus.PENDING
    mark = notifications.MARKS.get(status, "⏳")
    state = message("Being cancelled") if job.cancel_wanted else endings.STATUSES[status]
    said, lines = voice.say(state), list[str]()
    if total(job) > 1:
        counted = sums.counted(job, stage.number)
        step = voice.say("Step {number} of {total}", number=counted, total=total(job))
        said, lines = named(job, stage.number, step, titles), [said]
    lines += _progress(stage, voice, now)
    return [Piece(f"{mark} {said}", "b"), *(Piece(f"\n{each}") for each in lines)]


def _progress(stage: Stage, voice: Voice, now: datetime) -> Iterator[str]:
    if len(stage.parts) == 1:
        for each in stage.open:
            yield from notifications.standing(each, voice, now)
        return
    yield from _share(stage, voice)
    done = sum(1.0 if each.ended else each.progress for each in stage.made)
    yield notifications.bar(done / len(stage.parts))


def _share(stage: Stage, voice: Voice) -> Iterator[str]:
    if len(stage.parts) > 1:
        yield share(voice, len(stage.completed), len(stage.parts))


def _until(pause: Pause, voice: Voice) -> str:
    return voice.say(
        "It goes on when you say so. At {time} it ends here, and the rest is returned.",
        time=moment(pause.until),
    )


def _apart(blocks: list[list[Piece]]) -> list[Piece]:
    """Return blocks one below the other, a line between them."""
    first, *others = blocks or [[]]
    return [*first, *(piece for each in others for piece in (Piece("\n\n"), *each))]
