"""app.engines.fetching: a listed host's file, from a checked address, within its limits."""

import asyncio
import gzip
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, repeat

import pytest
from pydantic import SecretStr

from app.engines.fetching import Fetched, Fetcher, FetchError
from processors.protocols import sniffing

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)
NAME = "files.example.test"


@dataclass
class Peer:
    """A server of raw bytes on the loopback and what it was asked.

    Attributes:
        port: Where it listens.
        heads: The head of each request.
    """

    port: int = 0
    heads: list[bytes] = field(default_factory=list[bytes])

    @property
    def listed(self) -> tuple[str, ...]:
        """The list that lets a fetcher come here, by address or by name."""
        return (f"127.0.0.1:{self.port}", f"{NAME}:{self.port}")

    def url(self, path: str = "/a.png", host: str = "127.0.0.1") -> str:
        """The URL of a file here."""
        return f"http://{host}:{self.port}{path}"


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def an_answer(
    content: bytes = PNG, *, status: str = "200 OK", headers: Sequence[str] = ("Connection: close",)
) -> Answer:
    """Answer with `content` and close, with no length but what `headers` say."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = "\r\n".join((f"HTTP/1.1 {status}", *headers, "", ""))
        writer.write(head.encode() + content)
        await writer.drain()

    return answer


async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with a body that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not writer.is_closing():
        writer.write(bytes(65536))
        await writer.drain()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin a body, then say nothing until the caller has left."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + PNG)
    await reader.read()


@asynccontextmanager
async def a_peer(answer: Answer, *, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[Peer]:
    """Run a peer that answers each request with `answer`."""
    peer = Peer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer.heads.append(await reader.readuntil(b"\r\n\r\n"))
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The caller has left, as some of these tests want it to.
        finally:
            writer.close()

    async with await asyncio.start_server(serve, host, port) as server:
        peer.port = server.sockets[0].getsockname()[1]
        yield peer


class Names:
    """A resolver that gives one answer after another, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked = 0
        self._answers = chain(answers, repeat(answers[-1]))

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Give the next answer."""
        assert (host, port > 0) == (NAME, True)
        self.asked += 1
        return next(self._answers)


async def fetched(
    peer: Peer,
    *,
    url: str | None = None,
    fetcher: Fetcher | None = None,
    limit_bytes: int = 100_000,
    timeout_seconds: float = 30.0,
) -> Fetched:
    """What a fetcher gets from `peer`."""
    return await (fetcher or Fetcher(allow_private=True)).fetch(
        url or peer.url(),
        hosts=peer.listed,
        limit_bytes=limit_bytes,
        timeout_seconds=timeout_seconds,
    )


async def test_a_file_comes_with_what_it_is() -> None:
    """The bytes are whole, the peer's word is kept, the first bytes are read."""
    async with a_peer(an_answer(headers=("Content-Type: text/html",))) as peer:
        got = await fetched(peer)

    assert got == Fetched(PNG, "text/html", sniffing.PNG)


async def test_a_file_within_its_address_is_asked_of_nobody() -> None:
    """It is judged by its bytes as every other one, and has to keep the same limit."""
    fetcher = Fetcher(allow_private=False)
    url = f"data:text/html;base64,{b64encode(PNG).decode()}"
    got = await fetcher.fetch(url, hosts=(), limit_bytes=len(PNG), timeout_seconds=30.0)
    assert got == Fetched(PNG, "text/html", sniffing.PNG)
    empty = await fetcher.fetch("data:,", hosts=(), limit_bytes=0, timeout_seconds=30.0)
    assert empty == Fetched(b"", None, None)

    for odd, reason in ((url, "too_large"), ("data:;base64,?", "forbidden")):
        with pytest.raises(FetchError) as refused:
            await fetcher.fetch(odd, hosts=(), limit_bytes=9, timeout_seconds=30.0)
        assert (refused.value.reason, refused.value.host) == (reason, "")


