"""What is said of the end of a job with several generations, and of what comes after it.

What a step has made is told with that step; the end brings what was not, such as what the last one
made. One message says which step failed and why, what is done, and what was and was not charged.
"""

from collections.abc import Collection, Iterator
from typing import Final

from processors import notifications
from processors.notifications import Content, StatusMessage, buttons, endings, outputs, sums
from processors.notifications.buttons import Rows
from processors.notifications.markup import TEXT_LIMIT, Piece, render
from processors.notifications.outputs import Linked, unlinked
from processors.notifications.stages import (
    DONE_MARK,
    UNDONE,
    Made,
    Titles,
    finished,
    share,
    those_done,
    total,
    voice_of,
)
from processors.notifications.steps import TrustedOf, quoted
from processors.notifications.sums import counted
from processors.notifications.texts import Translate, Voice, duration, message, moment
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.job import Job, Step
from schemas.run import RunStatus

_DROPPED: Final = frozenset({"step_failed", "nothing_made", "outputs_lost", "input_refused"})
"""Why a step never began."""
_STOPPED: Final = frozenset({"stopped", "not_continued"})
"""Why a job was ended while it waited for a word to go on."""
_WORST: Final = (RunStatus.FAILED, RunStatus.TIMEOUT)


def status_message(job: Job, *, translate: Translate) -> StatusMessage:
    """Return what is left of the status message of a job that has ended: a single line."""
    voice = voice_of(job, translate)
    return StatusMessage(text=render([_ending(job, voice)], TEXT_LIMIT).html)


def end(
    job: Job,
    made: Made,
    *,
    untold: Collection[GenerationId] = (),
    trusted: TrustedOf,
    titles: Titles,
    translate: Translate,
    linked: Linked = unlinked,
) -> Content:
    """Return how the end of a job is told.

    Where it was told before, and a run that we had given up has finished since, that alone is.

    Args:
        job: It has ended, and each of its steps has come to something.
        made: Its generations.
        untold: Those whose outputs its chat does not know, where it was told of an end before.
        trusted: See `TrustedOf`.
        titles: What presets are called.
        translate: Where the words come from.
        linked: Asked for each output that is sent.
    """
    voice = voice_of(job, translate)
    found = (made.get(each) for each in untold)
    late = [each for each in found if each and each.status is RunStatus.COMPLETED]
    brought = late or _brought(job, made)
    parcel = outputs.packed([(each, trusted(each)) for each in brought], linked)
    lines = list(_rest(job, voice)) if late else [*_why(job, made, voice), *_rest(job, voice)]
    lines += _time(late or list(made.values()), voice)
    lines += sums.lines(job, voice, over=True)
    lines += outputs.lacking(parcel, voice)
    if not late:
        lines += _doubts(made, voice)
    if not (parcel.items or parcel.held_back) and _undone(job) is None:
        lines.append(voice.say("The run made nothing that can be shown."))
    pieces = [
        *_corrections(job, late, voice),
        *_headline(job, late, voice, titles),
        *quoted([*brought, *made.values()]),
        *(Piece(f"\n{each}") for each in lines),
    ]
    rows = (*_retry(job, voice), *_usual(job, made, voice))
    return outputs.content(pieces, parcel, voice, rows)


def settled_later(job: Job, *, titles: Titles, translate: Translate) -> Content:
    """Return what has changed about the money of a job whose end was told before."""
    voice = voice_of(job, translate)
    name = job.steps[-1].preset
    heading = voice.say("About your order {preset}:", preset=titles.get(name, name))
    said = render([Piece("\n".join([heading, *sums.lines(job, voice, over=True)]))], TEXT_LIMIT)
    return Content(text=said.html, plain=said.plain)


def _ending(job: Job, voice: Voice) -> Piece:
    """Return the headline of an end."""
    part = _undone(job)
    if part is None or part.outcome is None:
        return Piece(f"{DONE_MARK} {voice.say(endings.STATUSES[RunStatus.COMPLETED])}", "b")
    mark, said = UNDONE[part.outcome.status]
    number = counted(job, part.number)
    if _waited(job, part) and number > 1:
        stopped = voice.say(
            "Stopped after step {number} of {total}", number=number - 1, total=total(job)
        )
        return Piece(f"{mark} {stopped}", "b")
    completed = _completed(job, part.number)
    if total(job) == 1:
        alone = voice.say(endings.STATUSES[part.outcome.status])
        partly = share(voice, completed, len(job.steps))
        return Piece(f"⚠️ {partly}" if completed else f"{mark} {alone}", "b")
    if part.outcome.reason in _DROPPED:
        mark, said = "❌", message("Step {number} of {total} could not begin")
    return Piece(f"{mark} {voice.say(said, number=number, total=total(job))}", "b")


def _headline(job: Job, late: list[Generation], voice: Voice, titles: Titles) -> list[Piece]:
    """Return the headline of what is told: the end, or the steps that have come late."""
    if not late or _undone(job) is None or total(job) == 1:
        return [_ending(job, voice)]
    ids = {each.id for each in late}
    found = sorted({each.number for each in job.steps if each.generation in ids})
    said = "\n".join(f"{DONE_MARK} {finished(job, each, voice, titles)}" for each in found)
    return [Piece(said, "b")]


