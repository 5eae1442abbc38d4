"""The language of an update's handlers."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from aiogram import Bot, Dispatcher, Router
from aiogram.types import Chat, Message, Update
from aiogram.types import User as Sender
from aiogram.utils.i18n import gettext as _
from aiogram.utils.i18n import ngettext

from app.telegram import catalogues
from app.telegram.languages import SpokenLanguage
from processors.notifications.texts import Language, Voice
from schemas.base import UserId
from schemas.user import User
from tests.app.telegram.conftest import TOKEN
from tests.fakes.users import FakeUsers

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Heard(NamedTuple):
    """What a handler would have said."""

    spoken: str
    counted: str
    voice: Voice


async def handled(users: FakeUsers, *, speaks: str | None, sender: bool = True) -> Heard:
    """Have a message handled by a real dispatcher."""
    heard = list[Heard]()

    async def handler(message: Message, voice: Voice, **_rest: Any) -> None:  # noqa: ANN401
        del message
        counted = ngettext("{amount} credit", "{amount} credits", 5)
        heard.append(Heard(_("Done"), counted, voice))

    router, dispatcher = Router(), Dispatcher()
    router.message.register(handler)
    router.channel_post.register(handler)
    dispatcher.include_router(router)
    SpokenLanguage(catalogues.load(), users).setup(dispatcher)
    person = Sender(id=7, is_bot=False, first_name="Ann", language_code=speaks)
    message = Message(
        message_id=1,
        date=NOON,
        chat=Chat(id=7, type="private" if sender else "channel"),
        from_user=person if sender else None,
        text="hello",
    )
    update = (
        Update(update_id=1, message=message)
        if sender
        else Update(update_id=1, channel_post=message)
    )
    await dispatcher.feed_update(Bot(TOKEN), update)
    return heard[0]


async def people(language: str | None) -> FakeUsers:
    """Return somebody who is known, with the language they chose."""
    users = FakeUsers()
    await users.insert(
        User(
            id=UserId("0" * 32),
            telegram_id=7,
            language=language,
            created_at=NOON,
            updated_at=NOON,
        )
    )
    return users


@pytest.mark.parametrize(
    ("chosen", "speaks", "language", "said", "counted"),
    [
        ("pt-BR", "ru", Language.PORTUGUESE, "Pronto", "{amount} créditos"),
        (None, "ru", Language.RUSSIAN, "Готово", "{amount} кредитов"),
        (None, "pt-br", Language.PORTUGUESE, "Pronto", "{amount} créditos"),
        ("ru", "de", Language.RUSSIAN, "Готово", "{amount} кредитов"),
        ("en", "ru", Language.ENGLISH, "Done", "{amount} credits"),
        (None, "de", Language.ENGLISH, "Done", "{amount} credits"),
        (None, None, Language.ENGLISH, "Done", "{amount} credits"),
    ],
)
async def test_the_language_that_was_chosen_comes_first(
    chosen: str | None, speaks: str | None, language: Language, said: str, counted: str
) -> None:
    """Then Telegram's, then English; aiogram's words and the voice are of the same language."""
    heard = await handled(await people(chosen), speaks=speaks)

    assert (heard.spoken, heard.counted) == (said, counted)
    assert heard.voice.language is language
    assert heard.voice.say("Done") == said


async def test_who_is_not_known_yet_is_spoken_to_as_telegram_does() -> None:
    """Before they are registered."""
    assert (await handled(FakeUsers(), speaks="ru")).spoken == "Готово"


async def test_what_nobody_in_particular_has_sent_is_english() -> None:
    """A channel's post has no sender."""
    assert (await handled(FakeUsers(), speaks=None, sender=False)).spoken == "Done"
