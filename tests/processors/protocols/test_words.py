"""processors.protocols.words: what a person may be told of a server's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.protocols import words


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("\n\n  One  line \nand another", "One line"),
        ("", ""),
        (" \n ", ""),
        ("a\x1b[31mred", "a[31mred"),
        ("No such file: '/root/Comfy UI/models/x.pt'", "No such file: 'x.pt'"),
        ("at /root/ComfyUI/nodes.py, line 5", "at nodes.py, line 5"),
        ("in ~/.cache/huggingface/hub/", "in hub"),
        ("open(/etc/passwd)", "open(passwd)"),
        (r"C:\Users\joe\ComfyUI\x.pt is broken", "x.pt is broken"),
        (r"'C:\Program Files\ComfyUI\x.pt' is broken", "'x.pt' is broken"),
        (r"\\nas\share\x.pt is broken", "x.pt is broken"),
        ("see file:///root/x/y.json", "see y.json"),
        ("and/or 1/2 of sd/xl.pt", "and/or 1/2 of sd/xl.pt"),
        ("https://user:pass@host.example.com/a/b", "https://host.example.com/a/b"),
        ("redis://:secret@10.0.0.5:6379/0 refused", "redis://10.0.0.5:6379/0 refused"),
        ("GET https://x.example.com/a?token=5#b failed", "GET https://x.example.com/a failed"),
        ("http://[::1]:8188/prompt", "http://[::1]:8188/prompt"),
        ("ask joe@example.com", "ask joe@example.com"),
    ],
)
def test_a_line_keeps_what_helps(told: str, said: str) -> None:
    """Names of files stay, their folders go; so do credentials and queries of URLs."""
    assert words.line(told) == said


def test_a_line_has_its_length() -> None:
    """Where it was cut, it shows."""
    assert words.line("x" * 300) == "x" * 300
    assert words.line("x" * 301) == "x" * 299 + "…"


@pytest.mark.parametrize(("value", "said"), [("a\nb", "a"), (5, "5"), (None, "None"), ([1], "[1]")])
def test_any_value_can_be_quoted(value: object, said: str) -> None:
    """Texts stand for themselves."""
    assert words.quoted(value) == said


@given(st.text(st.characters() | st.sampled_from(" \t\n\x1b\u00a0")), st.integers(1, 20))
def test_plain_words_stay_plain(told: str, most: int) -> None:
    """Once they are, nothing more is taken from them."""
    said = words.plain(told, most)
    assert words.plain(said, most) == said


@given(st.text())
def test_any_text_makes_a_line(told: str) -> None:
    """It is printable and short."""
    said = words.line(told)
    assert len(said) <= words.LINE_KEPT
    assert said.isprintable()


@pytest.mark.parametrize("part", ["a://", "/a", "C:\\", "'/a/", "\\\\", "://@", "(", "~/"])
def test_a_long_text_is_read_once(part: str) -> None:
    """No pattern goes back and forth over what a node may have put there."""
    assert len(words.line(part * 1_000_000)) <= words.LINE_KEPT
