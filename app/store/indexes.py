"""The indexes of every collection, and what expires by them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.collation import Collation, CollationStrength

from app.store.documents import Document
from schemas.debt import MANY_TRIES
from schemas.run import RunStatus


class Keep:
    """How long things are kept.

    Attributes:
        events: Applied batches of the inbox.
        records: Ended generations that owe nothing; None for ever.
        usage: What the nodes of runs took.
    """

    def __init__(
        self,
        events: timedelta,
        records: timedelta | None = None,
        usage: timedelta = timedelta(days=90),
    ) -> None:
        self.events = events
        self.records = records
        self.usage = usage


UPDATES_KEPT: Final = timedelta(days=8)
"""Telegram repeats an update for a day at most, and after a week without any begins anew with a
random id: by then an id may come again that is another update's (Bot API, type Update)."""
CONVERSATIONS_KEPT: Final = timedelta(days=7)
TURNS_KEPT: Final = timedelta(days=7)
PREVIEWS_KEPT: Final = timedelta(hours=1)
TOTALS_KEPT: Final = timedelta(days=30)
SERVERS_KEPT: Final = timedelta(days=1)
"""A server that nobody has seen for so long is not set up any more."""
LOOSELY: Final = Collation("en", strength=CollationStrength.PRIMARY)
"""How names are looked up: neither capital letters nor accents make others."""

SPENT: Final = "spent"
"""The index that holds all that is needed to add costs up."""

GIVEN_UP: Final = "given_up"
"""The index that finds what was tried more than once, at a cost."""

COSTS: Final = "costs"
"""The index that finds what the last runs of a preset have cost."""

DURATIONS: Final = "durations"
"""The index that holds how long the last runs of a preset took."""

SLOTS: Final = "slots"
"""The index that holds which slots are taken, and by what."""

WAITING: Final = "waiting"
"""The index that holds all that must be known of what waits for a server."""

RUNS: Final = "runs"
"""The index that finds whose a run at a server is or was."""

STANDING: Final = "standing"
"""The index that lists generations by status, and counts those of each preset."""

ENDED: Final = "ended"
"""The index that holds all that is needed to add the ends of an hour up."""

RECORDS_EXPIRE: Final = "responseTimestamp_expires"
"""The index by which generations expire, which is there only while they shall."""
WORKFLOWS_EXPIRE: Final = "at_expires"
"""The index by which workflows expire, which is there only while generations shall."""
WORKFLOWS_OUTLAST: Final = timedelta(days=7)
"""How much longer than a record a workflow is kept, at least from the record's order on: a record's
time begins with its end, which may be some tries later."""


