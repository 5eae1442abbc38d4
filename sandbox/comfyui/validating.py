"""Checking a prompt before it is taken, in ComfyUI's words (execution.py of 0.30.2, recorded)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.comfyui.catalogue import CLASSES
from sandbox.comfyui.classes import Spec, shown
from sandbox.comfyui.graphs import Graph, Node, needed, read
from sandbox.comfyui.values import Json, a_list, an_object
from sandbox.comfyui.versions import CYCLES, MISSING_NODE, Version

# They are handed anything, and are caught when they cannot take it.
_CONVERTED: Final[dict[object, Callable[[Any], object]]] = {
    "INT": int,
    "FLOAT": float,
    "STRING": str,
    "BOOLEAN": bool,
}
_LINK_LENGTH: Final = 2


@dataclass
class Checked:
    """What a check found.

    Attributes:
        outputs: The output nodes that can run.
        error: Why none can; None where some can.
        node_errors: What is wrong with nodes.
    """

    graph: Graph = field(default_factory=dict[str, Node])
    outputs: list[str] = field(default_factory=list[str])
    error: Json | None = None
    node_errors: Json = field(default_factory=dict[str, object])


def check(prompt: Json, version: Version, is_input: Callable[[str], bool]) -> Checked:
    """Return what can run of a prompt.

    Args:
        prompt: The graph, as posted.
        version: Of the server.
        is_input: Says whether there is an upload of that path.
    """
    missing = _missing(prompt, version)
    if missing is not None:
        return Checked(error=missing)
    graph = read(prompt)
    outputs = [node.id for node in graph.values() if node.kind.output_node]
    if not outputs:
        return Checked(error=problem("prompt_no_outputs", "Prompt has no outputs"))
    return _sort(graph, outputs, _Check(graph, version, is_input))


def problem(kind: str, message: str, details: str = "", extra: Json | None = None) -> Json:
    """Return an error in ComfyUI's shape."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra or {}}


def _sort(graph: Graph, outputs: list[str], checking: "_Check") -> Checked:
    checked = Checked(graph)
    words: list[str] = []
    for output in outputs:
        wrong = checking.below(output)
        if not wrong:
            checked.outputs.append(output)
            continue
        words += [
            f"{error['message']}: {error['details']}"
            for node_id, errors in wrong.items()
            for error in errors
            if node_id == output
        ]
        for node_id, errors in wrong.items():
            told = checked.node_errors.setdefault(
                node_id,
                {
                    "errors": errors,
                    "dependent_outputs": [],
                    "class_type": graph[node_id].kind.name,
                },
            )
            dependents = a_list((an_object(told) or {})["dependent_outputs"])
            if dependents is not None:
                dependents.append(output)
    if not checked.outputs:
        failed = "prompt_outputs_failed_validation", "Prompt outputs failed validation"
        checked.error = problem(*failed, "\n".join(words))
        if checking.version < CYCLES and checking.cycle:
            checked.node_errors = {}
    return checked


