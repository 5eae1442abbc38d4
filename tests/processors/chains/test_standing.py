"""processors.chains.standing: step 2 of 3."""

from processors import chains
from processors.chains import Standing
from schemas.run import RunStatus
from tests.builders import a_chain, its_generations


def test_the_first_step_that_is_not_at_its_end_is_where_it_stands() -> None:
    """The last where all are; counted with those of the job that it goes on from."""
    job = a_chain(1, 2, 1)
    begun = its_generations(job, RunStatus.COMPLETED, RunStatus.COMPLETED, RunStatus.RUNNING)
    over = its_generations(job, *[RunStatus.COMPLETED] * 4)

    assert chains.standing(job, begun) == Standing(2, 3)
    assert chains.standing(job, over) == Standing(3, 3)
    assert chains.standing(job, {}) == Standing(1, 3)
    assert chains.standing(job.change(first=3), begun) == Standing(4, 5)
