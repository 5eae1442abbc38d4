"""The workflows for n8n: a schema of what n8n exports, and a way to run what their nodes hold.

n8n publishes no schema; this one is what its export writes, and its import reads, in 2026, with the
versions of nodes that its sources then had. It is stricter than n8n: it knows only what we use, and
has no place for credentials or for the marks of the n8n that a workflow was made in.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER: Final = Path(__file__).parents[2] / "integrations" / "n8n"
FILES: Final = sorted(FOLDER.glob("*.json"))

VERSIONS: Final[dict[str, set[float]]] = {
    "code": {1, 2},
    "crypto": {1, 2},
    "httpRequest": {1, 2, 3, 4, 4.1, 4.2, 4.3, 4.4},
    "if": {1, 2, 2.1, 2.2, 2.3},
    "manualTrigger": {1},
    "postgres": {1, 2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6},
    "respondToWebhook": {1, 1.1, 1.2, 1.3, 1.4, 1.5},
    "set": {1, 2, 3, 3.1, 3.2, 3.3, 3.4},
    "splitOut": {1},
    "stickyNote": {1},
    "stopAndError": {1},
    "telegram": {1, 1.1, 1.2},
    "wait": {1, 1.1},
    "webhook": {1, 1.1, 2, 2.1},
}
"""The versions that there are of each type of node of `n8n-nodes-base`."""
CALLED: Final = {"webhook", "wait"}
"""Types that somebody calls at an address, which is kept under the node's `webhookId`."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Node(_Part):
    """One node as n8n exports it; `credentials` have no place here: their ids are of one n8n."""

    parameters: dict[str, Any]
    type: Annotated[str, Field(pattern=r"^n8n-nodes-base\.[a-zA-Z]+$")]
    type_version: Annotated[float, Field(alias="typeVersion", strict=False)]
    position: tuple[int, int]
    id: Annotated[UUID, Field(strict=False)]
    name: Annotated[str, Field(min_length=1, max_length=128)]
    webhook_id: Annotated[UUID | None, Field(alias="webhookId", strict=False)] = None
    retry_on_fail: Annotated[bool, Field(alias="retryOnFail")] = False
    on_error: Annotated[Literal["continueErrorOutput"] | None, Field(alias="onError")] = None
    """Whether a failure goes on by the node's second output, instead of ending the execution."""
    max_tries: Annotated[int, Field(alias="maxTries", ge=2, le=5)] = 3
    wait_between_tries: Annotated[int, Field(alias="waitBetweenTries", ge=0, le=5000)] = 1000

    @property
    def kind(self) -> str:
        """The type, without the package that it is of."""
        return self.type.removeprefix("n8n-nodes-base.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.type_version not in VERSIONS.get(self.kind, set()):
            raise ValueError(f"{self.name}: there is no {self.type} {self.type_version}")
        if self.kind in CALLED and self.webhook_id is None:
            raise ValueError(f"{self.name}: has no webhookId")
        return self


class Target(_Part):
    """Where an output of a node leads."""

    node: str
    type: Literal["main"]
    index: Annotated[int, Field(ge=0)]


class Outputs(_Part):
    """What is joined to each output of a node, in their order."""

    main: Annotated[tuple[tuple[Target, ...], ...], Field(strict=False)]


class Settings(_Part):
    """Of a workflow; the order of execution is the one that n8n has had since 1.0."""

    execution_order: Annotated[Literal["v1"], Field(alias="executionOrder")]


class Workflow(_Part):
    """A file that n8n imports. `id`, `versionId`, `meta.instanceId` are of one n8n: left out."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    nodes: Annotated[tuple[Node, ...], Field(min_length=1, strict=False)]
    pin_data: Annotated[dict[str, Any], Field(alias="pinData", max_length=0)]
    connections: dict[str, Outputs]
    active: Literal[False]
    settings: Settings
    tags: Annotated[tuple[str, ...], Field(max_length=0, strict=False)]

    def node(self, name: str) -> Node:
        """Return the node of this name."""
        return next(each for each in self.nodes if each.name == name)

    def led_to(self, name: str, *, without: tuple[str, int] | None = None) -> set[str]:
        """Return the nodes that can follow a node, directly or not.

        Args:
            name: Of the node.
            without: A node, and the number of its output that is not followed.
        """
        found, open_ = set[str](), [name]
        while open_:
            source = open_.pop()
            outputs = self.connections[source].main if source in self.connections else ()
            for number, targets in enumerate(outputs):
                names = {each.node for each in targets} - found
                if (source, number) != without:
                    found |= names
                    open_ += names
        return found

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [each.name for each in self.nodes]
        targets = [each.node for name in self.connections for each in self._targets(name)]
        if len(set(names)) < len(names) or len({each.id for each in self.nodes}) < len(names):
            raise ValueError("two nodes have one name, or one id")
        if missing := {*self.connections, *targets} - set(names):
            raise ValueError(f"connections name nodes that there are not: {missing}")
        return self

    def _targets(self, name: str) -> Iterator[Target]:
        for output in self.connections[name].main:
            yield from output


def workflow(name: str) -> Workflow:
    """Return the workflow of a file, as its schema has it.

    Raises:
        pydantic.ValidationError: It has not.
    """
    return Workflow.model_validate_json((FOLDER / f"{name}.json").read_bytes())


def expressions(given: object) -> Iterator[str]:
    """Yield the JavaScript of every expression in a node's parameters: `={{ ... }}`."""
    if isinstance(given, str) and given.startswith("="):
        for part in given.split("{{")[1:]:
            yield part.split("}}")[0].strip()
    elif isinstance(given, dict):
        for each in given.values():  # pyright: ignore[reportUnknownVariableType] - JSON
            yield from expressions(each)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(given, list):
        for each in given:  # pyright: ignore[reportUnknownVariableType]
            yield from expressions(each)  # pyright: ignore[reportUnknownArgumentType]


def run(things: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run code and expressions as n8n does; return what came of each: `result` or `error`.

    Each has `code` or `expression`, and what it sees: `item` (`json`, and `raw`: base64), `nodes`
    (output by name), `vars`, `execution`, `now` (seconds since 1970).

    Raises:
        AssertionError: There is no Node.js.
    """
    node = shutil.which("node")
    assert node is not None, "node is not installed: these tests run what n8n would, and need it"
    harness = Path(__file__).with_name("code_node.mjs")
    told = subprocess.run(  # noqa: S603 - our own arguments
        [node, harness],
        input=json.dumps(things),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)