class _Check:
    """The check of one prompt; each node is checked once."""

    def __init__(self, graph: Graph, version: Version, is_input: Callable[[str], bool]) -> None:
        self.version = version
        self.cycle = False
        self._graph = graph
        self._is_input = is_input
        self._known: dict[str, list[Json]] = {}

    def below(self, node_id: str) -> dict[str, list[Json]]:
        """Return what is wrong with a node and all that it needs, by node."""
        wrong: dict[str, list[Json]] = {}
        cycle = self._cycle(node_id)
        if cycle is not None:
            self.cycle = True
            return {cycle[0]: [_cycle_error(self._graph, cycle)]}
        for each in needed(self._graph, [node_id]):
            if each not in self._known:
                self._known[each] = self._node(self._graph[each])
            if self._known[each]:
                wrong[each] = self._known[each]
        return wrong

    def _cycle(self, start: str) -> list[str] | None:
        """Return the nodes of a circle below a node, if there is one."""
        state: dict[str, bool] = {}
        path: list[str] = []

        def walk(node_id: str) -> list[str] | None:
            if state.get(node_id):
                return None
            if node_id in state:
                return path[path.index(node_id) :]
            state[node_id] = False
            path.append(node_id)
            for link in self._graph[node_id].links.values():
                found = walk(link.node) if link.node in self._graph else None
                if found is not None:
                    return found
            path.pop()
            state[node_id] = True
            return None

        return walk(start)

    def _node(self, node: Node) -> list[Json]:
        errors: list[Json] = []
        for name, spec in node.kind.inputs.items():
            if name in node.inputs:
                errors += self._input(node, name, spec)
            elif name in node.kind.required:
                errors.append(
                    problem(
                        "required_input_missing",
                        "Required input is missing",
                        name,
                        {"input_name": name},
                    )
                )
        return errors

    def _input(self, node: Node, name: str, spec: Spec) -> list[Json]:
        value = node.inputs[name]
        listed = a_list(value)
        if listed is not None:
            return self._link(node, name, spec, listed)
        if node.kind.name == "LoadImage":
            if self._is_input(str(value)):
                return []
            words = f"image - Invalid image file: {value}"
            extra: Json = {"input_name": name}
            custom = "custom_validation_failed", "Custom validation failed for node"
            return [problem(*custom, words, extra)]
        return _literal(name, spec, value)

    def _link(self, node: Node, name: str, spec: Spec, listed: list[object]) -> list[Json]:
        about: Json = {"input_name": name, "input_config": shown(spec)}
        if len(listed) != _LINK_LENGTH:
            words = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            return [problem("bad_linked_input", words, name, about | {"received_value": listed})]
        link = node.links.get(name)
        if link is None or link.node not in self._graph:
            return [_raised("KeyError", repr(listed[0]))]
        outputs = self._graph[link.node].kind.outputs
        try:
            # ComfyUI asks Python for it, too: the last output is -1.
            received = outputs[link.slot]
        except IndexError as error:
            return [_raised("IndexError", str(error))]
        if spec[0] in {received, "*", "COMBO"}:
            return []
        words = f"{name}, received_type({received}) mismatch input_type({spec[0]})"
        about |= {"received_type": received, "linked_node": listed}
        mismatch = "return_type_mismatch", "Return type mismatch between linked nodes"
        return [problem(*mismatch, words, about)]


def _raised(kind: str, words: str) -> Json:
    about: Json = {"exception_type": kind, "traceback": ["<traceback>"]}
    return problem("exception_during_validation", "Exception when validating node", words, about)


def _missing(prompt: Json, version: Version) -> Json | None:
    """Return what is wrong with the first node whose class is not there."""
    for node_id, value in prompt.items():
        node = an_object(value) or {}
        kind, title = node.get("class_type"), (an_object(node.get("_meta")) or {}).get("title")
        if isinstance(kind, str) and kind in CLASSES:
            continue
        where = f"Node ID '#{node_id}'"
        if version < MISSING_NODE:
            words = f"Cannot execute because node {kind} does not exist."
            return problem("invalid_prompt", words, where)
        words = (
            f"Node '{title or kind}' not found. The custom node may not be installed."
            if kind is not None
            else f"Node 'ID #{node_id}' has no class_type. The workflow may be corrupted or a "
            "custom node is missing."
        )
        extra: Json = {"node_id": node_id, "class_type": kind, "node_title": title}
        return problem("missing_node_type", words, where, extra)
    return None


def _cycle_error(graph: Graph, cycle: list[str]) -> Json:
    names = [f"{each} ({graph[each].kind.name})" for each in [*cycle, cycle[0]]]
    extra: Json = {"node_id": cycle[0], "cycle_nodes": cycle}
    return problem("dependency_cycle", "Dependency cycle detected", " -> ".join(names), extra)


def _literal(name: str, spec: Spec, value: object) -> list[Json]:
    kind, options = spec
    about: Json = {"input_name": name, "input_config": shown(spec), "received_value": value}
    values = a_list(kind)
    if values is not None:
        if value in values:
            return []
        words = f"{name}: {value!r} not in {values}"
        return [problem("value_not_in_list", "Value not in list", words, about)]
    try:
        converted = _CONVERTED.get(kind, lambda given: given)(value)
    except (TypeError, ValueError) as error:
        words = f"Failed to convert an input value to a {kind} value"
        about["exception_message"] = str(error)
        return [problem("invalid_input_type", words, f"{name}, {value}, {error}", about)]
    wrong = _beyond(converted, options)
    return [] if wrong is None else [problem(*wrong, name, about)]


def _beyond(value: object, options: Json) -> tuple[str, str] | None:
    low, high = options.get("min"), options.get("max")
    if not isinstance(value, (int, float)):
        return None
    if isinstance(low, (int, float)) and value < low:
        return "value_smaller_than_min", f"Value {value} smaller than min of {low}"
    if isinstance(high, (int, float)) and value > high:
        return "value_bigger_than_max", f"Value {value} bigger than max of {high}"
    return None
