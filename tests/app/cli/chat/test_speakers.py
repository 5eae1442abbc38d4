"""app.cli.chat.speakers: several people at one keyboard."""

import pytest

from app.cli.chat.lines import Speak, number_of
from app.cli.chat.speakers import Speaker, Speakers


@pytest.fixture
def speakers() -> Speakers:
    """Return somebody alone with the bot."""
    return Speakers(Speaker(id=7, name="Ada", language="ru"), group=None)


def test_somebody_else_may_speak(speakers: Speakers) -> None:
    """Of whom only the name is known gets a number, and the language of who spoke before."""
    speakers.turn(Speak(name="Bea", id=None, language=None))
    assert (speakers.now.id, speakers.now.language) == (number_of("Bea"), "ru")
    speakers.turn(Speak(name="Cleo", id=9, language="pt"))

    assert speakers.act("write", text="hi") == {
        "act": "write",
        "user": {"id": 9, "first_name": "Cleo", "language_code": "pt"},
        "chat_id": 9,
        "text": "hi",
    }


def test_who_spoke_before_is_remembered(speakers: Speakers) -> None:
    """By name or by number, and renamed if told so."""
    speakers.turn(Speak(name="Bea", id=8, language="pt"))
    speakers.turn(Speak(name="Ada", id=None, language=None))
    assert (speakers.now.id, speakers.now.language) == (7, "ru")
    speakers.turn(Speak(name="Beatriz", id=8, language=None))

    assert (speakers.now.id, speakers.now.language) == (8, "pt")
    assert [speakers.named(each) for each in (7, 8, 9)] == ["Ada", "Beatriz", "9"]
    assert [speakers.typed_by(each) for each in (7, 8, 9)] == [True, True, False]
    assert [speakers.hears(each) for each in (7, 8, 9)] == [True, True, False]


def test_a_group_is_one_chat() -> None:
    """Whoever speaks."""
    speakers = Speakers(Speaker(id=7, name="Ada", language=None), group=-5)
    speakers.turn(Speak(name="Bea", id=8, language=None))

    assert speakers.act("sticker")["chat_id"] == speakers.chat == -5
    assert speakers.hears(-5)
    assert not speakers.hears(7)
