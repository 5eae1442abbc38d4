"""app.cli.chat.screen: what the chat looks like, in a terminal and in a pipe."""

import io

import pytest
from rich.console import Console

from app.cli.chat.phone import Json
from app.cli.chat.screen import Screen


def a_screen(*, terminal: bool, width: int = 40) -> tuple[Screen, io.StringIO]:
    """Return a screen, and what is on it."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=width, color_system=None)
    return Screen(console, lambda file_id: f"http://x/{file_id}"), out


def a_message(text: str, number: int = 1, **more: object) -> Json:
    """Return a message as the sandbox tells it."""
    blank: Json = {"media": [], "entities": [], "invoice": None, "service": {}, "buttons": []}
    told = {"message_id": number, "chat_id": 7, "from": "bot", "kind": "text", "text": text}
    return blank | told | more


def test_a_message_has_its_lines() -> None:
    """The first with who said it, the buttons numbered and row by row at the end."""
    screen, out = a_screen(terminal=False)
    buttons = [
        {"text": "Again", "callback_data": "a:1", "row": 0, "column": 0},
        {"text": "Original", "callback_data": "o:1", "row": 0, "column": 1},
        {"text": "Info", "callback_data": "i:1", "row": 1, "column": 0},
    ]
    link = {"type": "text_link", "offset": 0, "length": 4, "url": "https://a.example"}
    screen.message(a_message("Done\nin 3 s", buttons=buttons, entities=[link]), "bot")

    assert out.getvalue().splitlines() == [
        "bot   Done",
        "      in 3 s",
        "      -> https://a.example",
        "      [1] Again   [2] Original",
        "      [3] Info",
    ]


def test_a_picture_has_its_name_size_and_link() -> None:
    """Its caption stands below."""
    screen, out = a_screen(terminal=False, width=400)
    media = {"kind": "photo", "filename": "sea.png", "size": 14_000, "file_id": "f1"}
    screen.message(a_message("", kind="photo", caption="the sea", media=[media]), "bot")

    assert out.getvalue().splitlines() == [
        "bot   [photo] sea.png, 14 KiB  http://x/f1",
        "      the sea",
    ]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            {"invoice": {"title": "500", "description": "credits", "total_amount": 50}},
            "bot   [invoice] 500: 50 Stars",
        ),
        ({"service": {"successful_payment": {"total_amount": 50}}}, "bot   (50 Stars paid)"),
        ({"service": {"refunded_payment": {"total_amount": 50}}}, "bot   (50 Stars came back)"),
        ({"kind": "service", "service": {"migrate_to_chat_id": -1}}, "bot   (service)"),
    ],
)
def test_other_messages_have_a_line(more: Json, line: str) -> None:
    """Nothing is shown as nothing."""
    screen, out = a_screen(terminal=False)
    screen.message(a_message("", **more), "bot")

    assert out.getvalue().splitlines()[0] == line


def test_a_change_is_shown_again_in_a_pipe() -> None:
    """Marked, so that it is told from a new message; what is typed stands between."""
    screen, out = a_screen(terminal=False)
    screen.message(a_message("0 %"), "bot")
    screen.typed("Ada", "hello")
    screen.edit(a_message("50 %"), "bot")
    screen.note("-", "\x1b[2Jgone")

    assert out.getvalue().splitlines() == [
        "bot   0 %",
        "Ada   hello",
        "~ bot   50 %",
        "-      [2Jgone",
    ]


def test_a_change_is_made_in_place_on_a_terminal() -> None:
    """As long as nothing else has come; lines that the terminal folds are counted."""
    screen, out = a_screen(terminal=True)
    screen.message(a_message("x" * 40 + "\n0 %"), "bot")
    screen.edit(a_message("50 %"), "bot")
    assert "\x1b[3F\x1b[J" in out.getvalue()

    screen.typed("Ada", "hello")
    out.truncate(0)
    screen.edit(a_message("100 %"), "bot")
    assert "\x1b[" not in out.getvalue()
    assert "hello" not in out.getvalue()
    screen.message(a_message("new", number=2), "bot")
    screen.edit(a_message("old"), "bot")
    assert "\x1b[" not in out.getvalue()
