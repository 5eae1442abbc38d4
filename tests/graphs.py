"""A small workflow for ComfyUI, and how it is kept."""

import json
from typing import Final

from pydantic import JsonValue

from processors.protocols import comfyui

GRAPH: Final[dict[str, JsonValue]] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "color": 0}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
}
RAW: Final = json.dumps(GRAPH, indent=2).encode()
DIGEST, CANONICAL = comfyui.stored(RAW)
