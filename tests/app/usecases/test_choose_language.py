"""app.usecases.choose_language: what people choose is kept."""

import pytest

from app.errors import ContendedError, NotFoundError
from app.usecases.choose_language import ChooseLanguage
from schemas.user import User
from tests.builders import NOON, a_user
from tests.fakes.clock import FakeClock
from tests.fakes.users import FakeUsers

pytestmark = pytest.mark.anyio


class Taken(FakeUsers):
    """People whose records somebody else always writes first."""

    async def write(self, before: User, after: User) -> bool:
        """Lose."""
        del before, after
        return False


async def test_a_language_is_kept() -> None:
    """The same once more changes nothing."""
    users = FakeUsers()
    await users.insert(a_user(telegram_id=7, language="en"))
    choose = ChooseLanguage(users, FakeClock(NOON))

    chosen = await choose(7, "ru")
    assert (chosen.language, chosen.version) == ("ru", 2)
    assert await choose(7, "ru") == chosen
    assert await users.by_telegram_id(7) == chosen


async def test_nobody_and_everybody_at_once() -> None:
    """A stranger has no language; a write that is always lost is given up."""
    users = Taken()
    await users.insert(a_user(telegram_id=7, language="en"))
    choose = ChooseLanguage(users, FakeClock(NOON))

    with pytest.raises(NotFoundError):
        await choose(8, "ru")
    with pytest.raises(ContendedError):
        await choose(7, "ru")
