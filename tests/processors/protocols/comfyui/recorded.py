"""Recorded exchanges with a server 0.30.2, and workflows made for a test."""

import json
from pathlib import Path
from typing import Any, Final

SAMPLES: Final = Path(__file__).parents[3] / "samples" / "comfyui"
EXCHANGES: Final = [
    {**exchange, "sample": path.name.split(".")[0]}
    for path in sorted(SAMPLES.glob("*.http.json"))
    for exchange in json.loads(path.read_text())
]
"""Every exchange, with the name of its sample."""


def answers(path: str, sample: str = "") -> list[Any]:
    """The JSON answers recorded for paths that begin with `path`, in order."""
    return [
        each["response_json"]
        for each in EXCHANGES
        if each.get("path", "").startswith(path)
        and "response_json" in each
        and each["sample"].startswith(sample)
    ]


def noted(note: str) -> dict[str, Any]:
    """The exchange that was recorded under this note."""
    return next(each for each in EXCHANGES if each.get("note") == note)


def a_node(class_type: str = "SaveImage", title: str | None = None, **inputs: object) -> Any:  # noqa: ANN401 - JSON
    """A node as a file has it."""
    node: dict[str, object] = {"class_type": class_type, "inputs": inputs}
    return node | ({"_meta": {"title": title}} if title else {})


def a_graph() -> dict[str, Any]:
    """A small graph: a prompt, a sampler with a seed, a model, and what is saved."""
    return {
        "4": a_node("CheckpointLoaderSimple", "Load Checkpoint", ckpt_name="sd/xl.safetensors"),
        "6": a_node("CLIPTextEncode", "Positive", text="a cat", clip=["4", 1]),
        "12:7": a_node("KSampler", seed=42, steps=20, cfg=1.0, model=["4", 0], positive=["6", 0]),
        "9": a_node("SaveImage", "Result", images=["12:7", 0], filename_prefix="out/cat"),
    }


def raw(value: object) -> bytes:
    """A value as a file has it."""
    return json.dumps(value).encode()
