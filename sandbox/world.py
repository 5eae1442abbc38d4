"""Everything one sandbox holds while it runs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from sandbox.background import Background
from sandbox.comfydeploy.cloud import Cloud
from sandbox.comfyui.servers import Servers
from sandbox.replicate import cloud as replicate
from sandbox.settings import Settings
from sandbox.telegram.display import Display
from sandbox.telegram.server import Server


@dataclass(frozen=True)
class World:
    """The peers."""

    cloud: Cloud
    telegram: Server
    comfyui: Servers
    replicate: replicate.Cloud


@asynccontextmanager
async def a_world(settings: Settings) -> AsyncGenerator[World]:
    """Make a world, and end all that still goes on in it on leaving."""
    # Hung receivers must not keep webhooks from others, so connections have no common limit; a
    # proxy named in the environment has no business between two peers on one machine.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    async with (
        httpx.AsyncClient(limits=limits, timeout=20.0, trust_env=False) as client,
        Background() as background,
    ):
        yield World(
            Cloud(background, client, settings.seconds),
            Server(background, client, Display(quiet=settings.quiet, out=settings.chats)),
            Servers(background, settings.seconds),
            replicate.Cloud(background, client, settings.seconds, settings.replicate_secret),
        )