def _corrections(job: Job, late: list[Generation], voice: Voice) -> Iterator[Piece]:
    """Admit it where something else was told before."""
    if job.told is None:
        return
    at = [each for each in map(endings.given_up, late) if each is not None]
    if at:
        said = voice.say(
            "We had given this up at {time}; it finished after all.", time=moment(at[0])
        )
    else:
        said = voice.say("What you were told before was not final. The engine has now said:")
    yield Piece(said, "i")
    yield Piece("\n")


def _undone(job: Job) -> Step | None:
    """Return the item on whose account a job did not complete; None where it did.

    One that failed comes before those that were never begun for want of it.
    """
    found = [each for each in job.steps if each.outcome and each.outcome.status in UNDONE]
    return min(found, key=_blame, default=None)


def _blame(part: Step) -> int:
    outcome = part.outcome
    if outcome is None or outcome.status in _WORST:
        return 0
    return 2 if outcome.reason == "step_failed" else 1


def _waited(job: Job, part: Step) -> bool:
    """Return whether an item was not made since its job waited for a word to go on."""
    cancelled = part.outcome is not None and part.outcome.status is RunStatus.CANCELLED
    return cancelled and job.status_reason in _STOPPED


def _completed(job: Job, number: int) -> int:
    """Return how many items of a step have completed."""
    outcomes = [each.outcome for each in job.parts(number)]
    return sum(each is not None and each.status is RunStatus.COMPLETED for each in outcomes)


def _brought(job: Job, made: Made) -> list[Generation]:
    """Return what the end brings: what was told with no step before."""
    found = [(each.number, made.get(each.generation)) for each in job.steps]
    return [
        each
        for number, each in found
        if each is not None and each.status is RunStatus.COMPLETED
        if number not in job.steps_told
    ]


def _why(job: Job, made: Made, voice: Voice) -> Iterator[str]:
    """Say why a job did not complete."""
    part = _undone(job)
    if part is None or part.outcome is None:
        return
    generation = made.get(part.generation)
    asked = part.outcome.status is RunStatus.CANCELLED and job.cancel_wanted
    slug = (job.status_reason if _waited(job, part) else None) or ("stopped" if asked else None)
    if slug is not None:
        said = endings.REASONS[slug]
        yield voice.say(said)
    elif generation is not None:
        yield from endings.reasons(generation, voice)


def _rest(job: Job, voice: Voice) -> Iterator[str]:
    """Say which steps are done, and which were not made; nothing where all of them are done."""
    part = _undone(job)
    if part is None or total(job) == 1:
        return
    parts = {number: len(job.parts(number)) for number in range(1, job.last + 1)}
    completed = {number: _completed(job, number) for number in parts}
    if parts[part.number] > 1:
        yield share(voice, completed[part.number], parts[part.number])
    done = [number for number, most in parts.items() if completed[number] == most]
    if done:
        yield those_done(voice, job, done)
    said = None if _waited(job, part) else part.number
    lacking = [number for number in parts if not completed[number] and number != said]
    if lacking:
        yield voice.plural(
            "Not made: step {numbers}",
            "Not made: steps {numbers}",
            len(lacking),
            numbers=sums.numbers(counted(job, each) for each in lacking),
        )


def _time(found: list[Generation], voice: Voice) -> Iterator[str]:
    seconds = [each.duration_seconds for each in found if each.duration_seconds is not None]
    if seconds:
        yield voice.say("Time: {time}", time=duration(voice, sum(seconds)))


def _doubts(made: Made, voice: Voice) -> Iterator[str]:
    """Say how sure we are."""
    if any(each.confirmed is False for each in made.values()):
        yield voice.say("The engine could not be asked whether this is right.")
    if any(map(endings.provisional, made.values())):
        yield voice.say(
            "The engine has not said so itself. If it says otherwise, you will be told."
        )


def _retry(job: Job, voice: Voice) -> Rows:
    """Return the button to go on from where a job came to its end; none where nothing is left."""
    part = _undone(job)
    if part is None or part.outcome is None:
        return ()
    step, reason = part.number, part.outcome.reason
    if reason == "outputs_lost":
        step = min((each.step for each in part.sources.values()), default=step)
    words = voice.say("Retry this step")
    if total(job) == 1:
        words = voice.say("Make the rest") if _completed(job, step) else voice.say("Again")
    elif step != part.number:
        words = voice.say("Retry step {number}", number=counted(job, step))
    elif reason in _DROPPED or _waited(job, part):
        words = voice.say("Go on with step {number}", number=counted(job, step))
    return buttons.retry(words, job.id, step)


def _usual(job: Job, made: Made, voice: Voice) -> Rows:
    original = any(map(notifications.original, made.values()))
    return buttons.ended(voice, job.id, original=original, again=_undone(job) is None)
