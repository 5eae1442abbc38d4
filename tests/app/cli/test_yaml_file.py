"""app.cli.yaml_file: what a file says, and where."""

import pytest
from pydantic import JsonValue

from app.cli.yaml_file import DEPTH_MOST, Tree, inside


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("[a, 'a', \"a\"]", ["a", "a", "a"]),
        (
            "[no, on, yes, n, 1_000, 12:30, 0x1f, 1e]",
            ["no", "on", "yes", "n", "1_000", "12:30", "0x1f", "1e"],
        ),
        ("[true, False, 'true']", [True, False, "true"]),
        ("[1, -2, +3, 007, '4']", [1, -2, 3, 7, "4"]),
        ("[1.5, .5, 2., 1e3, -1E-2]", [1.5, 0.5, 2.0, 1000.0, -0.01]),
        ("a: {b: [1], c: }", {"a": {"b": [1], "c": None}}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("a: 👩‍🎨 \u200fx", {"a": "👩‍🎨 \u200fx"}),
        ("<<: 1", {"<<": 1}),
    ],
)
def test_what_is_read(text: str, value: JsonValue) -> None:
    """As YAML's core schema reads it: a country's `no` is a text."""
    tree = Tree(text, "file")

    assert (tree.value, tree.problems) == (value, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "file:1:6: expected ',' or ']'"),
        ("a: 1\n\tb: 2", "file:2:1: found character"),
        ("a: *b", "file:1:4: anchors and aliases are not read here"),
        ("a: &b 1", "file:1:4: anchors and aliases are not read here"),
        ("a: !!python/object:os.system x", "file:1:4: tags are not read here"),
        ("a: !!str 1", "file:1:4: tags are not read here"),
        ("[" * 100, f"file:1:{DEPTH_MOST + 1}: is nested more than"),
        ('a: "\\ud83d"', "file:1:4: holds half a character"),
        ('"\\udc00": 1', "file:1:1: holds half a character"),
        ('"\\e[31m": .nan', "file:1:1: "),
        ("--- 1\n--- 2", "file:2:1: but found another document"),
        ("a: \x00", "file:1:1: is not YAML: unacceptable character"),
        ("? [a]\n: b", "file:1:3: a name is a text"),
        ("x:\n  a: 1\n  a: 2", "file:3:3: x: a stands here already, in line 2"),
        ("- name: n\n  x: .nan", "file:2:3: n.x: .nan is no number that can be kept"),
        ("a: -.inf", "file:1:1: a: -.inf is no number"),
        ("a: 9223372036854775808", "file:1:1: a: 9223372036854775808 is no number"),
        (f"a: {'9' * 10_000}", "file:1:1: a: 999"),
        ("a: 1e999", "file:1:1: a: 1e999 is no number"),
    ],
)
def test_what_is_not_read(text: str, said: str) -> None:
    """By the line and column, and by the place where there is one."""
    (problem,) = Tree(text, "file").problems

    assert problem.startswith(said)
    assert "\x1b" not in problem


def test_whatever_is_wrong_is_told_by_line() -> None:
    """What is wrong later may be found first; at one place all of it is told, each once."""
    tree = Tree("a: 1\nb:\n  - name: x\n    c: .inf\n", "file")
    tree.wrong(("b", 0, "c"), "is not told: it is not even a number")
    tree.wrong(("b", 0, "missing"), "is missing")
    tree.wrong(("a",), "one")
    tree.wrong(("a",), "two")
    tree.wrong(("a",), "one")
    tree.wrong(("b", 7), "there is none")

    assert [each.split(": ", 1)[0] for each in tree.problems] == [
        "file:1:1",
        "file:1:1",
        "file:2:1",
        "file:3:5",
        "file:4:5",
    ]
    assert tree.problems[3] == "file:3:5: b.x.missing: is missing"
    assert tree.problems[2] == "file:2:1: b[7]: there is none"


def test_a_part_of_what_has_no_parts_is_nothing() -> None:
    """Nor is one that is not there."""
    assert inside({"a": 1}, "a") == 1
    assert inside([1], 0) == 1
    assert [inside(1, 0), inside([1], 1), inside([1], "a"), inside({"a": 1}, 0)] == [None] * 4
