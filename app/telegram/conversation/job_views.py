"""What people read of their orders: one in full, and a page of many."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from app.telegram.conversation.layout import button, head, page, stacked
from app.usecases.orders import JobView
from processors import notifications
from processors.notifications import endings, prompt_of, stages, steps
from processors.notifications.buttons import Press, Rows
from processors.notifications.markup import Piece, clean, cut
from processors.notifications.sums import counted
from processors.notifications.texts import Voice, duration, in_credits, message, moment
from schemas.job import Job, JobStatus
from schemas.preset import Preset
from schemas.run import Output, RunStatus

VALUE_UNITS: Final = 500
"""UTF-16 units of one input's value."""
PROMPT_UNITS: Final = 60
"""UTF-16 units of a prompt in a list."""
STEPS_SHOWN: Final = 20
"""Steps of one order that are listed."""
RUNS_SHOWN: Final = 10
"""Ids of its runs that are."""
PICTURE: Final = "media:"
"""What the value of an input begins with that is a picture of ours."""

STATUSES: Final[Mapping[str, tuple[str, str]]] = {
    JobStatus.PENDING: ("⏳", message("Accepted")),
    JobStatus.ACTIVE: ("⏳", message("Running")),
    JobStatus.REFUSED: ("🚫", message("Not enough credits")),
    JobStatus.COMPLETED: ("✅", message("Done")),
    JobStatus.FAILED: ("❌", message("It failed")),
    JobStatus.CANCELLED: ("🚫", message("Cancelled")),
    JobStatus.TIMEOUT: ("⌛", message("It took too long and was stopped")),
}


def title(voice: Voice, presets: Mapping[str, Preset], job: Job) -> str:
    """Return what a job is called: its preset's title, or its name where that is gone.

    Of several steps, that of the first, and how many there are.
    """
    called = _called(voice, presets, job.steps[0].preset)
    if job.last == 1:
        return called
    return voice.plural("{title}, {n} step", "{title}, {n} steps", job.last, title=called)


def _called(voice: Voice, presets: Mapping[str, Preset], name: str) -> str:
    preset = presets.get(name)
    return name if preset is None else preset.titles.of(voice.language.value)


def status(voice: Voice, job: Job) -> str:
    """Say how far a job has come, with its mark before it."""
    mark, said = STATUSES.get(job.status, ("❔", message("Running")))
    if job.pause is not None and not job.ended:
        mark, said = "⏸", message("Waiting for you to go on")
    if job.cancel_wanted and not job.ended:
        said = message("Being cancelled")
    return f"{mark} {voice.say(said)}"


def price(voice: Voice, job: Job) -> str:
    """Say what a job came to, or what is set aside for it."""
    back = [each.outcome.refunded for each in job.steps if each.outcome and each.outcome.refunded]
    if job.status is JobStatus.REFUSED:
        return voice.say("Not charged")
    if job.price is None:
        return voice.say("Set aside: {credits}", credits=in_credits(voice, job.held))
    said = voice.say("Price: {credits}", credits=in_credits(voice, job.price))
    if not back:
        return said
    given = voice.say("given back: {credits}", credits=in_credits(voice, sum(back, Decimal(0))))
    return f"{said} ({given})"


def info(voice: Voice, presets: Mapping[str, Preset], view: JobView, now: datetime) -> str:
    """Return all that a person may know of a job; what it cost us is not theirs to know."""
    job = view.job
    lines = [status(voice, job)]
    lines += [
        voice.say("Ordered: {time}", time=moment(job.created_at)),
        *(voice.say("Ended: {time}", time=moment(at)) for at in (job.ended_at,) if at),
    ]
    seconds = [each.duration_seconds for each in view.generations if each.duration_seconds]
    if seconds:
        lines.append(voice.say("Time: {time}", time=duration(voice, sum(seconds))))
    going = [each for each in view.generations if not each.ended]
    begun = [each for each in going if each.status is not RunStatus.WAITING]
    lines += [
        line for each in begun[: steps.SHOWN] for line in notifications.standing(each, voice, now)
    ]
    lines.append(price(voice, job))
    lines += _stages(voice, presets, view)
    pieces: list[Piece | str] = [head(title(voice, presets, job)), *(f"\n{each}" for each in lines)]
    pieces.append("\n")
    for step in job.steps:
        pieces += [_input(voice, name, value) for name, value in step.inputs.items()]
    order, run = voice.say("Order"), voice.say("Run")
    pieces += [f"\n\n{order}: ", Piece(job.id, "code")]
    for step in job.steps[:RUNS_SHOWN]:
        pieces += [f"\n{run}: ", Piece(step.generation, "code")]
    return page(*pieces)


