"""Presets in MongoDB. See also tests/contracts."""

import pytest

from app.errors import StoreFaultError, UnreadableError
from app.ports import PresetWrite
from app.store.connection import Connection
from app.store.presets import MongoPresets
from tests.builders import a_preset

pytestmark = pytest.mark.anyio


async def test_what_a_newer_version_has_added_is_left_alone(connection: Connection) -> None:
    """A field that we do not know stays when the others are written."""
    presets, before = MongoPresets(connection), a_preset()
    await presets.write([PresetWrite(None, before)])
    collection = connection.collection("presets")
    await collection.update_one({"_id": before.name}, {"$set": {"colour": "red"}})

    assert await presets.write([PresetWrite(before, before.change(version=2, cost_rate=None))])

    document = await collection.find_one({"_id": before.name}) or {}
    assert (document["colour"], document["version"], "costRate" in document) == ("red", 2, False)


async def test_one_that_cannot_be_read_holds_up_no_other(connection: Connection) -> None:
    """It is named to whoever asks for it."""
    presets = MongoPresets(connection)
    await presets.write([PresetWrite(None, a_preset("a")), PresetWrite(None, a_preset("b"))])
    await connection.collection("presets").update_one(
        {"_id": "a"}, {"$set": {"target": {"engine": "a newer one"}}}
    )

    assert [each.name for each in await presets.all()] == ["b"]
    with pytest.raises(UnreadableError, match=r"a \(target"):
        await presets.get("a")


async def test_what_the_database_refuses_is_said_and_undone(connection: Connection) -> None:
    """A text with half a character in it, after one that was good."""
    presets = MongoPresets(connection)
    bad = a_preset("b").change(constants={"text": "\ud83d"})

    with pytest.raises(StoreFaultError):
        await presets.write([PresetWrite(None, a_preset("a")), PresetWrite(None, bad)])

    assert await presets.all() == ()