def indexes(keep: Keep) -> Mapping[str, list[IndexModel]]:
    """Return the indexes of every collection."""
    generations = [
        # A partial filter by $type would make the planner scan; $exists is used (measured).
        _unique([("metadata.run_id", ASCENDING), ("engine", ASCENDING)], "metadata.run_id"),
        _unique([("jobId", ASCENDING), ("step", ASCENDING), ("item", ASCENDING)], "jobId"),
        *_owing(),
        *(
            IndexModel([(name, ASCENDING), ("_id", DESCENDING)])
            for name in (
                "engine",
                "metadata.preset",
                "metadata.userId",
                "metadata.telegramChatId",
            )
        ),
        IndexModel(
            [
                ("status", ASCENDING),
                ("_id", DESCENDING),
                *((name, ASCENDING) for name in ("engine", "metadata.preset", "jobId")),
            ],
            name=STANDING,
        ),
        IndexModel([("metadata.labels.$**", ASCENDING)]),
        IndexModel(
            [(name, ASCENDING) for name in ("_id", "costUsd", "engine", "metadata.preset")],
            partialFilterExpression={"costUsd": {"$exists": True}},
            name=SPENT,
        ),
        IndexModel(
            [("_id", ASCENDING), ("engine", ASCENDING)],
            partialFilterExpression={"runs.costUsd": {"$exists": True}},
            name=GIVEN_UP,
        ),
        IndexModel(
            [("metadata.preset", ASCENDING), ("status", ASCENDING), ("_id", DESCENDING)],
            partialFilterExpression={"costUsd": {"$exists": True}, "jobId": {"$exists": True}},
            name=COSTS,
        ),
        *_placing(),
        # A record comes into it with its end: nothing that is written before touches it.
        IndexModel(
            [(name, ASCENDING) for name in _OF_ENDS],
            partialFilterExpression={"responseTimestamp": {"$exists": True}},
            name=ENDED,
        ),
    ]
    if keep.records is not None:
        # Absent while a debt lives: a filter knows no "does not exist", but null matches it.
        generations.append(_expiring("responseTimestamp", keep.records, {"dueAt": None}))
    expiring = {} if keep.records is None else {"workflows": [_ordered_once(keep.records)]}
    return {
        **expiring,
        "generations": generations,
        "inbox": [
            IndexModel(
                [("at", ASCENDING)], partialFilterExpression={"applied": False}, name="stale"
            ),
            # Only what has been applied expires: what we answered for is never lost to the clock.
            _expiring("at", keep.events, {"applied": True}),
        ],
        "jobs": [
            *_owing(),
            # Limits are counted by these two alone.
            IndexModel([("userId", ASCENDING), ("_id", DESCENDING), ("status", ASCENDING)]),
            IndexModel([("userId", ASCENDING), ("status", ASCENDING), ("_id", DESCENDING)]),
            IndexModel([("status", ASCENDING), ("_id", DESCENDING)]),
            _present("pause.at"),
            # What makes a limit hold for orders that come at once.
            _unique([("userId", ASCENDING), ("turn", DESCENDING)], "turn"),
        ],
        "users": [
            _unique([("telegramId", ASCENDING)], "telegramId"),
            _unique([("idempotencyKey", ASCENDING)], "idempotencyKey"),
            *(IndexModel([(name, ASCENDING)], collation=LOOSELY) for name in _NAMES),
            *(_partial(name) for name in ("forgetWantedAt", "telegramDigest")),
        ],
        "deeds": [IndexModel([("subject", ASCENDING), ("_id", DESCENDING)])],
        "ledger": [
            # The first decides races, and finds a balance and a history; the second repetitions.
            IndexModel([("user", ASCENDING), ("seq", ASCENDING)], unique=True),
            IndexModel([("key", ASCENDING)], unique=True),
        ],
        "payments": [
            # The first is what makes a charge count once.
            _unique([("chargeId", ASCENDING)], "chargeId"),
            *_owing(),
            _present("paidAt"),
            IndexModel([("user", ASCENDING), ("_id", DESCENDING)]),
        ],
        "webhook_endpoints": [
            # Not of those alone that have one: asked for are the few that have none.
            IndexModel([("order", ASCENDING), ("_id", ASCENDING)]),
            _present("people"),
            IndexModel([("expiresAt", ASCENDING)], expireAfterSeconds=0, name="expiresAt_expires"),
        ],
        "deliveries": [
            *_owing(),
            IndexModel([("endpoint", ASCENDING), ("_id", DESCENDING)]),
            _present("people"),
            # While a debt of it lives it stays; see above.
            _expiring("createdAt", keep.events, {"dueAt": None}),
        ],
        "updates": [
            # For the first open update of each lane, and whether it is due, without reading any.
            # That `open` is true is known by the key alone: the filter is not relied on for it.
            IndexModel(
                [(name, ASCENDING) for name in ("open", "lane", "_id", "dueAt")],
                partialFilterExpression={"open": True},
                name="lanes",
            ),
            # What was answered for and not handled yet is never lost to the clock.
            _expiring("at", UPDATES_KEPT, {"open": False}),
        ],
        "conversations": [_passing(CONVERSATIONS_KEPT)],
        "turns": [_passing(TURNS_KEPT)],
        "hourly_totals": [_passing(TOTALS_KEPT)],
        "previews": [_passing(PREVIEWS_KEPT)],
        "servers": [_passing(SERVERS_KEPT)],
        "sessions": [IndexModel([("until", ASCENDING)], expireAfterSeconds=0)],
        "model_usage_log": [
            _passing(keep.usage),
            IndexModel([("generation", ASCENDING), ("at", ASCENDING)]),
        ],
    }


