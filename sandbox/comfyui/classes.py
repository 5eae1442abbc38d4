"""What a class of nodes is: what its nodes take and give."""

from dataclasses import dataclass, field

from sandbox.comfyui.values import Json

Spec = tuple[object, Json]
"""The type of an input, or the list of its values, and its options."""


@dataclass(frozen=True)
class NodeClass:
    """What a class of nodes takes and gives."""

    name: str
    display_name: str
    category: str
    required: dict[str, Spec]
    outputs: tuple[str, ...] = ()
    optional: dict[str, Spec] = field(default_factory=dict[str, Spec])
    output_node: bool = False
    is_async: bool = False

    @property
    def inputs(self) -> dict[str, Spec]:
        """All inputs."""
        return self.required | self.optional

    def told(self) -> Json:
        """Return the class as `/object_info` tells it."""
        inputs: Json = {"required": _shown(self.required)}
        order: Json = {"required": list(self.required)}
        if self.optional:
            inputs["optional"], order["optional"] = _shown(self.optional), list(self.optional)
        return {
            "input": inputs,
            "input_order": order,
            "is_input_list": False,
            "output": list(self.outputs),
            "output_is_list": [False] * len(self.outputs),
            "output_name": list(self.outputs),
            "name": self.name,
            "display_name": self.display_name,
            "description": "",
            "python_module": "nodes",
            "category": self.category,
            "output_node": self.output_node,
            "has_intermediate_output": False,
            "search_aliases": [],
        }


def shown(spec: Spec) -> list[object]:
    """Return an input as errors of validation tell it."""
    return [spec[0], spec[1]] if spec[1] or isinstance(spec[0], list) else [spec[0]]


def _shown(specs: dict[str, Spec]) -> Json:
    return {name: [kind, options] if options else [kind] for name, (kind, options) in specs.items()}
