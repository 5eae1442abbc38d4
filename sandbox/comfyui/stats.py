"""What `/system_stats` tells."""

from typing import Final

from sandbox.comfyui.values import Json
from sandbox.comfyui.versions import LINUX, Version

_MEMORY: Final = 25_276_510_208
_FREE: Final = 23_529_472_000


def told(version: Version, name: str) -> Json:
    """Return the answer of a server of that version."""
    return {
        "system": {
            "os": "posix" if version < LINUX else "linux",
            "ram_total": _MEMORY,
            "ram_free": _FREE,
            "comfyui_version": name,
            "required_frontend_version": "1.47.12",
            "python_version": "3.11.7 (main, May  9 2026, 07:35:25) [GCC 12.2.0]",
            "pytorch_version": "2.13.0+cpu",
            "embedded_python": False,
            "argv": ["main.py", "--cpu", "--listen", "127.0.0.1", "--port", "8188"],
        },
        "devices": [
            {
                "name": "cpu",
                "type": "cpu",
                "index": None,
                "vram_total": _MEMORY,
                "vram_free": _FREE,
                "torch_vram_total": _MEMORY,
                "torch_vram_free": _FREE,
            }
        ],
    }
