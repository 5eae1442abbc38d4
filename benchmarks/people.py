"""Who orders, what they own, and what can be ordered: the records that the load is about."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from app.clock import Clock
from app.ports import PresetWrite
from app.store.connection import Collection, Connection
from app.store.presets import MongoPresets
from benchmarks.events import KEEP
from processors import ledger
from processors.ledger import Act
from schemas.base import UserId
from schemas.ledger import EntryId
from schemas.preset import Preset
from schemas.user import User

PRESET: Final = "t2i"
PRICE: Final = 5
AT_ONCE: Final = 5_000


def preset(now: datetime, seconds: float) -> Preset:
    """Return what is ordered: at a fixed price, its run of a length, told of by its end alone.

    The text that such a run makes is no file: what copies take is not what is measured here.
    """
    definition: dict[str, Any] = {
        "name": PRESET,
        "titles": {"en": "Picture from words"},
        "help": {"en": "Describe what you want to see."},
        "target": {
            "engine": "comfydeploy",
            "deployment_id": "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
        },
        "inputs": [
            {"name": "prompt", "type": "text", "titles": {"en": "Prompt"}, "required": True}
        ],
        "constants": {
            "sandbox_seconds": seconds,
            "sandbox_outputs": "text",
            "sandbox_drop": "queued,started,running,progress",
        },
        "price": {"kind": "fixed", "credits": PRICE},
    }
    return Preset.read({**definition, "version": 1, "updatedAt": now})


async def prepare(uri: str, database: str, seconds: float) -> None:
    """Make the database of a sandbox, its indexes, and the preset."""
    await make(uri, database, [preset(Clock().now(), seconds)])


async def make(uri: str, database: str, presets: Sequence[Preset]) -> None:
    """Make the database of a sandbox, its indexes, and presets."""
    connection = Connection(uri, database, timedelta(seconds=60))
    try:
        await connection.prepare("sandbox", KEEP)
        await MongoPresets(connection).write([PresetWrite(None, each) for each in presets])
    finally:
        connection.close()


async def register(
    uri: str, database: str, credits_of: Sequence[int], *, first_id: int = 0
) -> list[UserId]:
    """Insert people who were granted credits each, by their number; return who they are.

    Args:
        uri: The database.
        database: Its name.
        credits_of: What each is granted.
        first_id: The Telegram id of the first, the next has the next; 0: they have none.
    """
    connection = Connection(uri, database, timedelta(seconds=60))
    clock = Clock()
    now, made = clock.now(), [UserId(clock.new_id()) for _ in credits_of]
    try:
        await _insert(connection.collection("users"), _users(made, now, first_id))
        await _insert(connection.collection("ledger"), _grants(made, credits_of, now, clock))
    finally:
        connection.close()
    return made


async def _insert(collection: Collection, documents: Iterator[dict[str, Any]]) -> None:
    batch = list[dict[str, Any]]()
    for each in documents:
        batch.append(each)
        if len(batch) == AT_ONCE:
            await collection.insert_many(batch, ordered=False)
            batch.clear()
    if batch:
        await collection.insert_many(batch, ordered=False)


def _users(made: Sequence[UserId], now: datetime, first_id: int) -> Iterator[dict[str, Any]]:
    for number, user in enumerate(made):
        telegram_id = first_id + number if first_id else None
        record = User(id=user, telegram_id=telegram_id, created_at=now, updated_at=now)
        yield record.document()


def _grants(
    made: Sequence[UserId], credits_of: Sequence[int], now: datetime, clock: Clock
) -> Iterator[dict[str, Any]]:
    for user, given in zip(made, credits_of, strict=True):
        if not given:
            continue
        act = Act(EntryId(clock.new_id()), user, "bench", now)
        yield ledger.grant(None, act, f"bench:{user}", Decimal(given)).document()
