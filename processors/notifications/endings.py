"""How a run stands, in words, and why it ended so."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from processors.notifications.markup import Piece, clean, cut
from processors.notifications.texts import Voice, message, moment
from schemas.generation import Generation, Retry, StatusChange
from schemas.run import TERMINAL, RunStatus

REASON_KEPT: Final = 500
"""UTF-16 units of an engine's own words."""
STEP_KEPT: Final = 100
"""UTF-16 units of the step at which a run was seen last."""

STATUSES: Final[Mapping[RunStatus, str]] = {
    RunStatus.WAITING: message("Waiting for its turn"),
    RunStatus.PENDING: message("Accepted"),
    RunStatus.SUBMITTING: message("Being sent to the engine"),
    RunStatus.QUEUED: message("In the queue"),
    RunStatus.STARTED: message("A machine is getting ready"),
    RunStatus.RUNNING: message("Running"),
    RunStatus.UPLOADING: message("Uploading the result"),
    RunStatus.COMPLETED: message("Done"),
    RunStatus.FAILED: message("It failed"),
    RunStatus.CANCELLED: message("Cancelled"),
    RunStatus.TIMEOUT: message("It took too long and was stopped"),
}

REASONS: Final[Mapping[str, str]] = {
    "submit_unknown": message("The engine never confirmed that it had received this."),
    "lost": message("The engine knows nothing of this run any more."),
    "overdue": message("It was not finished within its time limit."),
    "refused": message("The engine refused to run this."),
    "cancel_unconfirmed": message("The engine did not answer when asked to cancel."),
    "input_gone": message("The picture you sent is no longer kept; send it again."),
    "step_failed": message(
        "A step before it did not end well, so there was nothing to go on with."
    ),
    "nothing_made": message("A step before it made nothing that it could take."),
    "outputs_gone": message("What it had made was gone before it could be stored."),
    "outputs_lost": message("What a step before it had made was gone before it could be stored."),
    "input_refused": message("It does not take what a step before it has made."),
    "stopped": message("As you asked."),
    "not_continued": message("Nobody said in time that it should go on."),
}
"""What the slugs in a record's ``statusReason`` mean; other text there is the engine's own."""

RETRIES: Final[Mapping[str, str]] = {
    Retry.LOST: message("The server has lost this."),
    Retry.GONE: message("The server cannot be reached any more."),
    Retry.UNTAKEN: message("The server did not take this."),
    Retry.FAILED: message("The server could not finish this."),
    Retry.OUTPUTS_GONE: message("What it had made was gone before it could be stored."),
}
"""Why a run is tried again, by the source of the change that says so."""

_MEMORY: Final = re.compile(
    r"out ?of ?memory|\bmemoryerror\b|allocation on device", re.IGNORECASE | re.ASCII
)
"""What CUDA, HIP, Python and ComfyUI say where there is too little memory."""
_SLUG: Final = re.compile(r"[a-z][a-z0-9_]*")


def reasons(generation: Generation, voice: Voice) -> Iterator[str]:
    """Yield why it did not go well; where no reason was given, that and what is known."""
    reason = clean(generation.status_reason or "").strip()
    # That it stands unconfirmed is said in a note of its own.
    if reason and reason != "unconfirmed":
        yield from _given(reason, voice)
        yield from _tried(generation, voice)
        return
    if generation.status is RunStatus.CANCELLED and generation.cancel_wanted:
        yield voice.say("As you asked.")
        return
    yield _unexplained(generation, voice)
    step = " ".join(clean(generation.live_status or "").split())
    if step:
        yield voice.say("Last step seen: {step}", step=cut(step, STEP_KEPT))


def provisional(generation: Generation) -> bool:
    """Return whether the engine may still say otherwise: not where it never had the run."""
    return generation.ended_by == "us" and (
        generation.metadata.run_id is not None or generation.status_reason == "submit_unknown"
    )


def correction(generation: Generation, voice: Voice) -> tuple[Piece, ...]:
    """Admit it where this end takes the place of another that we had said.

    One that confirms ours is told only where ours was not; but a completed run of which we had
    said so may bring other outputs.
    """
    if generation.ended_by != "engine":
        return ()
    at = given_up(generation)
    if at is not None:
        late = voice.say("We had given this up at {time}; it finished after all.", time=moment(at))
        return (Piece(late, "i"), Piece("\n"))
    same = () if generation.status is RunStatus.COMPLETED else (generation.status,)
    if not any(each.status not in same for each in _said_by_us(generation)):
        return ()
    admitted = voice.say("What you were told before was not final. The engine has now said:")
    return (Piece(admitted, "i"), Piece("\n"))


def given_up(generation: Generation) -> datetime | None:
    """Return when we had given up a run that its engine has completed after all, or None."""
    if generation.ended_by != "engine" or generation.status is not RunStatus.COMPLETED:
        return None
    ends = [each for each in _said_by_us(generation) if each.status is not RunStatus.COMPLETED]
    return ends[-1].at if ends else None


def again(generation: Generation, voice: Voice) -> str | None:
    """Say that a run is tried again, and why; None of one that is tried for the first time."""
    if generation.attempt == 1:
        return None
    sources = (change.source for change in reversed(generation.history))
    why = next((RETRIES[source] for source in sources if source in RETRIES), None)
    trying = voice.say(
        "Trying again: attempt {attempt} of {most}.",
        attempt=generation.attempt,
        most=generation.max_attempts,
    )
    return trying if why is None else f"{voice.say(why)} {trying}"


def _said_by_us(generation: Generation) -> list[StatusChange]:
    """Return the ends that we had said, the oldest first."""
    return [each for each in generation.history if each.source == "us" and each.status in TERMINAL]


def _given(reason: str, voice: Voice) -> Iterator[str]:
    if reason in REASONS:
        yield voice.say(REASONS[reason])
    elif _SLUG.fullmatch(reason):
        yield voice.say("Reason: {reason}", reason=cut(reason, REASON_KEPT))
    else:
        if _MEMORY.search(reason):
            yield voice.say("There was not enough memory for this.")
        yield voice.say("The engine says: {reason}", reason=cut(reason, REASON_KEPT))


def _tried(generation: Generation, voice: Voice) -> Iterator[str]:
    if generation.attempt > 1 and generation.status is not RunStatus.CANCELLED:
        yield voice.plural("It was tried {n} time.", "It was tried {n} times.", generation.attempt)


def _unexplained(generation: Generation, voice: Voice) -> str:
    """Say what is known of an end that the engine gave no reason for."""
    if generation.status is RunStatus.CANCELLED:
        return voice.say("The engine cancelled it; nobody had asked for that here.")
    if generation.status is RunStatus.TIMEOUT:
        # An end of ours that is confirmed and has no reason is one that the engine concluded.
        if generation.ended_by == "us" and generation.confirmed is not False:
            return voice.say("The engine had heard nothing of it for so long that it gave it up.")
        return voice.say("The engine stopped it at its own time limit.")
    return voice.say("The engine gave no reason.")
