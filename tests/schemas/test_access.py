"""schemas.access: what somebody may do, and which records they see."""

import pytest

from schemas.access import EVERYTHING, NOBODY, KeyScope, Sight
from schemas.base import GenerationId, UserId
from schemas.job import JobId

ADA, JOB, ONE = UserId("a" * 32), JobId("b" * 32), GenerationId("c" * 32)


def test_a_scope_includes_those_before_it() -> None:
    """Who may order may see, and who may only see may not order."""
    assert KeyScope.ADMIN.includes(KeyScope.ACT)
    assert KeyScope.ACT.includes(KeyScope.ACT)
    assert not KeyScope.READ.includes(KeyScope.ACT)


@pytest.mark.parametrize(
    ("sight", "user", "job", "generation", "seen"),
    [
        (EVERYTHING, None, None, None, True),
        (NOBODY, ADA, JOB, ONE, True),
        (Sight(name="t", user=ADA), ADA, JOB, ONE, True),
        (Sight(name="t", user=ADA), "other", JOB, ONE, False),
        (Sight(name="t", user=ADA), None, JOB, ONE, False),
        (Sight(name="t", job=JOB), ADA, JOB, ONE, True),
        (Sight(name="t", job=JOB), ADA, None, ONE, False),
        (Sight(name="t", generation=ONE), ADA, JOB, ONE, True),
        (Sight(name="t", generation=ONE), ADA, JOB, None, False),
        (Sight(name="t", user=ADA, job=JOB), "other", JOB, ONE, False),
    ],
)
def test_a_record_is_seen_by_all_that_it_is_of(
    sight: Sight, user: str | None, job: str | None, generation: str | None, seen: object
) -> None:
    """One thing that does not fit hides it, and so does what a record does not have."""
    assert sight.sees(user=user, job=job, generation=generation) is seen
