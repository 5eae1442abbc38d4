"""app.cli.chat.lines: what a line means."""

from pathlib import Path

import pytest

from app.cli.chat import lines
from app.cli.chat.lines import Line, MeaninglessError, meaning

SEA = Path("sea.png")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/start", lines.Write(text="/start")),
        ("  a lighthouse at dusk ", lines.Write(text="a lighthouse at dusk")),
        ("2", lines.Tap(place=2)),
        ("#2", lines.Tap(place=2)),
        ("#4", lines.Tap(place=4)),
        ("4", lines.Write(text="4")),
        ("0", lines.Write(text="0")),
        ("#", lines.Write(text="#")),
        ("# Again", lines.Tap(text="Again")),
        ("\\2", lines.Write(text="2")),
        ("\\", lines.Write(text="\\")),
        ("@photo sea.png", lines.Send(path=SEA, caption="", photo=True)),
        ("@photo sea.png make it  blue", lines.Send(path=SEA, caption="make it  blue", photo=True)),
        (
            "@file 'the sea.png' see",
            lines.Send(path=Path("the sea.png"), caption="see", photo=False),
        ),
        ("@sticker", lines.Plain(name="sticker")),
        ("@block", lines.Plain(name="block")),
        ("@block me", lines.Write(text="@block me")),
        ("@pay", lines.Pay(link=None)),
        ("@pay https://t.me/$x", lines.Pay(link="https://t.me/$x")),
        ("@as Bea", lines.Speak(name="Bea", id=None, language=None)),
        ("@as Bea pt", lines.Speak(name="Bea", id=None, language="pt")),
        ("@as Bea 8 ru", lines.Speak(name="Bea", id=8, language="ru")),
        ("@wait", lines.Wait(words="")),
        ("@wait all done", lines.Wait(words="all done")),
        ("@sandbox_bot hello", lines.Write(text="@sandbox_bot hello")),
        ("@ada hello", lines.Write(text="@ada hello")),
        (" ", None),
    ],
)
def test_a_line_has_a_meaning(typed: str, meant: Line | None) -> None:
    """A bare number is a tap while there is such a button; anything unknown is a message."""
    assert meaning(typed, buttons=3) == meant


@pytest.mark.parametrize("typed", ["@photo", "@file 'sea.png", "@as", "@as B 8 ru x", "@as B 0"])
def test_what_makes_no_sense_is_said(typed: str) -> None:
    """It is no message to the bot either."""
    with pytest.raises(MeaninglessError):
        meaning(typed, buttons=0)


def test_a_name_has_a_number() -> None:
    """Always the same, whatever its letters' size, and another for another name."""
    assert lines.number_of("Bea") == lines.number_of("bea") > 0
    assert lines.number_of("Bea") != lines.number_of("Cleo")


def test_every_word_is_in_the_help() -> None:
    """Whatever a line can mean is listed."""
    for word in ("photo", "file", "sticker", "pay", "as", "wait", "block", "unblock", "help"):
        assert f"@{word}" in lines.HELP
