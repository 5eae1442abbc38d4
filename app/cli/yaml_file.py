"""What a YAML file says, and where in it each part stands.

YAML as its core schema (1.2) reads it: `no` and `on` are texts, only `true` and `false` are not.
Anchors, aliases and tags are not read: they make ten lines out of one, or programs out of text.
"""

import math
import re
from typing import Any, Final, TypeAlias, cast

import yaml
from pydantic import JsonValue
from yaml.nodes import Node, ScalarNode, SequenceNode

from app.observability.terminal import printable
from schemas.inputs import INTEGER_MOST

DEPTH_MOST: Final = 32

Place: TypeAlias = tuple[str | int, ...]
"""The names and numbers that lead to a part."""

_DIGITS_MOST: Final = 20
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_NUMBERS: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_HALVES: Final = re.compile("[\ud800-\udfff]")
"""What an escape such as ``"\\ud83d"`` makes: no text that can be written anywhere."""
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Tree:
    """What a text says, and what is wrong with it.

    Args:
        text: The text.
        name: What the file is called.

    Attributes:
        value: What it says, as JSON could; what is no YAML says nothing.
    """

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._marks = dict[Place, tuple[int, int]]()
        self._wrong = dict[tuple[int, int], dict[str, None]]()
        self._early = list[tuple[tuple[int, int], Place, str]]()
        self.value: JsonValue = None
        try:
            node = yaml.compose(text, Loader=_Loader)
            if node is not None:
                self.value = self._value(node, ())
        except yaml.MarkedYAMLError as error:
            self._say(_at(error.problem_mark), "", error.problem or "is not YAML")
        except yaml.YAMLError as error:
            self._say((1, 1), "", f"is not YAML: {str(error).partition(chr(10))[0]}")
        # Said once everything is read, since a part's name may stand below it.
        for at, place, said in self._early:
            self._say(at, self.named(place), said)
        self._odd = frozenset(self._wrong)

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong, by line, each in a sentence that begins with the file."""
        return tuple(said for at in sorted(self._wrong) for said in self._wrong[at])

    def wrong(self, place: Place, said: str) -> None:
        """Note what is wrong at a place, by the nearest line there is.

        What is not even YAML that we read is wrong enough: nothing more is said of it.
        """
        at = self._near(place)
        if at not in self._odd:
            self._say(at, self.named(place), said)

    def sentence(self, place: Place, said: str) -> str:
        """Return a sentence about a place, beginning with the file and the nearest line."""
        return self._sentence(self._near(place), self.named(place), said)

    def named(self, place: Place) -> str:
        """Write a place for people: parts of lists by their names, where they have one."""
        words = list[str]()
        value = self.value
        for part in place:
            value = inside(value, part)
            name = value.get("name") if isinstance(value, dict) else None
            called = name if isinstance(name, str) and isinstance(part, int) else part
            words.append(f"[{called}]" if isinstance(called, int) else f".{called}")
        return "".join(words).removeprefix(".")

    def _say(self, at: tuple[int, int], where: str, said: str) -> None:
        self._wrong.setdefault(at, {})[self._sentence(at, where, said)] = None

    def _sentence(self, at: tuple[int, int], where: str, said: str) -> str:
        line, column = at
        named = f"{where}: " if where else ""
        return printable(f"{self._name}:{line}:{column}: {named}{said}")

    def _near(self, place: Place) -> tuple[int, int]:
        """Return where a place stands, or else the nearest that leads to it."""
        near = place
        while near not in self._marks and near:
            near = near[:-1]
        return self._marks.get(near, (1, 1))

    def _value(self, node: Node, place: Place) -> JsonValue:
        """Return what a part says, and note where it and its parts stand."""
        self._marks.setdefault(place, _mark(node))
        match node:
            case ScalarNode():
                return self._scalar(node, place)
            case SequenceNode():
                parts: list[Node] = node.value
                return [self._value(part, (*place, i)) for i, part in enumerate(parts)]
            case _:
                return self._mapping(node, place)

    def _mapping(self, node: Node, place: Place) -> JsonValue:
        fields = dict[str, JsonValue]()
        pairs: list[tuple[Node, Node]] = node.value
        for key, part in pairs:
            name: str = key.value
            if not isinstance(key, ScalarNode):
                self._early.append((_mark(key), place, "a name is a text"))
            elif name in fields:
                line = self._marks[*place, name][0]
                said = f"{name} stands here already, in line {line}"
                self._early.append((_mark(key), place, said))
            else:
                self._marks[*place, name] = _mark(key)
                fields[name] = self._value(part, (*place, name))
        return fields

    def _scalar(self, node: ScalarNode, place: Place) -> JsonValue:
        text: str = node.value
        if node.style is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        number = _number(text)
        if number is None:
            return text
        if not math.isfinite(number):
            said = f"{text} is no number that can be kept; in quotes it is a text"
            self._early.append((self._marks[place], place, said))
            return text
        return number


def inside(value: JsonValue, part: str | int) -> JsonValue:
    """Return a part of a value, None where there is no such part."""
    if isinstance(value, dict) and isinstance(part, str):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


class _Loader(yaml.BaseLoader):
    """Reads what one text says, and nothing of what YAML can do besides."""

    _depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        # An event: Any, since the stubs leave it open.
        event = cast("Any", self.peek_event())  # pyright: ignore[reportUnknownMemberType] - as above
        if event.anchor is not None:
            raise _refused("anchors and aliases are not read here; write it out", event)
        if event.tag is not None:
            raise _refused("tags are not read here", event)
        if isinstance(event, yaml.ScalarEvent) and _HALVES.search(event.value):
            raise _refused("holds half a character; write the whole one as it is", event)
        if self._depth >= DEPTH_MOST:
            raise _refused(f"is nested more than {DEPTH_MOST} levels deep", event)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _refused(said: str, event: Any) -> yaml.MarkedYAMLError:  # noqa: ANN401 - as above
    return yaml.MarkedYAMLError(problem=said, problem_mark=event.start_mark)


def _number(text: str) -> float | None:
    """Return a number, one that is not finite for what nobody can keep, None for a text."""
    if _INTEGER.fullmatch(text):
        if len(text) <= _DIGITS_MOST and abs(int(text)) <= INTEGER_MOST:
            return int(text)
        return math.inf
    if _NUMBER.fullmatch(text):
        return float(text)
    return math.nan if _NOT_NUMBERS.fullmatch(text) else None


def _mark(node: Node) -> tuple[int, int]:
    return _at(node.start_mark)


def _at(mark: Any) -> tuple[int, int]:  # noqa: ANN401 - two classes of marks, one of them in C
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
