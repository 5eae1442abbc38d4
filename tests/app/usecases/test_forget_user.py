"""app.usecases.forget_user: somebody's data goes, piece by piece, whoever dies in between."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from app.errors import ConflictError, ContendedError, NotFoundError, PeerDownError, StoreDownError
from app.observability.journal import Journal
from app.usecases.forget_user import (
    ForgetChat,
    ForgetGenerations,
    ForgetJobs,
    ForgetPictures,
    ForgetUser,
)
from app.usecases.records import Records, RecordsOf
from processors import jobs, runs
from processors.images import keys
from schemas.base import GenerationId, InstanceName, UserId
from schemas.generation import Generation, Request, Response
from schemas.job import Job, JobStatus, Outcome
from schemas.run import RunStatus
from schemas.user import Role, User
from tests.builders import (
    CHAT,
    JOB,
    NOON,
    USER,
    a_debt,
    a_generation,
    a_job,
    a_step,
    a_user,
    an_output,
    some_metadata,
)
from tests.fakes.chats import FakeChats
from tests.fakes.clock import FakeClock
from tests.fakes.controls import FakeDeeds
from tests.fakes.conversations import FakeConversations
from tests.fakes.gates import Turnstile
from tests.fakes.generations import FakeGenerations
from tests.fakes.jobs import FakeJobs
from tests.fakes.storage import PICTURE, FakeStorage
from tests.fakes.users import FakeUsers

pytestmark = pytest.mark.anyio

BY = "telegram:4711"
ADA = a_user(username="ada", language="pt", roles=(Role.ADMIN,), idempotency_key="k")
GIVEN = f"inputs/{'a' * 32}.png"


def the(number: int) -> GenerationId:
    """Return the id of that number."""
    return GenerationId(f"{number:032x}")


def made(number: int, **fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """Something that Ada had made, with a picture given and one copied."""
    key = f"outputs/{the(number)}/1-0a1b2c3d-1.png"
    known: dict[str, Any] = {
        "status": RunStatus.COMPLETED,
        "id": the(number),
        "owed": (),
        "due_at": None,
        "metadata": some_metadata(user_id=USER, telegram_chat_id=-1),
        "request_payload": Request(deployment_id="d", inputs={"image": f"media:{GIVEN}"}),
        "response_payload": Response(outputs=(an_output(key=key),)),
    }
    return a_generation(**(known | fields))


class Scene:
    """Ada, and what there is of her."""

    def __init__(self, *generations: Generation, users: FakeUsers | None = None) -> None:
        self.gate = Turnstile()
        self.users, self.chats, self.deeds = users or FakeUsers(), FakeChats(), FakeDeeds()
        self.users.records[USER] = ADA
        self.generations = FakeGenerations({each.id: each for each in generations})
        self.storage = FakeStorage(gate=self.gate)
        self.storage.files[GIVEN] = PICTURE
        for each in generations:
            self.storage.files |= dict.fromkeys(runs.files_of(each), PICTURE)
            self.storage.files[f"outputs/{each.id}/9-0a1b2c3d-orphan.png"] = PICTURE
        self.clock = FakeClock()
        self.jobs, self.conversations = FakeJobs(), FakeConversations()
        records = Records(self.generations, self.clock, Journal())
        orders = RecordsOf[Job](self.jobs, self.clock, Journal().ordered)
        self.forget = ForgetUser(
            self.users,
            [
                ForgetGenerations(records, self.storage),
                ForgetJobs(self.jobs, orders),
                ForgetPictures(self.generations, self.storage),
                ForgetChat(self.chats, self.conversations),
            ],
            kept=self.jobs,
            digest="digest of {}".format,
            deeds=self.deeds,
            clock=self.clock,
        )

    @property
    def ada(self) -> User:
        """What is known of her now."""
        return self.users.records[USER]


async def test_somebody_is_forgotten() -> None:
    """Their names, words, pictures and chat; their id stays, and what others own."""
    others = made(3, metadata=some_metadata(user_id="other", telegram_chat_id=9))
    programs = made(2, metadata=some_metadata(telegram_chat_id=CHAT))
    scene = Scene(made(1), programs, others)
    scene.storage.files["inputs/of-another"] = PICTURE
    await scene.chats.blocked(CHAT, "x", NOON)
    await scene.conversations.set_state(CHAT, CHAT, "ordering", NOON)
    wanted = await scene.forget.begin(USER, by=BY)
    assert await scene.forget.sweep() == 1

    assert (wanted.forget_wanted_at, wanted.first_name) == (NOON, "Ada")
    assert scene.ada == a_user(
        telegram_id=None,
        first_name=None,
        forgotten_at=NOON,
        telegram_digest="digest of 4711",
        version=3,
    )
    assert [each.metadata.telegram_chat_id for each in scene.generations.records.values()] == [
        None,
        None,
        9,
    ]
    assert scene.generations.records[the(1)].request_payload.inputs == {}
    assert scene.generations.records[the(3)] == others
    kept = {each for each in scene.storage.files if not each.startswith(f"outputs/{the(3)}")}
    assert kept == {"inputs/of-another"}
    assert scene.chats.closed == {}
    assert (await scene.conversations.get(CHAT, CHAT)).state is None
    [deed] = scene.deeds.done
    assert (deed.by, deed.verb, deed.subject) == (BY, "forget", f"user:{USER}")


async def test_who_is_forgotten_stays_so() -> None:
    """Wanting it again, before or after, does nothing."""
    scene = Scene()
    first = await scene.forget.begin(USER, by=BY)
    assert await scene.forget.begin(USER, by=BY) == first
    await scene.forget.sweep()
    assert await scene.forget.begin(USER, by=BY) == scene.ada
    assert await scene.forget.sweep() == 0

    assert len(scene.deeds.done) == 1


async def test_jobs_that_have_not_ended_are_named() -> None:
    """They are to be cancelled or awaited; one that slipped in holds up the rest."""
    scene = Scene(made(1))
    scene.jobs.records[JOB] = a_job()
    with pytest.raises(ConflictError, match=f"jobs have not ended: {JOB};"):
        await scene.forget.begin(USER, by=BY)
    assert scene.deeds.done == []

    del scene.jobs.records[JOB]
    await scene.forget.begin(USER, by=BY)
    scene.jobs.records[JOB] = a_job()
    assert await scene.forget.sweep() == 0
    assert scene.generations.records[the(1)] == made(1)
    scene.jobs.records[JOB] = a_job(status=JobStatus.CANCELLED)
    assert await scene.forget.sweep() == 1


async def test_what_somebody_ordered_is_blanked() -> None:
    """Once no credits are held for it, and nothing of it is being told."""
    scene = Scene()
    settled = Outcome(status=RunStatus.FAILED, price=Decimal(0), reason="no lighthouse")
    done = a_step(inputs={"prompt": "a lighthouse"}, outcome=settled)
    held = done.change(outcome=settled.change(price=None))
    telling = a_debt(jobs.NOTIFY, by=InstanceName("there"))
    ended = a_job(status=JobStatus.FAILED, steps=(done,), owed=(a_debt(jobs.NOTIFY),))
    await scene.forget.begin(USER, by=BY)
    for waiting in (ended.change(steps=(held,)), ended.change(owed=(telling,))):
        scene.jobs.records[JOB] = waiting
        assert await scene.forget.sweep() == 0
        assert scene.jobs.records[JOB] == waiting

    scene.jobs.records[JOB] = ended
    assert await scene.forget.sweep() == 1
    after = scene.jobs.records[JOB]
    assert "lighthouse" not in after.model_dump_json()
    assert (after.chat, after.owed, after.price) == (None, (), 0)


@pytest.mark.parametrize(
    "unfinished",
    [
        made(1, status=RunStatus.RUNNING),
        made(1, owed=(a_debt(runs.ASK),), due_at=NOON),
    ],
)
async def test_what_is_not_over_is_waited_for(unfinished: Generation) -> None:
    """The rest goes meanwhile."""
    scene = Scene(unfinished, made(2))
    await scene.forget.begin(USER, by=BY)

    assert await scene.forget.sweep() == 0
    assert scene.generations.records[the(1)] == unfinished
    assert scene.generations.records[the(2)].response_payload == Response()
    assert scene.ada.forget_wanted_at is not None
    scene.generations.records[the(1)] = made(1, version=2)
    assert await scene.forget.sweep() == 1


async def test_pictures_that_were_never_ordered_with_go() -> None:
    """What is given is somebody's before any order names it; nobody else's goes with it."""
    scene = Scene()
    mine, other = (f"{keys.owned(each)}{'0' * 16}.png" for each in (USER, UserId("other")))
    nobodys = f"{keys.owned(None)}{'0' * 16}.png"
    scene.storage.files = dict.fromkeys((mine, other, nobodys), PICTURE)
    await scene.forget.begin(USER, by=BY)

    assert await scene.forget.sweep() == 1
    assert scene.storage.files.keys() == {other, nobodys}


async def test_a_picture_stays_while_a_run_needs_it() -> None:
    """It may yet have to be handed over, whoever ordered that."""
    mine = f"{keys.owned(USER)}{'0' * 16}.png"
    asked = Request(deployment_id="d", inputs={"image": f"media:{mine}"})
    programs = some_metadata(telegram_chat_id=9)
    running = made(9, status=RunStatus.RUNNING, request_payload=asked, metadata=programs)
    scene = Scene()
    scene.generations.records[the(9)] = running
    scene.storage.files = {mine: PICTURE}
    await scene.forget.begin(USER, by=BY)

    assert await scene.forget.sweep() == 0
    assert scene.storage.files == {mine: PICTURE}
    scene.generations.records[the(9)] = running.change(status=RunStatus.FAILED)
    assert await scene.forget.sweep() == 1
    assert scene.storage.files == {}


async def test_many_records_go_page_by_page() -> None:
    """All of them."""
    scene = Scene(*(made(number) for number in range(1, 121)))
    await scene.forget.begin(USER, by=BY)

    assert await scene.forget.sweep() == 1
    assert scene.storage.files == {}
    left = [each.request_payload.inputs for each in scene.generations.records.values()]
    assert left == [{}] * 120


async def test_a_storage_that_is_away_holds_up_the_name() -> None:
    """The next sweep goes on, and finds every file by its record."""
    scene = Scene(made(1), made(2))
    await scene.forget.begin(USER, by=BY)
    scene.gate.down = PeerDownError("storage", "is away")
    # FakeStorage passes its gate before it deletes.
    assert await scene.forget.sweep() == 0
    assert scene.ada.telegram_id == CHAT

    scene.gate.down = None
    assert await scene.forget.sweep() == 1
    assert scene.storage.files == {}


async def test_dying_anywhere_leaves_the_rest_to_the_next() -> None:
    """However many calls of the database were made before."""
    for before in range(12):
        scene = Scene(made(1, owed=(a_debt(runs.NOTIFY),), due_at=NOON))
        await scene.forget.begin(USER, by=BY)
        scene.generations.gate = Turnstile([*[None] * before, StoreDownError("dies")])
        await scene.forget.sweep()
        scene.generations.gate = Turnstile()
        await scene.forget.sweep()

        assert scene.ada.forgotten_at == NOON
        assert scene.storage.files == {}
        assert scene.generations.records[the(1)].request_payload.inputs == {}


async def test_nobody_unknown_is_forgotten() -> None:
    """And nothing is written down."""
    scene = Scene()
    with pytest.raises(NotFoundError):
        await scene.forget.begin(UserId("x"), by=BY)
    assert scene.deeds.done == []


async def test_a_record_that_is_gone_is_no_fault() -> None:
    """It expired between a look and the next."""

    class Expiring(FakeGenerations):
        async def write(self, writes: Sequence[object]) -> frozenset[GenerationId]:
            self.records.clear()
            return frozenset({the(1)}) if writes else frozenset()

    scene = Scene()
    generations = Expiring({the(1): made(1, owed=(a_debt(runs.NOTIFY),), due_at=NOON)})
    part = ForgetGenerations(Records(generations, scene.clock, Journal()), scene.storage)

    assert await part(ADA)


async def test_a_person_without_telegram_has_no_chat() -> None:
    """Nor a digest."""
    scene = Scene(made(1))
    scene.users.records[USER] = ADA.change(telegram_id=None)
    await scene.forget.begin(USER, by=BY)

    assert await scene.forget.sweep() == 1
    assert scene.ada.telegram_digest is None


async def test_a_write_that_is_lost_again_and_again_is_given_up() -> None:
    """Somebody else is at it."""

    class Contended(FakeUsers):
        async def write(self, before: User, after: User) -> bool:
            del before, after
            return False

    with pytest.raises(ContendedError):
        await Scene(users=Contended()).forget.begin(USER, by=BY)
