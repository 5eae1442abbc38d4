"""Keeping through the real fetcher into a real folder: what other people's servers can do."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from app.engines.fetching import Fetcher
from app.errors import PeerBusyError
from app.observability.journal import Journal
from app.store.objects import ObjectStorage
from app.usecases.keep_outputs import KeepOutputs
from app.usecases.records import Records
from app.usecases.taking import Taking
from processors import runs
from schemas.generation import Response
from schemas.run import Output, RunStatus
from schemas.timing import Timing
from tests.app.engines.test_fetching import Answer, a_peer, an_answer, endless, silent
from tests.builders import (
    COMFYDEPLOY,
    HERE,
    ID,
    RUN,
    a_debt,
    a_generation,
    a_report,
    an_output,
    later,
    the_debt,
)
from tests.fakes.clock import FakeClock
from tests.fakes.engines import FakeEngine
from tests.fakes.generations import FakeGenerations
from tests.fakes.storage import PICTURE

pytestmark = pytest.mark.anyio

SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
LIMITS: Final = Timing(keep_limit=timedelta(seconds=10))


class Listing(FakeEngine):
    """An engine whose outputs lie on one host."""

    listed_hosts: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """See app.ports.Engine."""
        return self.listed_hosts


class Keeping:
    """The handler on a generation whose only output is at a URL."""

    def __init__(
        self,
        folder: Path,
        url: str,
        hosts: tuple[str, ...],
        *,
        attempts: int = 0,
        timing: Timing = LIMITS,
        allow_private: bool = True,
    ) -> None:
        self.generations = FakeGenerations()
        self.output = an_output(url=url, filename="a.png")
        self.generations.records[ID] = a_generation(
            RunStatus.COMPLETED,
            ended_by="engine",
            response_payload=Response(outputs=(self.output,)),
            owed=(a_debt(runs.KEEP, by=HERE, next_at=later(75), attempts=attempts),),
        )
        self.storage = ObjectStorage.under(folder)
        records = Records(self.generations, FakeClock(), Journal())
        engine = Listing()
        engine.listed_hosts = hosts
        engine.reports[RUN] = a_report(outputs=(self.output,))
        self._records = records
        self._handler = KeepOutputs(
            records,
            {COMFYDEPLOY: engine},
            files=Fetcher(allow_private=allow_private),
            storage=self.storage,
            taking=Taking(HERE, timing, background=True, messenger=None),
            timing=timing,
        )

    async def tried(self) -> Output:
        """Return the output after one try."""
        record = self.generations.records[ID]
        decide = await self._handler(record, the_debt(record, runs.KEEP))
        assert decide is not None
        await self._records.change(ID, decide)
        return self.generations.records[ID].response_payload.outputs[0]

    async def files(self) -> list[str]:
        """Return the keys of all there is in storage."""
        return [each.key async for each in self.storage.listed("outputs/")]


@asynccontextmanager
async def keeping(
    folder: Path, answer: Answer, *, attempts: int = 0, timing: Timing = LIMITS
) -> AsyncGenerator[Keeping]:
    """Yield the handler, with an output at a peer that answers so."""
    async with a_peer(answer) as peer:
        yield Keeping(folder, peer.url(), peer.listed, attempts=attempts, timing=timing)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (PICTURE, "image/png"),
        (SVG, "application/octet-stream"),
        (b"a text that is called a.png", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
async def test_a_file_is_what_its_content_shows(
    content: bytes, content_type: str, tmp_path: Path
) -> None:
    """Whatever its server and its name say."""
    answer = an_answer(content, headers=("Connection: close", "Content-Type: image/png"))
    async with keeping(tmp_path, answer) as kept:
        output = await kept.tried()

        assert output.key is not None
        assert output.content_type == content_type
        parts = [each async for each in kept.storage.read(output.key, 0, len(content))]
        assert b"".join(parts) == content
        assert kept.generations.records[ID].owed == ()


@pytest.mark.parametrize(
    "answer",
    [
        an_answer(status="302 Found", headers=("Location: http://127.0.0.1/", "Connection: close")),
        an_answer(status="403 Forbidden"),
        an_answer(headers=("Content-Length: 5000", "Connection: close")),
    ],
    ids=["a redirect", "a refusal", "half a file"],
)
async def test_what_cannot_be_had_leaves_nothing(answer: Answer, tmp_path: Path) -> None:
    """It is tried again, and nothing of it is seen meanwhile."""
    async with keeping(tmp_path, answer) as kept:
        with pytest.raises(PeerBusyError):
            await kept.tried()

        assert await kept.files() == []
        assert the_debt(kept.generations.records[ID], runs.KEEP)


async def test_what_takes_too_long_leaves_nothing(tmp_path: Path) -> None:
    """A server that goes silent in the middle of a file is not waited for."""
    timing = Timing(keep_limit=timedelta(seconds=0.3))
    async with keeping(tmp_path, silent, timing=timing) as kept, asyncio.timeout(20):
        with pytest.raises(PeerBusyError, match="timeout"):
            await kept.tried()

        assert await kept.files() == []


async def test_what_is_announced_as_too_large_is_not_begun(tmp_path: Path) -> None:
    """It is marked, and never asked for again."""
    answer = an_answer(headers=("Content-Length: 2000000000", "Connection: close"))
    async with keeping(tmp_path, answer) as kept:
        assert (await kept.tried()).not_kept == "too_large"
        assert await kept.files() == []


async def test_a_body_without_end_is_cut_off_by_the_clock(tmp_path: Path) -> None:
    """Before it fills the disk; nothing of it stays."""
    timing = Timing(keep_limit=timedelta(seconds=0.3))
    async with keeping(tmp_path, endless, timing=timing) as kept, asyncio.timeout(20):
        with pytest.raises(PeerBusyError, match="timeout"):
            await kept.tried()

        assert await kept.files() == []
        left = await asyncio.to_thread(lambda: [*tmp_path.rglob("*.png*")])
        assert left == []


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
async def test_what_is_gone_under_a_fresh_address_is_gone(status: str, tmp_path: Path) -> None:
    """The first try only counts; after the engine was asked it is for sure."""
    async with keeping(tmp_path, an_answer(status=status)) as first:
        with pytest.raises(PeerBusyError):
            await first.tried()
    async with keeping(tmp_path, an_answer(status=status), attempts=1) as second:
        assert (await second.tried()).not_kept == "gone"


async def test_only_listed_and_public_hosts_are_asked(tmp_path: Path) -> None:
    """Neither a host that is not listed nor a private address hears of us."""
    async with a_peer(an_answer()) as peer:
        strange = Keeping(tmp_path, peer.url(), ("elsewhere.example.com",))
        private = Keeping(tmp_path, peer.url(), peer.listed, allow_private=False)
        for each in (strange, private):
            with pytest.raises(PeerBusyError, match="forbidden"):
                await each.tried()

        assert peer.heads == []
