"""app.telegram.conversation.watching: files that are gone, large, or not there yet."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiogram.types import CallbackQuery

from app.telegram.conversation.ordering import Shop
from app.telegram.conversation.watching import UPLOAD_MOST, StoredFile, Watching
from app.usecases.links import Links
from app.usecases.orders import JobView
from schemas.generation import Response
from schemas.run import RunStatus
from tests.app.telegram.conversation.test_ordering import FakeTalk, a_turn
from tests.builders import JOB, NOON, a_generation, a_job, an_output
from tests.fakes.clock import FakeClock
from tests.fakes.presets import FakePresets
from tests.fakes.storage import FakeStorage

pytestmark = pytest.mark.anyio

TAP = cast("CallbackQuery", SimpleNamespace(id="tap"))
BASE = "https://relay.test"


class Talk(FakeTalk):
    """Remembers answers and calls as well."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = list[str]()
        self.calls = list[Any]()

    async def answer(self, callback_id: str, text: str = "", *, alert: bool = False) -> None:
        """See app.telegram.talking.Talk."""
        del callback_id, alert
        self.answers.append(text)

    async def call(self, chat_id: int, method: object) -> None:
        """See app.telegram.talking.Talk."""
        del chat_id
        self.calls.append(method)


class Orders:
    """One order, with these outputs."""

    def __init__(self, **output: Any) -> None:  # noqa: ANN401 - any field of an output
        made = Response(outputs=(an_output(**output),))
        self.view = JobView(a_job(), (a_generation(RunStatus.COMPLETED, response_payload=made),))

    async def get(self, job_id: str) -> JobView:
        """See app.usecases.orders.Orders."""
        del job_id
        return self.view


async def asked_for(talk: Talk, storage: FakeStorage, **output: Any) -> None:  # noqa: ANN401 - any field of an output
    """Tap on Original file, under an order with one output."""
    shop = cast("Shop", SimpleNamespace(orders=Orders(**output)))
    links = Links((b"k" * 32,), BASE, FakeClock(NOON))
    await Watching(shop, FakePresets(), storage, links).originals(TAP, a_turn(talk), JOB)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"key": None}, "The file is still being stored. Please try again in a minute."),
        ({"key": None, "not_kept": "expired"}, "The file is not kept any more."),
    ],
)
async def test_a_file_that_is_not_there(output: dict[str, Any], said: str) -> None:
    """It is still to come, or will never be."""
    talk = Talk()
    await asked_for(talk, FakeStorage(), **output)

    assert (talk.answers, talk.messages) == ([said], {})


async def test_a_file_that_has_gone_meanwhile() -> None:
    """The record says that there is one, and there is none."""
    talk = Talk()
    await asked_for(talk, FakeStorage(), key="outputs/a/b.png")

    assert talk.messages == {100: "The file is not kept any more."}


@pytest.mark.parametrize("size", [5, UPLOAD_MOST + 1])
async def test_a_large_file_is_a_link(size: int) -> None:
    """One that can be sent is read from storage as it is sent."""
    talk, storage = Talk(), FakeStorage()
    storage.files["outputs/a/b.png"] = bytes(size)
    await asked_for(talk, storage, key="outputs/a/b.png", filename="b.png")

    if size > UPLOAD_MOST:
        assert talk.messages[100].startswith(f'<a href="{BASE}/media/')
        assert talk.calls == []
        return
    (sent,) = talk.calls
    file = cast("StoredFile", sent.document)
    assert b"".join([each async for each in file.read(cast("Any", None))]) == bytes(size)
    assert file.filename == "b.png"
