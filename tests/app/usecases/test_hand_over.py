"""app.usecases.hand_over: an engine is given the pictures of an order, each once in a while."""

from datetime import timedelta

import pytest
from pydantic import JsonValue

from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
)
from app.usecases import hand_over
from app.usecases.hand_over import ADDRESS_MOST, GOOD_FOR, REMEMBERED, HandOver
from tests.app.usecases.scenes import TIMING
from tests.builders import COMFYDEPLOY, later
from tests.fakes.clock import FakeClock
from tests.fakes.engines import FakeEngine
from tests.fakes.fleet import FakeFleet
from tests.fakes.gates import Turnstile
from tests.fakes.storage import PICTURE, FakeStorage, link_to

pytestmark = pytest.mark.anyio

KEY = f"inputs/{'a' * 32}.png"
OTHER = f"inputs/{'b' * 32}.jpg"
INPUTS = {"prompt": "a lighthouse", "photo": f"media:{KEY}"}
PLENTY = later(3600)


class Setting:
    """A storage with two pictures, an engine, and who hands over."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.storage = FakeStorage({KEY: PICTURE, OTHER: PICTURE[:500]})
        self.engine = FakeEngine(Turnstile())
        self.hand_over = HandOver(self.storage, self.clock, TIMING, link_to)


async def test_pictures_are_replaced_by_addresses() -> None:
    """The engine has what was kept; everything else stays as it is."""
    setting = Setting()
    inputs: dict[str, JsonValue] = {**INPUTS, "more": ["x", f"media:{OTHER}"]}
    sent = await setting.hand_over(setting.engine, inputs, PLENTY)

    assert sent is not None
    assert sent["prompt"] == "a lighthouse"
    assert isinstance(sent["photo"], str)
    assert setting.engine.uploads[sent["photo"]] == PICTURE
    assert f"{'a' * 32}.png?image/png" in sent["photo"]
    assert sent["more"] == ["x", list(setting.engine.uploads)[1]]
    assert inputs["photo"] == f"media:{KEY}"


async def test_a_copy_of_an_output_is_handed_over_too() -> None:
    """It has a name of its own at the engine, and an extension, whatever it was called."""
    setting = Setting()
    copies = [f"outputs/{'c' * 32}/{name}" for name in ("1-0a1b2c3d-out.png", "2-0a1b2c3d-out")]
    setting.storage.files.update(dict.fromkeys(copies, PICTURE))
    inputs: dict[str, JsonValue] = {"photos": [f"media:{each}" for each in copies]}
    sent = await setting.hand_over(setting.engine, inputs, PLENTY)

    assert sent is not None
    assert [each.split("/", 4)[4] for each in setting.engine.uploads] == [
        f"{'c' * 32}-1-0a1b2c3d-out.png?image/png",
        f"{'c' * 32}-2-0a1b2c3d-out.png?image/png",
    ]
    assert sent["photos"] == list(setting.engine.uploads)
    setting.storage.files.clear()
    setting.clock.move(GOOD_FOR + timedelta(seconds=1))
    with pytest.raises(PeerMissingError):
        await setting.hand_over(setting.engine, inputs, PLENTY + timedelta(hours=1))


async def test_an_engine_that_fetches_is_given_links() -> None:
    """From the size on that it says; what is no longer there is not linked to."""
    setting = Setting()
    setting.engine.link_from = len(PICTURE)
    inputs: dict[str, JsonValue] = {"large": f"media:{KEY}", "small": f"media:{OTHER}"}
    sent = await setting.hand_over(setting.engine, inputs, PLENTY)

    assert sent is not None
    assert sent["large"] == link_to(KEY)
    assert list(setting.engine.uploads) == [sent["small"]]
    setting.clock.move(GOOD_FOR + timedelta(seconds=1))
    setting.storage.files.clear()
    with pytest.raises(PeerMissingError):
        await setting.hand_over(setting.engine, inputs, PLENTY + timedelta(hours=1))


async def test_an_address_that_is_the_file_itself_is_not_remembered() -> None:
    """A thousand of them would be hundreds of megabytes."""
    setting = Setting()
    setting.engine.address_least = ADDRESS_MOST + 1
    first = await setting.hand_over(setting.engine, INPUTS, PLENTY)
    again = await setting.hand_over(setting.engine, INPUTS, PLENTY)

    assert first is not None
    assert len(str(first["photo"])) > ADDRESS_MOST
    assert first != again


async def test_an_address_is_used_again_for_a_while() -> None:
    """A try that is repeated uploads nothing anew; an old address may lead nowhere."""
    setting = Setting()
    first = await setting.hand_over(setting.engine, INPUTS, PLENTY)
    setting.clock.move(GOOD_FOR)
    assert await setting.hand_over(setting.engine, INPUTS, PLENTY) == first
    setting.clock.move(timedelta(seconds=1))
    again = await setting.hand_over(setting.engine, INPUTS, PLENTY + timedelta(hours=1))

    assert again is not None
    assert again != first
    assert len(setting.engine.uploads) == 2


async def test_only_so_many_addresses_are_remembered() -> None:
    """The oldest is forgotten first."""
    setting = Setting()
    names = [f"inputs/{number:032x}.png" for number in range(REMEMBERED + 1)]
    for each in names:
        setting.storage.files[each] = PICTURE
        await setting.hand_over(setting.engine, {"photo": f"media:{each}"}, PLENTY)
    await setting.hand_over(setting.engine, {"photo": f"media:{names[-1]}"}, PLENTY)
    assert len(setting.engine.uploads) == REMEMBERED + 1
    await setting.hand_over(setting.engine, {"photo": f"media:{names[0]}"}, PLENTY)
    assert len(setting.engine.uploads) == REMEMBERED + 2


async def test_nothing_is_begun_that_may_not_be_finished() -> None:
    """Neither an upload without its time, nor a submit after it without that."""
    setting = Setting()
    short = setting.clock.now() + TIMING.upload_limit - timedelta(milliseconds=1)
    assert await setting.hand_over(setting.engine, INPUTS, short) is None
    assert setting.engine.uploads == {}
    await setting.hand_over(setting.engine, INPUTS, PLENTY)
    late = setting.clock.now() + TIMING.submit_limit - timedelta(milliseconds=1)
    assert await setting.hand_over(setting.engine, INPUTS, late) is None
    assert await setting.hand_over(setting.engine, {"prompt": "x"}, late) == {"prompt": "x"}


@pytest.mark.parametrize("place", ["head", "read"])
async def test_a_picture_that_is_gone_is_told(place: str) -> None:
    """Before anything is sent, or while it is."""
    setting = Setting()
    if place == "head":
        setting.storage.files.clear()
    else:
        setting.storage.gate = Turnstile([None, PeerMissingError(hand_over.STORAGE, "gone")])
    with pytest.raises(PeerMissingError):
        await setting.hand_over(setting.engine, INPUTS, PLENTY)


@pytest.mark.parametrize(
    ("fault", "becomes"),
    [
        (PeerUnknownError(COMFYDEPLOY, "broke off"), PeerBusyError),
        (PeerBusyError(COMFYDEPLOY, "answered 500"), PeerBusyError),
        (PeerDownError(COMFYDEPLOY, "cannot be reached"), PeerDownError),
        (PeerRefusedError(COMFYDEPLOY, "answered 400"), PeerRefusedError),
    ],
)
async def test_faults_of_the_engine_say_that_no_order_was_sent(
    fault: Exception, becomes: type[Exception]
) -> None:
    """So none of them is unknown."""
    setting = Setting()
    setting.engine.gate = Turnstile([fault])
    with pytest.raises(becomes, match=str(fault)):
        await setting.hand_over(setting.engine, INPUTS, PLENTY)


async def test_a_storage_that_is_away_is_no_fault_of_the_engine() -> None:
    """It is tried again later."""
    setting = Setting()
    setting.storage.gate = Turnstile([PeerDownError(hand_over.STORAGE, "away")])
    with pytest.raises(PeerBusyError, match=r"^storage: away$"):
        await setting.hand_over(setting.engine, INPUTS, PLENTY)


async def test_each_server_is_given_a_picture_of_its_own() -> None:
    """What one has is not at another; what it has it is not given again."""
    setting, fleet = Setting(), FakeFleet()
    for name in ("one", "two", "one"):
        await setting.hand_over(fleet.receiver(name), INPUTS, PLENTY)

    assert [each.uploads for each in fleet.receivers.values()] == [
        {KEY.removeprefix("inputs/"): PICTURE}
    ] * 2
