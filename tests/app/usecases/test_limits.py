"""app.usecases.limits: who has ordered enough for now waits."""

from datetime import datetime, timedelta

import pytest

from app.errors import ConflictError, LimitReachedError
from app.usecases.limits import Limits
from processors.limits import Bounds, Past
from schemas.base import UserId
from schemas.quota import Quota
from schemas.user import Role
from tests.builders import NOON, USER, a_user, later
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio


class FakeRecent:
    """What Ada has ordered."""

    def __init__(self, past: Past = Past()) -> None:  # noqa: B008 - it never changes
        self.known = past
        self.asked = list[tuple[UserId, Bounds, datetime]]()
        self.turns = 0
        """How often the turn was asked for before the orders."""

    async def past(self, user: UserId, bounds: Bounds, now: datetime) -> Past:
        """Return everything."""
        self.asked.append((user, bounds, now))
        return self.known

    async def turn(self, user: UserId) -> int:
        """Return that she has ordered four times."""
        self.turns += not self.asked
        assert user == USER
        return 4


def limits(recent: FakeRecent, usual: int | None = 2) -> Limits:
    """Two at once and a minute, and any number a day."""
    two = Quota(usual=usual, by_role={"member": 3})
    return Limits(recent, FakeClock(), at_once=two, per_minute=two, per_day=Quota(usual=None))


async def test_orders_pass_below_the_limits() -> None:
    """Their turn is read first, then as much as their bounds ask for."""
    recent = FakeRecent(Past(open=1))
    turn = await limits(recent)(a_user())

    assert (turn, recent.turns) == (5, 1)
    assert recent.asked == [(USER, Bounds(2, 2, None), NOON)]


async def test_case_55_one_more_than_allowed_is_refused() -> None:
    """With which limit it is, how much that is, and when there is room."""
    recent = FakeRecent(Past(open=1, minute=later(-20)))
    with pytest.raises(LimitReachedError, match="2 per minute are allowed") as caught:
        await limits(recent)(a_user())

    assert (caught.value.limit, caught.value.most) == ("per_minute", 2)
    assert caught.value.retry_after == timedelta(seconds=40)
    recent.known = Past(open=2)
    await limits(recent)(a_user(roles=(Role("member"),)))
    assert recent.asked[-1] == (USER, Bounds(3, 3, None), NOON)


async def test_who_has_no_limits_is_not_looked_up() -> None:
    """Administrators, or everybody."""
    recent = FakeRecent(Past(9, NOON, NOON))
    turns = await limits(recent)(a_user(roles=(Role.ADMIN,))), await limits(recent, None)(a_user())

    assert (turns, recent.asked) == ((None, None), [])


@pytest.mark.parametrize("field", ["forget_wanted_at", "forgotten_at"])
async def test_who_is_forgotten_orders_nothing(field: str) -> None:
    """Not even an administrator."""
    with pytest.raises(ConflictError):
        await limits(FakeRecent())(a_user(roles=(Role.ADMIN,)).change(**{field: NOON}))
