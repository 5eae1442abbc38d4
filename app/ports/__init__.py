"""Everything outside, as the use cases see it: one module a subject."""

from app.ports.access import Sessions
from app.ports.engines import Engine, Fleet, Receiver, ServerBoard
from app.ports.files import Files, Source, Storage, Stored, StoredKey
from app.ports.generations import (
    Counted,
    Generations,
    OpenRuns,
    Page,
    Previews,
    Running,
    Spent,
    Turns,
    Uses,
    Workflows,
)
from app.ports.hooks import Courier, Deliveries, DeliveryPage, Endpoints, Receipt
from app.ports.live import Changes, Ear, MissedError, Scene, Views
from app.ports.money import Comparisons, KeptPayments, Ledger, PaymentPage, PaymentProvider
from app.ports.orders import JobPage, Jobs, Oldest, OpenJobs, Presets, PresetWrite
from app.ports.people import Chats, Controls, Deeds, UserPage, Users
from app.ports.records import Debtors, Inbox, Lease, Leases, Owed, OwingT, Write
from app.ports.signals import Alerts, Waker
from app.ports.telegram import Conversation, Conversations, Messenger, Updates
from app.ports.totals import Totals

__all__ = [
    "Alerts",
    "Changes",
    "Chats",
    "Comparisons",
    "Controls",
    "Conversation",
    "Conversations",
    "Counted",
    "Courier",
    "Debtors",
    "Deeds",
    "Deliveries",
    "DeliveryPage",
    "Ear",
    "Endpoints",
    "Engine",
    "Files",
    "Fleet",
    "Generations",
    "Inbox",
    "JobPage",
    "Jobs",
    "KeptPayments",
    "Lease",
    "Leases",
    "Ledger",
    "Messenger",
    "MissedError",
    "Oldest",
    "OpenJobs",
    "OpenRuns",
    "Owed",
    "OwingT",
    "Page",
    "PaymentPage",
    "PaymentProvider",
    "PresetWrite",
    "Presets",
    "Previews",
    "Receipt",
    "Receiver",
    "Running",
    "Scene",
    "ServerBoard",
    "Sessions",
    "Source",
    "Spent",
    "Storage",
    "Stored",
    "StoredKey",
    "Totals",
    "Turns",
    "Updates",
    "UserPage",
    "Users",
    "Uses",
    "Views",
    "Waker",
    "Workflows",
    "Write",
]
