"""How MongoDB keeps deeds and controls. See also tests/contracts."""

import pytest

from app.errors import UnreadableError
from app.store.connection import Connection
from app.store.controls import MongoControls
from app.store.deeds import MongoDeeds
from schemas.control import Subject
from tests.builders import a_control, a_deed

pytestmark = pytest.mark.anyio


async def test_a_control_that_cannot_be_read_is_no_leave(prepared: Connection) -> None:
    """It may be a pause."""
    controls = MongoControls(prepared)
    await controls.write(None, a_control(paused=True))
    await prepared.collection("controls").update_one({}, {"$set": {"at": "yesterday"}})

    with pytest.raises(UnreadableError):
        await controls.of((Subject("engine", "comfydeploy"),))


async def test_deeds_are_found_by_an_index(prepared: Connection) -> None:
    """However many there are."""
    deeds, raw = MongoDeeds(prepared), prepared.collection("deeds")
    for number in range(9):
        await deeds.insert(a_deed(number, subject=f"user:{number}"))
    plan = await raw.find({"subject": {"$eq": "user:3"}}).sort("_id", -1).explain()

    assert plan["executionStats"]["totalDocsExamined"] == 1
