"""What begins in a chain, and what never will: decided from the records as they are."""

import pytest

from processors import chains
from processors.chains import Begin, Drop
from schemas.base import GenerationId
from schemas.generation import Generation, Response
from schemas.job import Job, JobStatus, Source
from schemas.run import OutputKind, RunStatus
from tests.builders import a_chain, a_step, an_output, its_generations, its_id

DONE = RunStatus.COMPLETED


def copied(made: dict[GenerationId, Generation]) -> dict[GenerationId, Generation]:
    """Have everything that was made copied, under the key ``outputs/{its id}``."""
    return {id_: with_outputs(each, key=f"outputs/{each.id}") for id_, each in made.items()}


def with_outputs(generation: Generation, **fields: object) -> Generation:
    """Return a generation whose outputs have these fields."""
    outputs = tuple(each.change(**fields) for each in generation.response_payload.outputs)
    return generation.change(response_payload=Response(outputs=outputs))


def said(generation: Generation, text: str) -> Generation:
    """Return a generation that has written this."""
    output = an_output("words", kind=OutputKind.TEXT, text=text, url=None)
    return generation.change(response_payload=Response(outputs=(output,)))


def after(job: Job, *statuses: RunStatus) -> tuple[object, ...]:
    """Return what follows where the first parts of a job stand so, and all is copied."""
    return chains.moves(job, copied(its_generations(job, *statuses)))


def reading(most: int | None = None) -> Job:
    """Return a job of two steps, of which the second takes what the first has written."""
    source = Source(step=1, generation=its_id(1), type=OutputKind.TEXT, most=most)
    first, second = a_chain(1, 1).steps
    return a_chain(1, 1).change(steps=(first, second.change(sources={"prompt": source})))


def test_a_step_takes_the_copy_of_what_the_one_before_has_made() -> None:
    """Never the engine's address; and the one after that goes on waiting."""
    begin = Begin(its_id(2), {"garment-1": f"media:outputs/{its_id(1)}"})
    assert after(a_chain(), DONE) == (begin,)


def test_nothing_begins_before_it_is_copied() -> None:
    """The copy is still being made: it may yet be lost."""
    job = a_chain()
    assert chains.moves(job, its_generations(job, DONE)) == ()


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.RUNNING])
def test_nothing_begins_before_all_that_it_takes_is_there(status: RunStatus) -> None:
    """A fan-in waits for the last of its sources."""
    job = a_chain(2, 1)
    assert after(job, DONE, status) == ()
    assert after(job, DONE, DONE) != ()
    missing = copied(its_generations(job, DONE, DONE))
    del missing[its_id(1, 2)]
    assert chains.moves(job, missing) == ()


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.TIMEOUT])
def test_a_step_that_did_not_complete_drops_all_that_depends_on_it(status: RunStatus) -> None:
    """At once, however far they are from it."""
    dropped = (Drop(its_id(2), "step_failed"), Drop(its_id(3), "step_failed"))
    assert after(a_chain(), status) == dropped


def test_of_a_fan_out_only_what_takes_from_the_failed_item_is_dropped() -> None:
    """Made for each item of the step before, the others go on."""
    job = a_chain(2, 2)
    one, other = job.parts(2)
    job = job.change(
        steps=(
            *job.parts(1),
            one.change(sources={"image": one.sources["garment-1"]}),
            other.change(sources={"image": other.sources["garment-2"]}),
        )
    )
    begin = Begin(its_id(2, 2), {"image": f"media:outputs/{its_id(1, 2)}"})
    assert after(job, RunStatus.FAILED, DONE) == (Drop(its_id(2, 1), "step_failed"), begin)


def test_what_nothing_was_made_for_never_begins() -> None:
    """The step completed without an output, or without that one of several."""
    job = a_chain(1, 1)
    made = its_generations(job, DONE)
    empty = {**made, its_id(1): made[its_id(1)].change(response_payload=Response())}
    assert chains.moves(job, empty) == (Drop(its_id(2), "nothing_made"),)
    source = job.steps[1].sources["garment-1"].change(place=2)
    second = job.change(steps=(job.steps[0], job.steps[1].change(sources={"image": source})))
    assert chains.moves(second, copied(made)) == (Drop(its_id(2), "nothing_made"),)


