"""app.telegram.conversation.heard: commands, however they are written."""

import pytest

from app.telegram.conversation.heard import Command, command_in


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/start", Command("start", "", "")),
        ("/T2I  a sea\n at dusk ", Command("t2i", "", "a sea\n at dusk")),
        ("/t2i@Relay_Bot a sea", Command("t2i", "relay_bot", "a sea")),
        ("/t2i\na sea", Command("t2i", "", "a sea")),
        ("/t2i-x", None),
        ("/", None),
        ("a /t2i", None),
        ("", None),
        ("/" + "a" * 33, None),
    ],
)
def test_a_command_begins_a_text(text: str, command: Command | None) -> None:
    """Its name counts in any case, the bot's as well; the rest stays as it is."""
    assert command_in(text) == command
