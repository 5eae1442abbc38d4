"""sandbox.keeping: one keeper at a time, who may die; the sandbox waits for the next one."""

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from sandbox.keeping import Keeping

pytestmark = pytest.mark.anyio

ADDRESSES = {"url": "http://127.0.0.1:1"}
LONG = 1_000.0


@asynccontextmanager
async def a_keeper(keeping: Keeping, token: str | None = None) -> AsyncGenerator[StreamReader]:
    """Connect as a keeper does; go away without a word."""
    reader, writer = await _connected(keeping, token)
    yield reader
    writer.close()


async def test_a_keeper_is_told_what_it_must_know() -> None:
    """The answer to its token is the addresses and the same token."""
    keeping = Keeping(LONG, ADDRESSES)
    async with keeping.running(lambda: None), a_keeper(keeping) as reader:
        answer = json.loads(await reader.readline())

    assert answer == keeping.told()
    assert answer["url"] == ADDRESSES["url"]


async def test_the_next_keeper_reads_what_was_shown_meanwhile() -> None:
    """What the last one has read is not shown again."""
    keeping = Keeping(LONG, ADDRESSES)
    async with keeping.running(lambda: None):
        async with a_keeper(keeping) as reader:
            await reader.readline()
            keeping.write("one\n")
            assert await reader.readline() == b"one\n"
        async with a_keeper(keeping) as reader:
            await reader.readline()
            keeping.write("two\n")
            assert await reader.readline() == b"two\n"


async def test_what_is_shown_to_nobody_waits() -> None:
    """The first keeper reads it, too."""
    keeping = Keeping(LONG, ADDRESSES)
    keeping.write("one\n")
    async with keeping.running(lambda: None), a_keeper(keeping) as reader:
        await reader.readline()
        assert await reader.readline() == b"one\n"


async def test_ends_when_nobody_keeps_it() -> None:
    """At first, and again after each keeper; not while there is one."""
    ended = asyncio.Event()
    keeping = Keeping(0.0, ADDRESSES)
    async with asyncio.timeout(20), keeping.running(ended.set):
        await ended.wait()
        async with a_keeper(keeping) as reader:
            await reader.readline()
            ended.clear()
            keeping.write("still here\n")
            assert await reader.readline() == b"still here\n"
            assert not ended.is_set()
        await ended.wait()


async def test_ends_at_its_keepers_word() -> None:
    """At once, the connection standing until the end is there."""
    ended = asyncio.Event()
    keeping = Keeping(LONG, ADDRESSES)
    async with asyncio.timeout(20), keeping.running(ended.set):
        reader, writer = await _connected(keeping)
        await reader.readline()
        writer.write(b"end\n")
        await ended.wait()
        assert not reader.at_eof()
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("token", ["", "another", "GET / HTTP/1.1", "x" * 100_000])
async def test_a_stranger_is_told_nothing(token: str) -> None:
    """Whoever has not the token is no keeper."""
    keeping = Keeping(LONG, ADDRESSES)
    async with keeping.running(lambda: None), a_keeper(keeping, token) as reader:
        assert await _all_of(reader) == b""


async def test_there_is_one_keeper_at_a_time() -> None:
    """A second one, from a copied folder perhaps, is sent away, and the first goes on."""
    keeping = Keeping(LONG, ADDRESSES, turn=0.05)
    async with keeping.running(lambda: None), a_keeper(keeping) as first:
        await first.readline()
        async with a_keeper(keeping) as second:
            assert await _all_of(second) == b""
        keeping.write("for the first\n")
        assert await first.readline() == b"for the first\n"


async def _connected(
    keeping: Keeping, token: str | None = None
) -> tuple[StreamReader, StreamWriter]:
    told = keeping.told()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(str(told["keeper"])))
    writer.write(f"{told['token'] if token is None else token}\n".encode())
    return reader, writer


async def _all_of(reader: StreamReader) -> bytes:
    """Return everything up to the end, which may be a rude one."""
    try:
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionError:
        return b""