async def test_what_is_asked_is_the_checked_url() -> None:
    """The path goes out byte for byte, the file is asked for as it is, nothing is told of us."""
    async with a_peer(an_answer()) as peer:
        await fetched(peer, url=peer.url("/o%20k/../b?X-Sig=a%2Fb'c#part"))

    request, *headers = peer.heads[0].decode().strip().split("\r\n")
    assert request == "GET /o%20k/../b?X-Sig=a%2Fb'c HTTP/1.1"
    assert f"Host: 127.0.0.1:{peer.port}" in headers
    assert "Accept-Encoding: identity" in headers
    assert not any(header.lower().startswith(("cookie", "authorization")) for header in headers)


@pytest.mark.parametrize("told", [None, "Content-Type:", f"Content-Type: {'a' * 300}"])
async def test_a_content_type_may_be_missing(told: str | None) -> None:
    """An absent, empty or endless one is none."""
    async with a_peer(an_answer(b"?", headers=(told,) if told else ())) as peer:
        assert await fetched(peer) == Fetched(b"?", None, None)


async def test_an_empty_file_is_a_file() -> None:
    """Nothing is nothing, not an error."""
    async with a_peer(an_answer(b"", headers=("Content-Length: 0",))) as peer:
        assert (await fetched(peer)).content == b""


