"""Readers of live streams, as browsers are: they come again by themselves, and go on."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.peers import Json
from tests.service import PATIENCE, Service


@dataclass
class Viewer:
    """Somebody who reads a stream, and comes again whenever it ends.

    Attributes:
        words: Of each event that is no state, its name and what it says.
        states: Of each generation, the states that were told, in their order.
        ids: The id that each version of a generation came with.
        last: Where they go on from.
        times: How often their stream has begun.
    """

    service: Service
    client: httpx.AsyncClient
    path: str = "/api/events"
    auth: dict[str, str] | None = None
    last: str | None = None
    words: list[tuple[str, Json]] = field(default_factory=list[tuple[str, Json]])
    states: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    ids: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    times: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Read until cancelled, or told not to come again."""
        while not self.said("bye", again=False):
            try:
                await self._once()
            except httpx.HTTPError:
                # Not there, or gone in the middle of a word.
                await asyncio.sleep(0.05)

    def said(self, name: str, **what: object) -> bool:
        """Return whether a word was told."""
        return any(word == name and what.items() <= data.items() for word, data in self.words)

    def versions(self, generation: str) -> list[int]:
        """Return the versions of a generation that were told, in their order."""
        return [each["version"] for each in self.states.get(generation, ())]

    async def until(self, good: Callable[[], object]) -> None:
        """Wait until something is so."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not good():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"told {self.words[-3:]}, {list(self.states)}") from None

    async def _once(self) -> None:
        headers = dict(self.auth or self.service.auth)
        if self.last is not None:
            headers["Last-Event-ID"] = self.last
        url = self.service.url + self.path
        async with self.client.stream("GET", url, headers=headers) as answer:
            answer.raise_for_status()
            self.times += 1
            name = at = ""
            async for line in answer.aiter_lines():
                key, _, value = line.partition(": ")
                if key == "event":
                    name, at = value, ""
                elif key == "id":
                    at = value
                elif key == "data":
                    self._heard(name, at, json.loads(value))

    def _heard(self, name: str, at: str, data: Json) -> None:
        self.last = at or self.last
        if name == "generation":
            self.states.setdefault(data["id"], []).append(data)
            if at:
                self.ids[data["id"], data["version"]] = at
        else:
            self.words.append((name, data))
        self._news.set()


@asynccontextmanager
async def viewing(*viewers: Viewer) -> AsyncGenerator[None]:
    """Have them read inside this block, once each of them has begun."""
    async with asyncio.TaskGroup() as group:
        reading = [group.create_task(each.read()) for each in viewers]
        for each in viewers:
            await each.until(lambda each=each: each.said("ready"))
        yield
        for task in reading:
            task.cancel()


@asynccontextmanager
async def a_client() -> AsyncGenerator[httpx.AsyncClient]:
    """A client with any number of connections."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE, limits=limits) as client:
        yield client
