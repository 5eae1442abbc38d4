"""What a client does that does nothing else: create, wait for the webhook, create the next.

It writes nothing down, and knows neither people nor failures. It gives the next prediction the
address of the picture that the last one made, or copies the picture first, as we do.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from base64 import b64encode
from typing import Final, Self

import httpx
import orjson

from benchmarks.chains.ordering import MODEL, RUN_SECONDS
from benchmarks.chains.stand_in import StandIn

PATIENCE_SECONDS: Final = 60
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_LENGTH: Final = b"content-length:"


class Bare:
    """One such client, with a webhook of its own as long as it is entered.

    Args:
        stand_in: Where predictions are made.
        token: Of the stand-in's API.
        client: Makes all calls.
    """

    def __init__(self, stand_in: StandIn, token: str, client: httpx.AsyncClient) -> None:
        self._api = f"{stand_in.url}/replicate/v1/models/{MODEL}/predictions"
        self._token = token
        self._client = client
        self._ends = dict[str, asyncio.Future[str]]()
        self._server: asyncio.Server | None = None
        self._webhook = ""

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._webhook = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.close()

    async def chain(self, length: int, *, copying: bool) -> list[str]:
        """Make so many predictions, each of what the one before it has made; return their ids."""
        made, photo = list[str](), ""
        for number in range(1, length + 1):
            prediction = await self._create(number, photo)
            made.append(prediction)
            async with asyncio.timeout(PATIENCE_SECONDS):
                photo = await self._end(prediction)
            if copying:
                picture = (await self._client.get(photo)).raise_for_status().content
                photo = f"data:image/png;base64,{b64encode(picture).decode()}"
        return made

    async def _create(self, number: int, photo: str) -> str:
        inputs = {
            "prompt": f"step {number}",
            "sandbox_seconds": RUN_SECONDS,
            "sandbox_cold": 0,
            **({"human_img": photo} if photo else {}),
        }
        answer = await self._client.post(
            self._api,
            json={
                "input": inputs,
                "webhook": self._webhook,
                "webhook_events_filter": ["completed"],
            },
            headers={"Authorization": f"Bearer {self._token}"},
        )
        return answer.raise_for_status().json()["id"]

    def _end(self, prediction: str) -> asyncio.Future[str]:
        """Return what comes with the end of a prediction, whichever is first: question or end."""
        return self._ends.setdefault(prediction, asyncio.get_running_loop().create_future())

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Take webhooks in, as long as a connection lasts."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.lower().splitlines()
                length = next(line for line in lines if line.startswith(_LENGTH))
                told = orjson.loads(await reader.readexactly(int(length.removeprefix(_LENGTH))))
                writer.write(_ANSWER)
                self._end(told["id"]).set_result(told["output"])
        except (EOFError, OSError):
            writer.close()
