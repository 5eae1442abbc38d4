"""The sandbox as an ASGI app."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from sandbox import control
from sandbox.comfydeploy import routes as comfydeploy
from sandbox.comfyui import routes as comfyui
from sandbox.endings import note_transport
from sandbox.replicate import routes as replicate
from sandbox.settings import Settings
from sandbox.telegram import routes as telegram
from sandbox.world import World, a_world


class Sandbox(Starlette):
    """A Starlette that knows the connection under each request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or lead the app from its start to its end."""
        note_transport(scope, send)
        await super().__call__(scope, receive, send)


def create_app(settings: Settings) -> Starlette:
    """Return the app; its world begins and ends with its lifespan.

    Serve it by uvicorn on an asyncio loop: the answers that break off reach for its transports.
    """
    worlds: list[World] = []

    def world() -> World:
        return worlds[-1]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with a_world(settings) as made:
            worlds.append(made)
            yield

    return Sandbox(
        routes=[
            *comfydeploy.Routes(lambda: world().cloud, settings.base_url).routes(),
            *comfyui.Routes(lambda: world().comfyui).routes(),
            *replicate.Routes(lambda: world().replicate, settings.base_url).routes(),
            *telegram.Routes(lambda: world().telegram).routes(),
            *control.Routes(world).routes(),
        ],
        lifespan=lifespan,
    )