async def test_case_52_the_checked_address_is_the_one_connected_to() -> None:
    """DNS that changes its mind after the check is not asked again; the name still is the host."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with (
        a_peer(an_answer()) as peer,
        a_peer(an_answer(b"inside"), host="127.0.0.2", port=peer.port) as trap,
    ):
        fetcher = Fetcher(allow_private=True, resolve=names)
        got = await fetched(peer, url=peer.url(host=NAME), fetcher=fetcher)

    assert got.content == PNG
    assert names.asked == 1
    assert f"Host: {NAME}:{peer.port}".encode() in peer.heads[0]
    assert trap.heads == []


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%1"],
        ["169.254.169.254"],
        ["0.0.0.0"],  # noqa: S104
    ],
)
async def test_case_52_a_name_with_a_private_address_is_refused(found: list[str]) -> None:
    """One private address among public ones is enough, and nobody is connected to."""
    fetcher = Fetcher(allow_private=False, resolve=Names(found))
    async with a_peer(an_answer()) as peer:
        with pytest.raises(FetchError) as caught:
            await fetched(peer, url=peer.url(host=NAME), fetcher=fetcher)

    assert (caught.value.reason, caught.value.detail) == ("forbidden", "private_address")
    assert peer.heads == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "169.254.169.254",
        "[::ffff:7f00:1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[::1]",
        "[::]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "localhost",
    ],
)
async def test_case_52_no_form_of_a_private_address_is_fetched(host: str) -> None:
    """Even when the list names it, in whatever form."""
    async with a_peer(an_answer()) as peer:
        with pytest.raises(FetchError) as caught:
            await Fetcher(allow_private=False).fetch(
                peer.url(host=host),
                hosts=(f"{host}:{peer.port}",),
                limit_bytes=100,
                timeout_seconds=30,
            )

    assert caught.value.reason == "forbidden"
    assert peer.heads == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "304 Same", "307 There"])
async def test_case_52_a_redirect_is_not_followed(status: str) -> None:
    """Not even to a listed host: what is behind it was never checked."""
    async with a_peer(an_answer(b"inside")) as trap:
        answer = an_answer(b"", status=status, headers=(f"Location: {trap.url()}",))
        async with a_peer(answer) as peer:
            with pytest.raises(FetchError) as caught:
                await fetched(peer)

    assert (caught.value.reason, caught.value.status) == ("redirect", int(status[:3]))
    assert trap.heads == []


async def test_an_unlisted_host_is_never_looked_up() -> None:
    """The list is asked before the resolver is."""
    names = Names(["127.0.0.1"])
    fetcher = Fetcher(allow_private=True, resolve=names)
    async with a_peer(an_answer()) as peer:
        with pytest.raises(FetchError, match=r"^other\.example: forbidden \(host\)$"):
            await fetched(peer, url="http://other.example/a", fetcher=fetcher)

    assert names.asked == 0


@pytest.mark.parametrize("status", ["204 No Content", "206 Partial", "404 Gone", "500 Oops"])
async def test_anything_but_a_whole_file_is_an_error(status: str) -> None:
    """Only 200 is an answer to what was asked."""
    async with a_peer(an_answer(b"", status=status)) as peer:
        with pytest.raises(FetchError) as caught:
            await fetched(peer)

    assert (caught.value.reason, caught.value.status) == ("status", int(status[:3]))


@pytest.mark.parametrize(
    "answer",
    [
        endless,
        an_answer(headers=("Content-Length: 1008",)),
        an_answer(headers=("Content-Length: 10000000000",)),
        an_answer(),
        an_answer(
            b"800\r\n" + bytes(2048) + b"\r\n0\r\n\r\n",
            headers=("Transfer-Encoding: chunked", "Content-Length: 5"),
        ),
    ],
    ids=["endless", "announced", "announced-huge", "unannounced", "lying"],
)
async def test_a_file_too_large_is_left(answer: Answer) -> None:
    """Announced or not, endless or not, reading ends at the limit."""
    async with a_peer(answer) as peer:
        with pytest.raises(FetchError) as caught:
            await fetched(peer, limit_bytes=1007)

    assert caught.value.reason == "too_large"


async def test_the_limit_itself_is_allowed() -> None:
    """A file of just the limit is whole."""
    async with a_peer(an_answer()) as peer:
        assert (await fetched(peer, limit_bytes=len(PNG))).content == PNG


async def test_a_length_that_promises_too_little_cuts_the_file() -> None:
    """What comes after the announced end is not read."""
    async with a_peer(an_answer(headers=("Content-Length: 100",))) as peer:
        assert (await fetched(peer)).content == PNG[:100]


@pytest.mark.parametrize(
    "answer",
    [
        an_answer(headers=("Content-Length: 5000",)),
        an_answer(headers=("Content-Length: x",)),
        an_answer(b"zz\r\n", headers=("Transfer-Encoding: chunked",)),
        an_answer(status="\x00"),
    ],
    ids=["promises-too-much", "no-number", "no-chunk", "no-http"],
)
async def test_a_broken_answer_is_the_networks_fault(answer: Answer) -> None:
    """It may be better next time."""
    async with a_peer(answer) as peer:
        with pytest.raises(FetchError) as caught:
            await fetched(peer)

    assert caught.value.reason == "network"


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
async def test_a_compressed_file_is_refused(encoding: str) -> None:
    """A gzip bomb is neither unfolded nor read."""
    bomb = gzip.compress(bytes(1_000_000))
    async with a_peer(an_answer(bomb, headers=(f"Content-Encoding: {encoding}",))) as peer:
        with pytest.raises(FetchError) as caught:
            await fetched(peer)

    assert caught.value.reason == "encoding"


async def test_a_peer_that_falls_silent_is_left() -> None:
    """The time for a whole fetch ends it, however long a single read may take."""
    async with a_peer(silent) as peer:
        with pytest.raises(FetchError) as caught:
            await fetched(peer, timeout_seconds=0.05)

    assert caught.value.reason == "timeout"


async def test_a_long_silence_is_a_timeout() -> None:
    """The time for a single read ends it, however long a whole fetch may take."""
    async with a_peer(silent) as peer:
        with pytest.raises(FetchError) as caught:
            await fetched(peer, fetcher=Fetcher(allow_private=True, read_seconds=0.05))

    assert caught.value.reason == "timeout"


async def test_the_next_address_is_tried() -> None:
    """A host is reachable when one of its addresses is."""
    names = Names(["127.0.0.9", "127.0.0.1"])
    async with a_peer(an_answer()) as peer:
        fetcher = Fetcher(allow_private=True, resolve=names)
        got = await fetched(peer, url=peer.url(host=NAME), fetcher=fetcher)

    assert got.content == PNG


@pytest.mark.parametrize("found", [[], ["127.0.0.9", "127.0.0.8"]])
async def test_a_host_out_of_reach_is_the_networks_fault(found: list[str]) -> None:
    """No address, or none that answers."""
    fetcher = Fetcher(allow_private=True, resolve=Names(found))
    async with a_peer(an_answer()) as peer:
        with pytest.raises(FetchError) as caught:
            await fetched(peer, url=peer.url(host=NAME), fetcher=fetcher)

    assert caught.value.reason == "network"


async def test_a_name_nobody_knows_is_the_networks_fault() -> None:
    """The system's resolver says so without asking anybody: no name has a label like this."""
    with pytest.raises(FetchError) as caught:
        await Fetcher(allow_private=True).fetch(
            "http://xn--a.invalid/", hosts=("*.invalid",), limit_bytes=1, timeout_seconds=30
        )

    assert (caught.value.reason, caught.value.detail) == ("network", "name")


