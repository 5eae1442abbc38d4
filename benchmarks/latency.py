"""From the final webhook to Telegram's request, at 100 events a second.

Measured from just before the POST of a run's tenth event until the whole request of the
result's message has come in at a stand-in for the Bot API; the engine is asked in between.
The load keeps inside Telegram's own limits (30 messages a second, edits half of it, few in one
chat), so that what is measured is the service and not these limits: every other run has a chat, one
of its own, and sends nine events in a second and its end 1.6 s later, so that it costs two
messages: 10 a second in all.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import quantiles
from time import monotonic
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from app.main.server import make_server
from benchmarks import events, report, world
from benchmarks.events import Run
from benchmarks.report import Figures
from benchmarks.world import Served

RATE: Final = 100
FIRST_CHAT: Final = 1_000_000
END_AFTER: Final = 2.5
"""Seconds from the first event of a run to its end."""
CONNECTIONS: Final = 16
WARM_SECONDS: Final = 3.0
_CHAT: Final = re.compile(rb'(?:name="chat_id"\r\n(?:[^\r\n]+\r\n)*\r\n|chat_id=)(\d+)')
_ME: Final = b'{"ok":true,"result":{"id":4711,"is_bot":true,"first_name":"b","username":"b_bot"}}'
_MESSAGE: Final = (
    b'{"ok":true,"result":{"message_id":7,"date":1700000000,"text":"x",'
    b'"chat":{"id":%d,"type":"private"}}}'
)
_RESULT: Final = ("sendPhoto", "sendDocument", "sendMediaGroup", "sendVideo")


class BotApi:
    """A stand-in for the Bot API that notes when a chat's result came in.

    Attributes:
        told: When each chat was told its end, in seconds of the monotonic clock.
    """

    def __init__(self) -> None:
        self.told: dict[int, float] = {}
        self.asked = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call, whichever it is, as having worked."""
        method = scope["path"].rpartition("/")[2]
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        at, found = monotonic(), _CHAT.search(body)
        chat = int(found[1]) if found else FIRST_CHAT
        if method in _RESULT:
            self.told.setdefault(chat, at)
        said = _ME if method == "getMe" else _MESSAGE % chat
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(said))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": said})
        self.asked.set()


class Posts:
    """Sends events over a few connections that stay open."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )

    async def open(self) -> None:
        """Connect."""
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(await asyncio.open_connection(self._host, self._port))

    async def post(self, run: Run, step: int) -> float:
        """Send one event and return when that was begun."""
        reader, writer = await self._idle.get()
        body = events.body(run.run_id, step)
        head = (
            f"POST {run.target} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        began = monotonic()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b'"accepted"}')
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"not accepted: {answer[:100]!r}")
        self._idle.put_nowait((reader, writer))
        return began

    def close(self) -> None:
        """Disconnect."""
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()


async def measure(*, quick: bool) -> Figures:
    """Measure it and print it."""
    seconds = 4.0 if quick else 30.0
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(world.a_folder())
        uri = await stack.enter_async_context(world.a_mongod(folder))
        engine = await stack.enter_async_context(world.a_server("engine"))
        bot = BotApi()
        address = await stack.enter_async_context(serving(bot))
        await events.prepare(uri, "told")
        runs = int((WARM_SECONDS + seconds) * RATE / events.EVENTS)
        told = await events.fill(uri, "told", runs // 2, first_chat=FIRST_CHAT)
        untold = await events.fill(uri, "told", runs // 2)
        made = [run for pair in zip(told, untold, strict=True) for run in pair]
        service = await stack.enter_async_context(
            world.a_service(folder, uri, "told", engine.url, telegram_url=address)
        )
        await world.on_duty(uri, "told")
        return await _tell(service, bot, made, seconds)


async def _tell(service: Served, bot: BotApi, made: list[Run], seconds: float) -> Figures:
    """Send every event at its time, and wait until all ends were told."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    posts, ended = Posts(host, int(port)), dict[int, float]()
    await posts.open()

    async def at(moment: float, index: int, step: int) -> None:
        await asyncio.sleep(moment - monotonic())
        began = await posts.post(made[index], step)
        if step == events.EVENTS - 1 and index % 2 == 0:
            ended[FIRST_CHAT + index // 2] = began

    start = monotonic() + 0.1
    async with asyncio.TaskGroup() as group:
        for index in range(len(made)):
            for step in range(events.EVENTS):
                last = step == events.EVENTS - 1
                since = END_AFTER if last else step / 10
                moment = start + index * events.EVENTS / RATE + since + step / 100
                group.create_task(at(moment, index, step))
    await _all_told(bot, ended)
    posts.close()
    measured = sorted(ended)[-int(seconds * RATE / events.EVENTS / 2) :]
    waits = sorted(1000 * (bot.told[chat] - ended[chat]) for chat in measured if chat in bot.told)
    cuts = quantiles(waits, n=100)
    figures: Figures = {
        "events_a_second": RATE,
        "ends": len(measured),
        "told": len(waits),
        "p50_ms": round(cuts[49], 1),
        "p90_ms": round(cuts[89], 1),
        "p99_ms": round(cuts[98], 1),
        "memory_mb": round(service.memory_mb(), 1),
    }
    report.show("from the final webhook to Telegram's request", figures)
    return figures


async def _all_told(bot: BotApi, ended: dict[int, float]) -> None:
    """Wait until every end was told, half a minute at most."""
    try:
        async with asyncio.timeout(30):
            while not ended.keys() <= bot.told.keys():
                bot.asked.clear()
                await bot.asked.wait()
    except TimeoutError:
        return


@asynccontextmanager
async def serving(bot: ASGIApp) -> AsyncGenerator[str]:
    """Serve the stand-in in this process; yields its URL."""
    port = world.free_port()
    server = make_server(bot, ())
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.serve(sockets=[world.listening(port)]))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await task
