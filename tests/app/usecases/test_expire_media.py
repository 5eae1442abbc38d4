"""app.usecases.expire_media: old copies go, of runs that have ended, and their records know."""

from datetime import timedelta
from typing import Final

import pytest

from app.errors import ContendedError, PeerDownError
from app.observability.journal import Journal
from app.usecases.expire_media import ExpireMedia
from app.usecases.records import Decide, Records
from schemas.base import GenerationId, InstanceName
from schemas.generation import Generation, Metadata, Request, Response
from schemas.run import RunStatus
from tests.builders import HERE, ID, NOON, a_generation, an_output
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Turnstile
from tests.fakes.generations import FakeGenerations
from tests.fakes.leases import FakeLeases
from tests.fakes.storage import PICTURE, FakeStorage

pytestmark = pytest.mark.anyio

KEEP: Final = timedelta(days=30)
OLD: Final = NOON - timedelta(days=31)
KEY: Final = f"outputs/{ID}/1-0a1b2c3d-1.png"
OTHER: Final = f"outputs/{ID}/2-0a1b2c3d-2.png"


class Retention:
    """Copies, their records, and who deletes them."""

    def __init__(self, status: RunStatus = RunStatus.COMPLETED) -> None:
        self.generations = FakeGenerations()
        outputs = (an_output(key=KEY), an_output("2", key=OTHER))
        self.generations.records[ID] = a_generation(
            status, response_payload=Response(outputs=outputs), owed=()
        )
        self.storage = FakeStorage()
        for key in (KEY, OTHER):
            self.storage.files[key] = PICTURE
        self.storage.at[KEY] = OLD
        self.leases = FakeLeases()
        self.records = Records(self.generations, FakeClock(), Journal())
        self.expiry = self.expiry_of(HERE)

    def expiry_of(self, name: InstanceName) -> ExpireMedia:
        """Return the work as a process does it."""
        return ExpireMedia(self.storage, self.records, self.leases, me=name, keep=KEEP)

    def outputs(self) -> list[tuple[str | None, str | None]]:
        """Return the keys of the outputs, and why they have none."""
        outputs = self.generations.records[ID].response_payload.outputs
        return [(each.key, each.not_kept) for each in outputs]


async def test_old_copies_go_and_their_record_knows() -> None:
    """Only what is older than it is kept; a second look finds nothing more."""
    kept = Retention()

    assert await kept.expiry.once() == 1
    assert kept.outputs() == [(None, "expired"), (OTHER, None)]
    assert set(kept.storage.files) == {OTHER}
    assert await kept.expiry.once() == 0


async def test_what_runs_keeps_its_copies() -> None:
    """However old they are."""
    kept = Retention(RunStatus.RUNNING)

    assert await kept.expiry.once() == 0
    assert set(kept.storage.files) == {KEY, OTHER}
    assert kept.outputs() == [(KEY, None), (OTHER, None)]


async def test_copies_without_a_record_go_as_well() -> None:
    """A record that has expired leaves no copies behind."""
    kept = Retention()
    kept.generations.records.clear()

    assert await kept.expiry.once() == 1
    assert set(kept.storage.files) == {OTHER}


async def test_a_copy_that_a_later_step_takes_stays() -> None:
    """Until that has ended, however old the copy is."""
    kept = Retention()
    later = a_generation(
        RunStatus.PENDING,
        id=GenerationId("d" * 32),
        metadata=Metadata(),
        request_payload=Request(deployment_id="x", inputs={"photo": f"media:{KEY}"}),
    )
    kept.generations.records[later.id] = later

    assert await kept.expiry.once() == 0
    kept.generations.records[later.id] = later.change(status=RunStatus.FAILED)
    assert await kept.expiry.once() == 1


async def test_what_is_no_copy_is_left_alone() -> None:
    """Whatever else somebody put there is not ours to delete."""
    kept = Retention()
    for key in ("outputs/readme.txt", "uploads/a"):
        kept.storage.files[key] = b""
        kept.storage.at[key] = OLD
    await kept.expiry.once()

    assert set(kept.storage.files) == {OTHER, "outputs/readme.txt", "uploads/a"}


async def test_one_process_at_a_time_deletes() -> None:
    """Another leaves it to whoever holds the lease, and takes its turn after that."""
    kept = Retention()
    lease = await kept.leases.acquire("media", HERE, NOON, NOON + timedelta(hours=1))
    assert lease is not None
    other = kept.expiry_of(InstanceName("other"))

    assert await other.once() == 0
    await kept.leases.release(lease)
    assert await other.once() == 1


async def test_a_storage_that_is_down_is_looked_at_later() -> None:
    """The record may know already; the file goes with the next look."""
    kept = Retention()
    kept.storage.gate = gate = Turnstile([None, PeerDownError("storage", "away")])

    assert await kept.expiry.once() == 0
    assert kept.outputs()[0] == (None, "expired")
    assert KEY in kept.storage.files
    assert await kept.expiry.once() == 1
    assert gate.passed == 5


class Contended(Records):
    """Records that others keep writing."""

    async def change(
        self,
        record_id: str,
        decide: Decide,
        seen: Generation | None = None,
        *,
        handed: bool = True,
    ) -> Generation | None:
        """See app.usecases.records.Records."""
        del decide, seen, handed
        raise ContendedError(record_id)


async def test_a_record_that_cannot_be_written_keeps_its_copies() -> None:
    """No copy goes before its record knows."""
    kept = Retention()
    kept.records = Contended(kept.generations, FakeClock(), Journal())

    assert await kept.expiry_of(HERE).once() == 0
    assert KEY in kept.storage.files


INPUT: Final = f"inputs/{'a' * 32}.png"
NEEDED: Final = f"inputs/{'b' * 32}.jpg"


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.RUNNING])
async def test_old_pictures_go_unless_an_open_generation_names_them(status: RunStatus) -> None:
    """Young ones stay, and so does what is none of ours."""
    kept = Retention(status)
    request = Request(deployment_id="a", inputs={"more": [f"media:{NEEDED}"]})
    kept.generations.records[ID] = kept.generations.records[ID].change(request_payload=request)
    young, strange = f"inputs/{'c' * 32}.webp", "inputs/readme.txt"
    for key in (INPUT, NEEDED, young, strange):
        kept.storage.files[key] = PICTURE
        kept.storage.at[key] = NOON if key is young else OLD

    assert await kept.expiry.once() == 1
    assert INPUT not in kept.storage.files
    assert {NEEDED, young, strange} <= kept.storage.files.keys()


async def test_a_picture_goes_after_the_end_of_who_needed_it() -> None:
    """An ended generation needs nothing more."""
    kept = Retention()
    request = Request(deployment_id="a", inputs={"photo": f"media:{NEEDED}"})
    kept.generations.records[ID] = kept.generations.records[ID].change(request_payload=request)
    kept.storage.files[NEEDED], kept.storage.at[NEEDED] = PICTURE, OLD

    assert await kept.expiry.once() == 2
    assert set(kept.storage.files) == {OTHER}
