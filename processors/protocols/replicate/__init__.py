"""Replicate's protocol: what its messages mean, and what we send it. No I/O.

Facts are from Replicate's documentation, OpenAPI text and Python clients as of autumn 2026.
"""

from processors.protocols.replicate.answers import (
    STATUSES,
    Listed,
    created,
    listed,
    receive,
    refusal,
    report,
    retry_after,
    signing_secret,
)
from processors.protocols.replicate.creating import NAME, Creation, creation
from processors.protocols.replicate.likeness import alike
from processors.protocols.replicate.results import told_apart

__all__ = [
    "NAME",
    "STATUSES",
    "Creation",
    "Listed",
    "alike",
    "created",
    "creation",
    "listed",
    "receive",
    "refusal",
    "report",
    "retry_after",
    "signing_secret",
    "told_apart",
]