_OF_ENDS: Final = (
    "responseTimestamp",
    "status",
    "engine",
    "metadata.preset",
    "costUsd",
    "durationSeconds",
    "requestTimestamp",
    "startedAt",
)

_NAMES: Final = ("username", "firstName")


def _partial(name: str) -> IndexModel:
    return IndexModel([(name, ASCENDING)], partialFilterExpression={name: {"$exists": True}})


def _owing() -> tuple[IndexModel, ...]:
    """Return the indexes of records that owe."""
    return (
        _unique([("idempotencyKey", ASCENDING)], "idempotencyKey"),
        IndexModel([("dueAt", ASCENDING)], partialFilterExpression={"dueAt": {"$exists": True}}),
        IndexModel(
            [("owed.deadAt", ASCENDING)],
            partialFilterExpression={"owed.deadAt": {"$exists": True}},
        ),
        # Of the few that were tried so often; what waits for its first try is in none of it.
        IndexModel(
            [("owed.attempts", ASCENDING)],
            partialFilterExpression={"owed.attempts": {"$gte": MANY_TRIES}},
        ),
    )


def _placing() -> tuple[IndexModel, ...]:
    """Return the indexes by which runs are given servers, and are found at them."""
    waits = (
        "status",
        "engine",
        "_id",
        "metadata.userId",
        "metadata.telegramChatId",
        "priority",
        "metadata.preset",
        "requestPayload.workflow",
    )
    taken: Document = {"slot": {"$exists": True}}
    return (
        # The first is what gives a slot to one run only; the second tells to which, unread.
        _unique([("slot", ASCENDING)], "slot"),
        IndexModel(
            [("slot", ASCENDING), ("_id", ASCENDING)], partialFilterExpression=taken, name=SLOTS
        ),
        IndexModel(
            [("runs.server", ASCENDING), ("status", ASCENDING)],
            partialFilterExpression={"runs.server": {"$exists": True}},
        ),
        IndexModel(
            [("runs.runId", ASCENDING)],
            partialFilterExpression={"runs.server": {"$exists": True}},
            name=RUNS,
        ),
        IndexModel(
            [(name, ASCENDING) for name in waits],
            partialFilterExpression={"status": RunStatus.PENDING.value},
            name=WAITING,
        ),
        IndexModel(
            [
                ("metadata.preset", ASCENDING),
                ("status", ASCENDING),
                ("_id", DESCENDING),
                ("durationSeconds", ASCENDING),
            ],
            partialFilterExpression={"durationSeconds": {"$exists": True}},
            name=DURATIONS,
        ),
    )


def _unique(keys: list[tuple[str, int]], where: str) -> IndexModel:
    return IndexModel(keys, unique=True, partialFilterExpression={where: {"$exists": True}})


def _present(field: str) -> IndexModel:
    return IndexModel([(field, ASCENDING)], partialFilterExpression={field: {"$exists": True}})


def _ordered_once(keep: timedelta) -> IndexModel:
    """Return the index by which workflows expire that came with an order, and are in no preset."""
    return _expiring("at", keep + WORKFLOWS_OUTLAST, {"lasting": False})


def _passing(after: timedelta) -> IndexModel:
    return IndexModel([("at", ASCENDING)], expireAfterSeconds=int(after.total_seconds()))


def _expiring(field: str, after: timedelta, only: Document) -> IndexModel:
    options: dict[str, Any] = {"partialFilterExpression": only}
    return IndexModel(
        [(field, ASCENDING)],
        expireAfterSeconds=int(after.total_seconds()),
        name=f"{field}_expires",
        **options,
    )