def so_far(voice: Voice, view: JobView) -> Rows:
    """Return the button that sends what a job with several runs has made so far, if anything."""
    if view.job.single or not kept(view):
        return ()
    return ((button(voice.say("Picture so far"), Press.ORIGINAL, view.job.id, mark="📎"),),)


def kept(view: JobView) -> list[Output]:
    """Return what there are copies of, of the last step that has any."""
    for number in range(view.job.last, 0, -1):
        ids = {each.generation for each in view.job.parts(number)}
        made = [each.response_payload.outputs for each in view.generations if each.id in ids]
        found = [output for each in made for output in each if output.key is not None]
        if found:
            return found
    return []


def history(
    voice: Voice,
    presets: Mapping[str, Preset],
    jobs: Sequence[Job],
    after: str | None,
    *,
    first: bool,
) -> tuple[str, Rows]:
    """Return a page of jobs, the newest first, with a button for each and to further pages.

    Args:
        voice: Theirs.
        presets: By their names.
        jobs: The page.
        after: Where the next page begins, if there is one.
        first: Whether this is the first page.
    """
    if not jobs:
        return page(voice.say("You have not ordered anything yet. See /presets.")), ()
    pieces: list[Piece | str] = [head(voice.say("Your orders"))]
    for number, job in enumerate(jobs, 1):
        mark = status(voice, job).partition(" ")[0]
        pieces.append(f"\n\n{number}. {mark} ")
        pieces.append(Piece(title(voice, presets, job), "b"))
        pieces.append(f"\n{moment(job.created_at)} · {price(voice, job)}")
        prompt = prompt_of(job.steps[0].inputs)
        if prompt:
            words = cut(" ".join(clean(prompt).split()), PROMPT_UNITS)
            pieces.append(Piece(f"\n{words}", "i", elastic=True))
    numbered = tuple(button(str(number), Press.INFO, job.id) for number, job in enumerate(jobs, 1))
    turns = (
        *((button(voice.say("Newest"), Press.HISTORY, mark="⏮"),) if not first else ()),
        *((button(voice.say("Older"), Press.HISTORY, after, mark="▶️"),) if after else ()),
    )
    return page(*pieces), (numbered, turns) if turns else (numbered,)


def to_cancel(voice: Voice, presets: Mapping[str, Preset], jobs: Sequence[Job]) -> Rows:
    """Return a button for each job that may be cancelled."""
    return stacked(
        [button(f"✖️ {_named(voice, presets, job)}", Press.CANCEL, job.id) for job in jobs]
    )


def _stages(voice: Voice, presets: Mapping[str, Preset], view: JobView) -> Iterator[str]:
    """Say how each step stands: ``2. Jacket: Running``; nothing of a single run."""
    if view.job.single:
        return
    made = {each.id: each for each in view.generations}
    for stage in stages.stages_of(view.job, made)[:STEPS_SHOWN]:
        front = next(iter((*stage.open, *stage.made)), None)
        said = voice.say(endings.STATUSES[front.status if front else RunStatus.PENDING])
        if len(stage.parts) > 1:
            said = stages.share(voice, len(stage.completed), len(stage.parts))
        called = _called(voice, presets, view.job.parts(stage.number)[0].preset)
        yield f"{counted(view.job, stage.number)}. {called}: {said}"


def _named(voice: Voice, presets: Mapping[str, Preset], job: Job) -> str:
    prompt = prompt_of(job.steps[0].inputs)
    words = " ".join(clean(prompt or "").split())
    called = title(voice, presets, job)
    return f"{called}: {words}" if words else called


def _input(voice: Voice, name: str, value: JsonValue) -> Piece:
    shown = value if isinstance(value, str) else str(value)
    if shown.startswith(PICTURE):
        shown = voice.say("a picture")
    return Piece(f"\n{name}: {cut(clean(shown), VALUE_UNITS)}", elastic=True)
