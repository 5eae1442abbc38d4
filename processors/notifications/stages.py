"""A job's steps as its person counts and knows them, each with its generations as they stand."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from processors.notifications import sums
from processors.notifications.texts import Translate, Voice, language_of, message
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.job import Job, Step
from schemas.run import RunStatus

Made = Mapping[GenerationId, Generation]
"""A job's generations by their ids, as far as there are any yet, or still."""
Titles = Mapping[str, str]
"""What presets are called, by their names; one that is not there is called by its name."""

DONE_MARK: Final = "✅"
UNDONE: Final[Mapping[RunStatus, tuple[str, str]]] = {
    RunStatus.FAILED: ("❌", message("Step {number} of {total} failed")),
    RunStatus.TIMEOUT: ("⌛", message("Step {number} of {total} took too long and was stopped")),
    RunStatus.CANCELLED: ("🚫", message("Step {number} of {total} was cancelled")),
}
"""What is said of a step that has ended without completing."""


class Stage(NamedTuple):
    """A step of a job.

    Attributes:
        number: Of the step, in its job.
        parts: Its items; most steps have one.
        made: Their generations, in the same order, as far as there are any.
    """

    number: int
    parts: tuple[Step, ...]
    made: tuple[Generation, ...]

    @property
    def open(self) -> tuple[Generation, ...]:
        """Return those that have not ended, one that runs first."""
        found = [each for each in self.made if not each.ended]
        return tuple(sorted(found, key=lambda each: each.started_at is None))

    @property
    def over(self) -> bool:
        """Whether all of it has ended."""
        return len(self.made) == len(self.parts) and not self.open

    @property
    def going(self) -> bool:
        """Whether it has begun and is not over."""
        begun = any(each.status is not RunStatus.WAITING for each in self.made)
        return begun and not self.over

    @property
    def completed(self) -> tuple[Generation, ...]:
        """Return those that have completed."""
        return tuple(each for each in self.made if each.status is RunStatus.COMPLETED)

    @property
    def done(self) -> bool:
        """Whether all of it has completed."""
        return len(self.completed) == len(self.parts)


def stages_of(job: Job, made: Made) -> tuple[Stage, ...]:
    """Return all steps of a job, in their order."""
    return tuple(stage_of(job, number, made) for number in range(1, job.last + 1))


def stage_of(job: Job, number: int, made: Made) -> Stage:
    """Return one of them."""
    parts = job.parts(number)
    found = (made.get(each.generation) for each in parts)
    return Stage(number, parts, tuple(each for each in found if each is not None))


def total(job: Job) -> int:
    """Return how many steps there are, as its person counts: from the first order on."""
    return sums.counted(job, job.last)


def voice_of(job: Job, translate: Translate) -> Voice:
    """Return how to speak to whoever is told of a job."""
    return Voice(language_of(job.chat.language if job.chat else None), translate)


def named(job: Job, number: int, said: str, titles: Titles) -> str:
    """Return what is said of a step with what it is called: ``Step 2 of 3: Jacket``."""
    preset = job.parts(number)[0].preset
    return f"{said}: {titles.get(preset, preset)}"


def finished(job: Job, number: int, voice: Voice, titles: Titles) -> str:
    """Say that a step is done: ``Step 1 of 3 is done: Jacket``."""
    said = voice.say(
        "Step {number} of {total} is done", number=sums.counted(job, number), total=total(job)
    )
    return named(job, number, said, titles)


def share(voice: Voice, completed: int, parts: int) -> str:
    """Say how many of a step's items there are: ``3 of 4 made``."""
    return voice.say("{n} of {m} made", n=completed, m=parts)


def those_done(voice: Voice, job: Job, found: list[int]) -> str:
    """Say which steps are done, by their numbers in the job."""
    counted = sums.numbers(sums.counted(job, each) for each in found)
    return voice.plural(
        "Done: step {numbers}", "Done: steps {numbers}", len(found), numbers=counted
    )
