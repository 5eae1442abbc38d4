"""Presets out of a YAML file: all of them, or everything that is wrong, each by its line."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import JsonValue, ValidationError
from pydantic_core import to_json

from app.cli.preset_workflows import Drawn, Workflows
from app.cli.yaml_file import Place, Tree, inside
from app.errors import SetupError
from app.usecases.load_presets import Misfit
from processors.presets import checking
from schemas.preset import Definition

FILE_MOST: Final = 1_048_576
"""Bytes that a file may have."""
PRESETS_MOST: Final = 500


class Written(NamedTuple):
    """What a file says.

    Attributes:
        presets: The presets in it.
        workflows: What those of them run that run workflows, by digest.
        tree: The file, which knows where each thing stands in it.
    """

    presets: tuple[Definition, ...]
    workflows: Mapping[str, Drawn]
    tree: Tree

    def refuse(self, misfits: Sequence[Misfit]) -> None:
        """Refuse what is wrong with presets that are made of others, each thing by its line.

        Raises:
            SetupError: There is something.
        """
        places = {each.name: index for index, each in enumerate(self.presets)}
        elsewhere = list[str]()
        for name, problem in misfits:
            if name in places:
                self.tree.wrong(("presets", places[name], *problem.path), problem.said)
            else:
                where = ".".join(map(str, problem.path))
                elsewhere.append(f"{name}, which is stored, would not do: {where}: {problem.said}")
        if self.tree.problems or elsewhere:
            raise SetupError([*self.tree.problems, *elsewhere])


def read(path: Path) -> Written:
    """Return the presets in a file, with their workflows.

    Raises:
        SetupError: The file cannot be read, or something in it is wrong: each thing in a
            sentence that begins with the file and the line.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_MOST + 1)
        if len(raw) > FILE_MOST:
            raise SetupError([f"{path}: is larger than {FILE_MOST} bytes"])
        return parse(raw.decode("utf-8-sig"), str(path), path.parent)
    except OSError as error:
        raise SetupError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise SetupError([f"{path}: is not UTF-8"]) from None


def parse(text: str, name: str, folder: Path) -> Written:
    """Return the presets in the text of a file called `name`, with their workflows.

    Args:
        text: What the file says.
        name: What it is called.
        folder: Where it lies: workflows' files are in it, or below.

    Raises:
        SetupError: As for `read`.
    """
    tree = Tree(text, name)
    workflows = Workflows(folder, tree)
    found = tuple(_definitions(tree, workflows))
    if tree.problems:
        raise SetupError(tree.problems)
    return Written(found, workflows.drawn, tree)


def _definitions(tree: Tree, workflows: Workflows) -> Iterator[Definition]:
    """Yield the presets that are well formed; have the tree note what is wrong."""
    names = set[str]()
    for index, written in enumerate(_listed(tree)):
        place: Place = ("presets", index)
        try:
            named = workflows.named(written, place)
            definition = Definition.model_validate_json(to_json(named))
        except ValidationError as error:
            for each in error.errors(include_url=False, include_input=False):
                path = _path(written, each["loc"], missing=each["type"] == "missing")
                tree.wrong((*place, *path), each["msg"])
            continue
        for problem in checking.problems(definition):
            tree.wrong((*place, *problem.path), problem.said)
        workflows.check(definition, place)
        if definition.name in names:
            tree.wrong((*place, "name"), "another preset has this name")
        names.add(definition.name)
        yield definition


def _listed(tree: Tree) -> list[JsonValue]:
    """Return the list of presets, empty where there is none."""
    whole = tree.value
    if not isinstance(whole, dict) or whole.keys() != {"presets"}:
        if not tree.problems:
            tree.wrong((), "holds one name and no other: presets, a list")
        return []
    presets = whole["presets"]
    if not isinstance(presets, list) or not 0 < len(presets) <= PRESETS_MOST:
        tree.wrong(("presets",), f"is a list of 1 to {PRESETS_MOST} presets")
        return []
    return presets


def _path(written: JsonValue, told: Sequence[str | int], *, missing: bool) -> Place:
    """Return a place as its author wrote it: pydantic tells the variants of unions among them."""
    path = list[str | int]()
    for index, part in enumerate(told):
        named = "name" if part == "_id" else part
        inner = inside(written, named)
        if inner is not None or (isinstance(written, dict) and named in written):
            written = inner
            path.append(named)
        elif missing and index == len(told) - 1:
            path.append(named)
    return tuple(path)