async def test_the_systems_resolver_knows_this_machine() -> None:
    """Without a resolver of the caller's, names are looked up as everywhere else."""
    async with a_peer(an_answer()) as peer:
        got = await Fetcher(allow_private=True).fetch(
            peer.url(host="localhost"),
            hosts=(f"localhost:{peer.port}",),
            limit_bytes=100_000,
            timeout_seconds=30,
        )

    assert got.content == PNG


async def test_tls_asks_for_the_name_not_the_address() -> None:
    """The server name in the greeting is the host's, and without a certificate nothing is told."""
    hello = asyncio.Event()
    greetings: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greetings.append(await reader.read(4096))
        hello.set()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(FetchError) as caught:
            await Fetcher(allow_private=True, resolve=Names(["127.0.0.1"])).fetch(
                f"https://{NAME}:{port}/SECRET",
                hosts=(f"{NAME}:{port}",),
                limit_bytes=1,
                timeout_seconds=30,
            )
        await hello.wait()

    assert caught.value.reason == "network"
    assert NAME.encode() in greetings[0]
    assert b"SECRET" not in greetings[0]


async def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name once more, by itself."""
    async with a_peer(an_answer()) as peer, a_peer(an_answer(b"proxied")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        got = await fetched(peer)

    assert got.content == PNG
    assert proxy.heads == []


@pytest.mark.parametrize(
    "answer",
    [an_answer(b"", status="403 No"), an_answer(headers=("Content-Length: 9999999",))],
    ids=["status", "too-large"],
)
async def test_case_53_no_error_holds_a_signature(answer: Answer) -> None:
    """The message names the host alone."""
    async with a_peer(answer) as peer:
        with pytest.raises(FetchError) as caught:
            await fetched(peer, url=peer.url("/SECRET?X-Amz-Signature=SECRET"))

    assert str(caught.value).startswith("127.0.0.1: ")
    assert "SECRET" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_stream_gives_the_whole_file_in_pieces() -> None:
    """What it is can be told before the rest is read."""
    content = PNG * 300
    headers = (f"Content-Length: {len(content)}", "Content-Type: image/png")
    async with (
        a_peer(an_answer(content, headers=headers)) as peer,
        Fetcher(allow_private=True).stream(
            peer.url(), hosts=peer.listed, limit_bytes=len(content), timeout_seconds=30
        ) as streamed,
    ):
        told = (streamed.sniffed, streamed.content_type, streamed.length)
        chunks = [chunk async for chunk in streamed.chunks]

    assert told == (sniffing.PNG, "image/png", len(content))
    assert len(chunks) > 1
    assert b"".join(chunks) == content


async def test_a_stream_can_be_left_early() -> None:
    """The rest of an endless file is not read, and nothing stays open."""
    async with (
        a_peer(endless) as peer,
        Fetcher(allow_private=True).stream(
            peer.url(), hosts=peer.listed, limit_bytes=10**9, timeout_seconds=30
        ) as streamed,
    ):
        async for chunk in streamed.chunks:
            assert not any(chunk)
            break


async def test_a_stream_ends_in_its_time_with_the_callers_work() -> None:
    """A caller that does not come back in time is told like one whose peer is slow."""
    async with a_peer(an_answer()) as peer:
        with pytest.raises(FetchError) as caught:
            async with Fetcher(allow_private=True).stream(
                peer.url(), hosts=peer.listed, limit_bytes=10**9, timeout_seconds=0.2
            ):
                await asyncio.Event().wait()

    assert caught.value.reason == "timeout"


@pytest.mark.parametrize("error", [TimeoutError("mine"), OSError("disk full")])
async def test_the_callers_own_errors_stay_its_own(error: Exception) -> None:
    """What goes wrong with the chunks elsewhere is not blamed on the peer."""
    async with a_peer(an_answer()) as peer:
        with pytest.raises(type(error), match=str(error)):
            async with Fetcher(allow_private=True).stream(
                peer.url(), hosts=peer.listed, limit_bytes=10**9, timeout_seconds=30
            ):
                raise error


BEARER = SecretStr("Bearer nobody-reads-this")


def owning(peer: Peer, *paths: str, resolve: Names | None = None) -> Fetcher:
    """Return a fetcher for which what lies below these paths of a peer is our own."""
    return Fetcher(
        allow_private=False,
        resolve=resolve or Names(()),
        own={
            f"http://{host}:{peer.port}{path}": {
                "Authorization": BEARER,
                "user-agent": SecretStr(f"below:{path}"),
            }
            for path in paths
            for host in ("127.0.0.1", NAME)
        },
    )


async def test_a_server_of_our_own_may_be_private_and_hears_its_credentials() -> None:
    """By address or by name; each server below one address its own, in place of our headers."""
    async with a_peer(an_answer()) as peer:
        fetcher = owning(peer, "/a", "/a/b", resolve=Names(("127.0.0.1",)))
        for path, host in [("/a/view?x=1", "127.0.0.1"), ("/a/b/view", NAME)]:
            got = await fetched(peer, url=peer.url(path, host), fetcher=fetcher)
            assert got.content == PNG

    first, second = (head.decode().lower() for head in peer.heads)
    assert BEARER.get_secret_value().lower() in first
    assert "user-agent: below:/a\r\n" in first
    assert "user-agent: below:/a/b\r\n" in second
    assert "runrelay" not in first
    assert f"host: {NAME}:{peer.port}" in second


@pytest.mark.parametrize("path", ["/", "/ab/view", "/A/view", "/a"])
async def test_what_does_not_lie_below_it_is_a_strangers(path: str) -> None:
    """It is not asked, and no credential is shown to it."""
    async with a_peer(an_answer()) as peer:
        with pytest.raises(FetchError, match="private_address"):
            await fetched(peer, url=peer.url(path), fetcher=owning(peer, "/a"))

    assert peer.heads == []


async def test_a_server_of_our_own_keeps_all_other_rules() -> None:
    """No redirect, no file over the limit, no host that is not listed; no error tells of it."""
    redirect = an_answer(status="302 Found", headers=("Location: http://x/", "Connection: close"))
    async with a_peer(redirect) as peer:
        with pytest.raises(FetchError, match="redirect") as caught:
            await fetched(peer, fetcher=owning(peer, ""))
        assert "nobody-reads-this" not in f"{caught.value!r} {caught.value}"
    async with a_peer(endless) as peer:
        with pytest.raises(FetchError, match="too_large"):
            await fetched(peer, fetcher=owning(peer, ""))
        with pytest.raises(FetchError, match="host"):
            await owning(peer, "").fetch(
                peer.url(), hosts=("elsewhere.example",), limit_bytes=9, timeout_seconds=9
            )