@pytest.mark.parametrize("fields", [{"not_kept": "gone"}, {"not_kept": "too_large"}, {"url": None}])
def test_what_is_lost_is_waited_for_in_vain(fields: dict[str, object]) -> None:
    """There will never be a copy of it."""
    job = a_chain(1, 1)
    made = its_generations(job, DONE)
    lost = {**made, its_id(1): with_outputs(made[its_id(1)], **fields)}
    assert chains.moves(job, lost) == (Drop(its_id(2), "outputs_lost"),)


def test_an_output_is_known_by_its_name_and_place() -> None:
    """Of several that the engine names so, the one of that place among its type."""
    job = a_chain(1, 1)
    source = job.steps[1].sources["garment-1"].change(of="9/", place=2)
    job = job.change(steps=(job.steps[0], job.steps[1].change(sources={"image": source})))
    outputs = (
        an_output("8", key="outputs/other"),
        an_output("9/1", key="outputs/one"),
        an_output("9/2", kind=OutputKind.TEXT, text="a caption", url=None),
        an_output("9/3", key="outputs/two"),
    )
    made = its_generations(job, DONE)
    made[its_id(1)] = made[its_id(1)].change(response_payload=Response(outputs=outputs))
    taken = chains.take(source, made)
    assert taken.value == "media:outputs/two", [each.id for each in outputs]


def test_a_text_is_taken_as_it_is() -> None:
    """Nothing needs to be copied; one that is longer than its input may have is refused."""
    job = reading(most=9)
    made = its_generations(job, DONE)
    short = {**made, its_id(1): said(made[its_id(1)], "a harbour")}
    assert chains.moves(job, short) == (Begin(its_id(2), {"prompt": "a harbour"}),)
    long = {**made, its_id(1): said(made[its_id(1)], "two harbours")}
    assert chains.moves(job, long) == (Drop(its_id(2), "input_refused"),)
    assert chains.moves(reading(), long) == (Begin(its_id(2), {"prompt": "two harbours"}),)


def test_what_is_cancelled_or_over_moves_no_more() -> None:
    """Of a job that is to be cancelled every part is, in its own way."""
    for job in (a_chain(cancel_wanted=True), a_chain(status=JobStatus.CANCELLED)):
        assert after(job, DONE) == ()


def test_a_job_goes_on_whose_start_has_not_been_noted() -> None:
    """What is there was held for and made: whoever started it may be gone."""
    assert after(a_chain(status=JobStatus.PENDING), DONE) != ()


def test_a_manual_job_goes_no_further_than_its_person_has_let_it() -> None:
    """The second step waits for their word, and the third for another."""
    assert after(a_chain(manual=True), DONE) == ()
    assert after(a_chain(manual=True, continued=1), DONE) != ()
    assert after(a_chain(manual=True, continued=1), DONE, DONE) == ()


def test_what_never_will_be_is_dropped_without_a_word_of_its_person() -> None:
    """There is nothing to be asked about any more."""
    assert after(a_chain(1, 1, manual=True), RunStatus.FAILED) == (Drop(its_id(2), "step_failed"),)


def test_a_success_concerns_what_takes_of_it() -> None:
    """With all that those take besides: a hundred that do not are not read."""
    job = a_chain(2, 1, 1)
    made = its_generations(job, DONE)
    concerned = chains.concerned(job, made[its_id(1)])
    assert concerned == (its_id(1), its_id(2), its_id(1, 2))
    alone = a_chain(1).change(steps=(*a_chain(1).steps, a_step(number=2, generation=its_id(2))))
    assert chains.concerned(alone, its_generations(alone, DONE)[its_id(1)]) == (its_id(1),)


def test_an_end_is_followed_by_what_waits_for_it() -> None:
    """Also by way of others; not by those beside it."""
    job = a_chain(2, 1, 1)
    assert chains.following(job, its_id(1)) == (its_id(2), its_id(3))
    assert chains.following(job, its_id(3)) == ()


def test_any_other_end_concerns_all() -> None:
    """What is dropped for it may have others waiting for it in turn."""
    job = a_chain()
    made = its_generations(job, RunStatus.FAILED)
    assert chains.concerned(job, made[its_id(1)]) == (its_id(1), its_id(2), its_id(3))
