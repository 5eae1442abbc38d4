"""The workflows that a file of presets names: each read once, and held against its presets."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from pydantic import JsonValue
from pydantic_core import to_json

from app.cli.yaml_file import Place, Tree
from processors.errors import RefusedWorkflowError, UnboundInputError
from processors.presets import checking
from processors.protocols import comfyui
from schemas.base import GenerationId
from schemas.preset import Definition, WorkflowTarget

FILE_MOST: Final = 1_048_576
"""Bytes that a workflow's file may have."""

_NONE: Final = "0" * 64
"""Stands for a workflow that is refused, so that the rest of its preset is looked at as well."""
_NOBODY: Final = GenerationId("0" * 32)
_ENGINE: Final = "comfyui"


class Drawn(NamedTuple):
    """A workflow as it is kept.

    Attributes:
        raw: Its canonical JSON.
        workflow: What that says.
        where: The place that names it, as sentences about it begin.
    """

    raw: bytes
    workflow: comfyui.Workflow
    where: str


class Workflows:
    """The workflows of one file.

    Args:
        folder: Where the file lies: workflows' files are in it, or below.
        tree: The file, which is told what is wrong.

    Attributes:
        drawn: Those that are good, by their digests.
    """

    def __init__(self, folder: Path, tree: Tree) -> None:
        self._folder = folder
        self._tree = tree
        self.drawn = dict[str, Drawn]()
        self._files = dict[str, str]()

    def named(self, written: JsonValue, place: Place) -> JsonValue:
        """Return a preset with its workflow's digest in place of the workflow."""
        target = written.get("target") if isinstance(written, dict) else None
        if not isinstance(written, dict) or not isinstance(target, dict):
            return written
        if target.get("engine") != _ENGINE or "workflow" not in target:
            return written
        digest = self._digest(target["workflow"], (*place, "target", "workflow"))
        return {**written, "target": {**target, "workflow": digest}}

    def check(self, preset: Definition, place: Place) -> None:
        """Have the tree note which inputs and constants lead to no field of the workflow."""
        target = preset.target
        drawn = self.drawn.get(target.workflow) if isinstance(target, WorkflowTarget) else None
        if drawn is None:
            return
        for path, key, value in _given(preset):
            try:
                comfyui.bind(drawn.workflow, {key: value}, _NOBODY)
            except UnboundInputError as error:
                # Of what is no field's name that has been told already.
                if checking.is_field(key):
                    self._tree.wrong((*place, *path), f"leads to {key}: {error.fault}")

    def _digest(self, named: JsonValue, place: Place) -> str:
        """Return the digest of a workflow by its file's name, or of one that stands here."""
        if isinstance(named, str) and named in self._files:
            return self._files[named]
        try:
            raw = self._raw(named)
            digest, canonical = comfyui.stored(raw)
            workflow = comfyui.parse(canonical)
        except RefusedWorkflowError as error:
            source = f"{named}: " if isinstance(named, str) else ""
            self._tree.wrong(place, f"{source}{error}")
            return _NONE
        if isinstance(named, str):
            self._files[named] = digest
        where = self._tree.sentence(place, "")
        self.drawn.setdefault(digest, Drawn(canonical, workflow, where))
        return digest

    def _raw(self, named: JsonValue) -> bytes:
        """Return the JSON of a workflow.

        Raises:
            RefusedWorkflowError: It cannot be had.
        """
        if isinstance(named, dict):
            return to_json(named)
        if not isinstance(named, str):
            raise RefusedWorkflowError("", "is the name of a file, or the workflow itself")
        try:
            with self._path(named).open("rb") as file:
                return file.read(FILE_MOST + 1)
        except OSError as error:
            raise RefusedWorkflowError("", f"cannot be read: {error.strerror}") from None

    def _path(self, named: str) -> Path:
        """Return where a file is, if that is in the folder or below, whatever lies there."""
        pure = PurePosixPath(named)
        if not pure.parts or pure.is_absolute() or ".." in pure.parts or "\0" in named:
            fault = "is no file in the folder of this one, or below it"
            raise RefusedWorkflowError("", fault)
        path = self._folder
        for part in pure.parts:
            path /= part
            if path.is_symlink():
                raise RefusedWorkflowError("", "a link leads there, and links are not followed")
        if path.exists() and not path.is_file():
            raise RefusedWorkflowError("", "is no file")
        return path


def _given(preset: Definition) -> Iterator[tuple[Place, str, JsonValue]]:
    """Yield what a preset gives to its engine: where that stands, its key, and a value."""
    for index, each in enumerate(preset.inputs):
        yield ("inputs", index, "to"), each.key, ""
    for key, value in preset.constants.items():
        yield ("constants", key), key, value
