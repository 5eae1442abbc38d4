"""The servers that ours is compared with, and the engine it asks, each a process of its own.

`python -m benchmarks.servers NAME PORT [MONGODB_URI DATABASE]`, where NAME is

parse   a Starlette endpoint that parses the JSON and does nothing
update  a Starlette endpoint that makes one durable update of one document
asking  a Starlette stream that asks the database each second whether its record has changed
engine  answers ``GET /run/ID`` like ComfyDeploy, of a run that has succeeded

All on uvicorn as it comes, with uvloop and httptools.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator

import orjson
import uvicorn
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.store.documents import Document
from benchmarks import events
from benchmarks.world import listening

PATH = "/api/webhook/comfydeploy"


def parse_only() -> ASGIApp:
    """Return the endpoint that parses the JSON and does nothing."""

    async def take(request: Request) -> Response:
        await request.json()
        return JSONResponse({"status": "accepted"})

    return Starlette(routes=[Route(PATH, take, methods=["POST"])])


def one_update(uri: str, database: str) -> ASGIApp:
    """Return the endpoint that writes each event at once: one `update_one`, w:majority, j:true."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(uri, maxPoolSize=100)
    runs = client[database].get_collection(
        "generations", write_concern=WriteConcern("majority", j=True)
    )

    async def take(request: Request) -> Response:
        told = await request.json()
        change = {name: told[name] for name in ("status", "progress", "live_status", "outputs")}
        await runs.update_one({"metadata.run_id": told["run_id"]}, {"$set": change})
        return JSONResponse({"status": "accepted"})

    return Starlette(routes=[Route(PATH, take, methods=["POST"])])


def asking(uri: str, database: str) -> ASGIApp:
    """Return the stream that asks each second whether its record has changed."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(uri, maxPoolSize=100)
    generations = client[database].get_collection("generations")

    async def states(generation: str) -> AsyncGenerator[bytes]:
        yield b"event: ready\ndata: {}\n\n"
        known = 0
        while True:
            found = await generations.find_one({"_id": generation, "version": {"$gt": known}})
            if found is not None:
                known = found["version"]
                yield b"data: " + orjson.dumps(found, default=str) + b"\n\n"
            await asyncio.sleep(1)

    async def stream(request: Request) -> Response:
        return StreamingResponse(states(request.path_params["id"]), media_type="text/event-stream")

    return Starlette(routes=[Route("/api/generations/{id}/events", stream)])


async def engine(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for a run that has succeeded, whichever is asked for."""
    del receive
    run_id = scope["path"].rpartition("/")[2]
    body = events.answer(run_id)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main(name: str, port: str, *arguments: str) -> None:
    """Serve until we are ended."""
    app: ASGIApp = {
        "parse": parse_only,
        "update": one_update,
        "asking": asking,
        "engine": lambda: engine,
    }[name](*arguments)
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_config=None
    )
    uvicorn.Server(config).run(sockets=[listening(int(port))])


if __name__ == "__main__":
    main(*sys.argv[1:])
