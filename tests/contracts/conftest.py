"""Each port as the fake keeps it and as MongoDB does: both must pass the same suite."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from app.ports import (
    Changes,
    Chats,
    Comparisons,
    Controls,
    Conversations,
    Deeds,
    Deliveries,
    Endpoints,
    Generations,
    Inbox,
    Jobs,
    KeptPayments,
    Leases,
    Ledger,
    Presets,
    Previews,
    ServerBoard,
    Sessions,
    Totals,
    Turns,
    Updates,
    Users,
    Uses,
    Views,
    Workflows,
)
from app.store.changes import MongoChanges
from app.store.chats import MongoChats
from app.store.comparisons import MongoComparisons
from app.store.connection import Keep
from app.store.controls import MongoControls
from app.store.conversations import MongoConversations
from app.store.deeds import MongoDeeds
from app.store.deliveries import MongoDeliveries
from app.store.endpoints import MongoEndpoints
from app.store.generations import MongoGenerations
from app.store.inbox import MongoInbox
from app.store.jobs import MongoJobs
from app.store.leases import MongoLeases
from app.store.ledger import MongoLedger
from app.store.payments import MongoPayments
from app.store.presets import MongoPresets
from app.store.previews import MongoPreviews
from app.store.servers import MongoServers
from app.store.sessions import MongoSessions
from app.store.totals import MongoTotals
from app.store.turns import MongoTurns
from app.store.updates import MongoUpdates
from app.store.users import MongoUsers
from app.store.uses import MongoUses
from app.store.views import MongoViews
from app.store.workflows import MongoWorkflows
from schemas.live import Kind
from tests.databases import a_database
from tests.fakes.changes import FakeChanges
from tests.fakes.chats import FakeChats
from tests.fakes.comparisons import FakeComparisons
from tests.fakes.controls import FakeControls, FakeDeeds
from tests.fakes.conversations import FakeConversations
from tests.fakes.generations import FakeGenerations
from tests.fakes.hooks import FakeDeliveries, FakeEndpoints
from tests.fakes.inbox import FakeInbox
from tests.fakes.jobs import FakeJobs
from tests.fakes.leases import FakeLeases
from tests.fakes.ledger import FakeLedger
from tests.fakes.payments import FakePayments
from tests.fakes.presets import FakePresets
from tests.fakes.previews import FakePreviews
from tests.fakes.servers import FakeServers
from tests.fakes.sessions import FakeSessions
from tests.fakes.totals import FakeTotals
from tests.fakes.turns import FakeTurns
from tests.fakes.updates import FakeUpdates
from tests.fakes.users import FakeUsers
from tests.fakes.uses import FakeUses
from tests.fakes.views import FakeViews
from tests.fakes.workflows import FakeWorkflows


@dataclass(frozen=True)
class Ports:
    """All ports of the store, by the same maker."""

    generations: Generations
    jobs: Jobs
    inbox: Inbox
    leases: Leases
    chats: Chats
    users: Users
    ledger: Ledger
    presets: Presets
    payments: KeptPayments
    comparisons: Comparisons
    updates: Updates
    conversations: Conversations
    controls: Controls
    deeds: Deeds
    workflows: Workflows
    turns: Turns
    uses: Uses
    previews: Previews
    servers: ServerBoard
    endpoints: Endpoints
    deliveries: Deliveries
    sessions: Sessions
    changes: Changes
    views: Views
    totals: Totals


@pytest.fixture(params=["fake", "mongodb"])
def uri(request: pytest.FixtureRequest) -> str | None:
    """Where the real mongod is, or None for the fakes."""
    return None if request.param == "fake" else request.getfixturevalue("mongo_uri")


@pytest.fixture
async def ports(uri: str | None) -> AsyncIterator[Ports]:
    """The ports, empty."""
    if uri is None:
        changes = FakeChanges()
        kept, jobs, previews = map(changes.kept, (Kind.GENERATION, Kind.JOB, Kind.PREVIEW))
        generations = FakeGenerations(kept)
        yield Ports(
            generations,
            FakeJobs(jobs),
            FakeInbox(),
            FakeLeases(),
            FakeChats(),
            FakeUsers(),
            FakeLedger(),
            FakePresets(),
            FakePayments(),
            FakeComparisons(),
            FakeUpdates(),
            FakeConversations(),
            FakeControls(),
            FakeDeeds(),
            FakeWorkflows(),
            FakeTurns(),
            FakeUses(),
            FakePreviews(kept=previews),
            FakeServers(),
            FakeEndpoints(),
            FakeDeliveries(),
            FakeSessions(),
            changes,
            FakeViews(kept, jobs, previews),
            FakeTotals(generations),
        )
        return
    async with a_database(uri) as connection:
        await connection.prepare("sandbox", Keep(timedelta(days=14)))
        yield Ports(
            MongoGenerations(connection),
            MongoJobs(connection),
            MongoInbox(connection),
            MongoLeases(connection),
            MongoChats(connection),
            MongoUsers(connection),
            MongoLedger(connection),
            MongoPresets(connection),
            MongoPayments(connection),
            MongoComparisons(connection),
            MongoUpdates(connection),
            MongoConversations(connection),
            MongoControls(connection),
            MongoDeeds(connection),
            MongoWorkflows(connection),
            MongoTurns(connection),
            MongoUses(connection),
            MongoPreviews(connection),
            MongoServers(connection),
            MongoEndpoints(connection),
            MongoDeliveries(connection),
            MongoSessions(connection),
            MongoChanges(connection),
            MongoViews(connection),
            MongoTotals(connection),
        )
