"""The state machine of a generation: what we hear, what we are told, and how it ends.

Engines deliver events more than once and in any order: ComfyDeploy posts each webhook from
a task of its own, retries it, and numbers none of them. So status only climbs, what is heard
joins, and an end that is heard is a hint: it owes ``end``, which asks the engine. An end said
by us is provisional: the first end said by the engine replaces it, once.
"""

from processors.runs.asking import MISSING, asked, informed, reported, submitted, submitting, unsent
from processors.runs.climbing import (
    ASK,
    CANCEL,
    END,
    KEEP,
    NOTIFY,
    RANK,
    SETTLE,
    SHOW,
    SUBMIT,
    shown,
)
from processors.runs.copying import (
    COPIES,
    Copy,
    Wanted,
    copied,
    copies_wanted,
    expired,
    identity,
    lost,
    name_in,
    owner_of,
)
from processors.runs.ending import (
    Ending,
    cancel_wanted,
    denied,
    ended,
    ended_at,
    limit_at,
    overdue,
    provisional,
    resettled,
    sent_at,
    sought_until,
    unconfirmed,
    verdict_of,
)
from processors.runs.forgetting import blanked, files_of, forgettable, released
from processors.runs.hearing import Heard, Verdict, hear, known_end, looked_into, serves

__all__ = [
    "ASK",
    "CANCEL",
    "COPIES",
    "END",
    "KEEP",
    "MISSING",
    "NOTIFY",
    "RANK",
    "SETTLE",
    "SHOW",
    "SUBMIT",
    "Copy",
    "Ending",
    "Heard",
    "Verdict",
    "Wanted",
    "asked",
    "blanked",
    "cancel_wanted",
    "copied",
    "copies_wanted",
    "denied",
    "ended",
    "ended_at",
    "expired",
    "files_of",
    "forgettable",
    "hear",
    "identity",
    "informed",
    "known_end",
    "limit_at",
    "looked_into",
    "lost",
    "name_in",
    "overdue",
    "owner_of",
    "provisional",
    "released",
    "reported",
    "resettled",
    "sent_at",
    "serves",
    "shown",
    "sought_until",
    "submitted",
    "submitting",
    "unconfirmed",
    "unsent",
    "verdict_of",
]
