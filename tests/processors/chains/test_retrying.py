"""processors.chains.retrying: what is ordered again, and what is kept of what was made."""

import pytest

from processors import chains
from processors.chains import Again
from processors.errors import ChainRefusedError
from schemas.base import GenerationId
from schemas.generation import Generation, Response
from schemas.job import Job
from schemas.run import RunStatus
from tests.builders import a_chain, an_output, its_generations, its_id

DONE, FAILED = RunStatus.COMPLETED, RunStatus.FAILED
CANCELLED = RunStatus.CANCELLED


def kept(job: Job, *statuses: RunStatus, **fields: object) -> dict[GenerationId, Generation]:
    """The generations of a job, what they have made being copied under their names."""
    made = its_generations(job, *statuses)
    for id_, each in made.items():
        outputs = (an_output(key=f"outputs/{id_}").change(**fields),)
        if each.status is DONE:
            made[id_] = each.change(response_payload=Response(outputs=outputs))
    return made


def places(parts: tuple[Again, ...]) -> list[tuple[str, int, int]]:
    """Which generations are ordered again, and as which items of which steps."""
    return [(each.step.generation, each.number, each.item) for each in parts]


def test_what_failed_is_ordered_again_with_all_that_comes_after_it() -> None:
    """It is given what the step before has made; the one after it takes of the new one."""
    job = a_chain()
    second, third = chains.again(job, kept(job, DONE, FAILED, CANCELLED), 2)

    assert places((second, third)) == [(its_id(2), 1, 1), (its_id(3), 2, 1)]
    assert second.fixed == {"garment-1": f"media:outputs/{its_id(1)}"}
    assert (second.sources, third.fixed) == ({}, {})
    [source] = third.sources.values()
    assert (source.step, source.generation) == (1, its_id(2))


def test_what_is_done_is_made_again_as_a_whole() -> None:
    """With what took of it, though that has completed as well."""
    job = a_chain()
    parts = chains.again(job, kept(job, DONE, DONE, DONE), 2)
    assert [each.step.generation for each in parts] == [its_id(2), its_id(3)]


def test_of_several_items_only_those_that_lack_are_made_again() -> None:
    """And they count from 1; a fan-in is given what the others have made."""
    job = a_chain(3, 1)
    item, joined = chains.again(job, kept(job, DONE, FAILED, DONE, CANCELLED), 1)
    assert places((item, joined)) == [(its_id(1, 2), 1, 1), (its_id(2), 2, 1)]
    assert joined.fixed == {
        f"garment-{other}": f"media:outputs/{its_id(1, other)}" for other in (1, 3)
    }
    assert [each.generation for each in joined.sources.values()] == [its_id(1, 2)]


def test_what_was_given_to_a_step_that_was_ordered_again_stays_given() -> None:
    """That job does not know of any step that made it."""
    job = a_chain(1, 1)
    first, second = job.steps
    job = job.change(steps=(first.change(fixed={"image": "media:outputs/before"}), second))
    parts = chains.again(job, kept(job, FAILED, CANCELLED), 1)
    assert parts[0].fixed == {"image": "media:outputs/before"}


def test_what_is_later_and_stands_alone_is_made_as_well() -> None:
    """It was never begun, or has failed too; what has completed stays."""
    job = a_chain(1, 1, 1)
    one, two, three = job.steps
    apart = job.change(steps=(one, two, three.change(sources={})))
    assert places(chains.again(apart, kept(job, FAILED, CANCELLED, CANCELLED), 1)) == [
        (its_id(1), 1, 1),
        (its_id(2), 2, 1),
        (its_id(3), 3, 1),
    ]
    again = chains.again(apart, kept(job, FAILED, CANCELLED, DONE), 1)
    assert [each.step.generation for each in again] == [its_id(1), its_id(2)]


def test_a_step_that_there_is_not_is_refused() -> None:
    """As is one that needs what is no longer there."""
    job = a_chain()
    with pytest.raises(ChainRefusedError, match="there is no step 4"):
        chains.again(job, kept(job, DONE, DONE, FAILED), 4)
    expired = kept(job, DONE, DONE, FAILED, key=None, not_kept="expired")
    with pytest.raises(ChainRefusedError, match="what step 2 made is no longer there"):
        chains.again(job, expired, 3)
