"""What this engine is called."""

from typing import Final

from schemas.base import EngineName

NAME: Final = EngineName("comfyui")
