"""Self-hosted ComfyUI: each server over HTTP, its socket, and all of them as one engine."""

from app.engines.comfyui.engine import ComfyUI, Look, described
from app.engines.comfyui.server import ComfyServer
from app.engines.comfyui.socket import Sink, Socket

__all__ = ["ComfyServer", "ComfyUI", "Look", "Sink", "Socket", "described"]
