"""Freeze events into deliveries, sign them, and decide what comes of sending one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from processors import debts
from processors.debts import Taker
from processors.protocols import standard_webhooks
from schemas.base import rfc3339
from schemas.debt import MANY_TRIES, Debt, DebtKind
from schemas.generation import Generation
from schemas.hook import (
    TEST,
    Delivery,
    DeliveryStatus,
    Endpoint,
    HookEvent,
    HookSecret,
)
from schemas.job import Job

DELIVER: Final = DebtKind.DELIVER.value
"""Key of what a delivery owes."""
ROTATION: Final = timedelta(days=1)
"""How long a secret that was replaced goes on signing beside its successor."""
SECRETS_MOST: Final = 4
"""Secrets that sign at once, however often they are replaced within a day."""
USER_AGENT: Final = "runrelay"


class About(NamedTuple):
    """What a debt says of the event that it is about."""

    event: HookEvent
    version: int
    """Of the record, with the write that made it happen."""
    at: str
    """When, as it is told."""


def about(debt: Debt) -> About:
    """Return what a debt of `deciding.owing` is about."""
    version, _, at = (debt.about or "").partition(" ")
    return About(HookEvent(debt.target), int(version), at)


def body(event: HookEvent, at: str, data: Mapping[str, Any]) -> str:
    """Return what is sent of an event; once made it stays as it is.

    Args:
        event: What happened.
        at: When.
        data: The record as the API shows it to its operator.
    """
    return to_json({"type": event.value, "timestamp": at, "data": data}).decode()


def key_of(record: str, version: int, endpoint: str) -> str:
    """Return the id of what one endpoint is told of one write of a record."""
    return f"{record}:{version}:{endpoint}"


def made(
    record: Generation | Job,
    told: About,
    frozen: str,
    endpoint: Endpoint,
    *,
    now: datetime,
    taker: Taker | None = None,
) -> Delivery:
    """Make what is to be sent to one endpoint, its sending owed."""
    delivery = Delivery(
        id=key_of(record.id, told.version, endpoint.id),
        updated_at=now,
        endpoint=endpoint.id,
        event=told.event,
        what="job" if isinstance(record, Job) else "generation",
        record=record.id,
        people=people_of(record),
        body=frozen,
        created_at=now,
    )
    debt = Debt(key=DELIVER, kind=DebtKind.DELIVER, target=endpoint.id, next_at=now)
    return debts.put(delivery, debts.owe((), debt, taker=taker))


def people_of(record: Generation | Job) -> tuple[str, ...]:
    """Return the ids by which what is told of a record is found when its person is forgotten."""
    if isinstance(record, Job):
        chat = record.chat.telegram_chat_id if record.chat else None
        user = record.user_id
    else:
        chat, user = record.metadata.telegram_chat_id, record.metadata.user_id
    return tuple(str(each) for each in (user, chat) if each is not None)


def headers(message: str, frozen: str, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """Return the headers of one try to send a message, signed by each of the secrets."""
    keys = standard_webhooks.keys(secrets)
    signed = standard_webhooks.sign(keys, message.encode(), frozen.encode(), now)
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": signed.id.decode(),
        "webhook-timestamp": signed.timestamp.decode(),
        "webhook-signature": signed.signatures.decode(),
    }


def try_body(endpoint: Endpoint, now: datetime) -> str:
    """Return what is sent to try an endpoint out."""
    told = {"type": TEST, "timestamp": rfc3339(now), "data": {"endpoint": endpoint.id}}
    return to_json(told).decode()


def try_headers(endpoint: Endpoint, frozen: str, nonce: str, now: datetime) -> dict[str, str]:
    """Return the headers of a try; `nonce` makes its id another each time."""
    return headers(f"test:{nonce}:{endpoint.id}", frozen, endpoint.keys(now), now)


def delivered(delivery: Delivery, status: int, now: datetime) -> Delivery:
    """Note that a message was taken. It was, whoever has the claim by now."""
    done = delivery.change(
        status=DeliveryStatus.DELIVERED,
        delivered_at=now,
        attempts=delivery.attempts + 1,
        last_status=status,
        last_error=None,
    )
    return debts.put(done, debts.forget(done.owed, [DebtKind.DELIVER]))


def failed(
    delivery: Delivery, counted: Delivery, status: int | None, error: str, later: datetime | None
) -> Delivery:
    """Note a try that failed.

    Args:
        delivery: As it was.
        counted: The same with the try counted.
        status: Of the answer, if there was one.
        error: What went wrong, without secrets.
        later: Before when the receiver does not want to be tried again.
    """
    if counted is delivery:
        return delivery
    noted = counted.change(attempts=delivery.attempts + 1, last_status=status, last_error=error)
    if later is None:
        return noted
    owed = tuple(
        each.change(next_at=max(each.next_at, later)) if each.dead_at is None else each
        for each in noted.owed
    )
    return debts.put(noted, owed)


def put_off(
    delivery: Delivery, debt: Debt, why: str, now: datetime, *, wait: timedelta, most: timedelta
) -> Delivery:
    """Keep what an endpoint that is paused is owed; after `most` it is given up."""
    gives_up = delivery.created_at + most
    if now >= gives_up:
        owed = debts.bury(delivery.owed, debt.key, debt.n, error=why, now=now)
    else:
        at = min(now + wait, gives_up)
        owed = debts.postpone(delivery.owed, debt.key, debt.n, at, why)
    return debts.put(delivery, owed)


def hopeless(endpoint: Endpoint, now: datetime, after: timedelta) -> bool:
    """Return whether an endpoint has failed so often, and for so long, that it is left alone."""
    since = endpoint.failing_since
    return since is not None and endpoint.failures >= MANY_TRIES and now - since >= after


def rotated(secrets: Sequence[HookSecret], new: str, now: datetime) -> tuple[HookSecret, ...]:
    """Return the secrets with a new one that serves; the others sign for a day yet."""
    until = now + ROTATION
    old = (
        each.change(until=until if each.until is None else each.until)
        for each in secrets
        if each.value != new and (each.until is None or each.until > now)
    )
    return (HookSecret(value=new), *old)[:SECRETS_MOST]
