"""The database and the storage, opened."""

from dataclasses import dataclass
from datetime import timedelta

from app.settings import Settings
from app.store.changes import MongoChanges
from app.store.chats import MongoChats
from app.store.comparisons import MongoComparisons
from app.store.connection import Connection, Keep
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
from app.store.objects import ObjectStorage
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


@dataclass(frozen=True, kw_only=True)
class Store:
    """The database as the service uses it."""

    connection: Connection
    generations: MongoGenerations
    jobs: MongoJobs
    inbox: MongoInbox
    leases: MongoLeases
    chats: MongoChats
    users: MongoUsers
    ledger: MongoLedger
    presets: MongoPresets
    payments: MongoPayments
    comparisons: MongoComparisons
    updates: MongoUpdates
    conversations: MongoConversations
    controls: MongoControls
    deeds: MongoDeeds
    servers: MongoServers
    sessions: MongoSessions
    workflows: MongoWorkflows
    totals: MongoTotals
    turns: MongoTurns
    uses: MongoUses
    previews: MongoPreviews
    endpoints: MongoEndpoints
    deliveries: MongoDeliveries
    changes: MongoChanges
    views: MongoViews
    keep: Keep


def open_store(settings: Settings, uri: str) -> Store:
    """Connect to the database; nothing is asked of it yet."""
    connection = Connection(uri, settings.mongodb_database)
    records = settings.keep_records_days
    return Store(
        connection=connection,
        generations=MongoGenerations(connection),
        jobs=MongoJobs(connection),
        inbox=MongoInbox(connection),
        leases=MongoLeases(connection),
        chats=MongoChats(connection),
        users=MongoUsers(connection),
        ledger=MongoLedger(connection),
        presets=MongoPresets(connection),
        payments=MongoPayments(connection),
        comparisons=MongoComparisons(connection),
        updates=MongoUpdates(connection),
        conversations=MongoConversations(connection),
        controls=MongoControls(connection),
        deeds=MongoDeeds(connection),
        servers=MongoServers(connection),
        sessions=MongoSessions(connection),
        workflows=MongoWorkflows(connection),
        totals=MongoTotals(connection),
        turns=MongoTurns(connection),
        uses=MongoUses(connection),
        previews=MongoPreviews(connection),
        endpoints=MongoEndpoints(connection),
        deliveries=MongoDeliveries(connection),
        changes=MongoChanges(connection),
        views=MongoViews(connection),
        keep=Keep(
            events=timedelta(days=settings.keep_events_days),
            records=None if records is None else timedelta(days=records),
            usage=timedelta(days=settings.keep_usage_days),
        ),
    )


def open_storage(settings: Settings) -> ObjectStorage:
    """Open where files are kept; of a bucket nothing is asked yet.

    Raises:
        PeerDownError: It cannot be opened.
    """
    if settings.storage_url is None:
        return ObjectStorage.under(settings.data_dir / "media")
    return ObjectStorage.at(settings.storage_url)
