"""Stand-ins for what the web layer calls, and a builder of its services."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import ClassVar

from app.errors import (
    ConflictError,
    IdempotencyMismatchError,
    NotFoundError,
    OverloadedError,
    StaleVersionError,
    UnavailableError,
)
from app.observability.journal import Journal
from app.ports import JobPage, Page
from app.usecases.add_up import AddUp
