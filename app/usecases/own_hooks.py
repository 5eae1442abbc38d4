"""Make endpoints as they are asked for, and those that an order brings with it."""

import secrets as randomness
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from app.clock import Clock
from app.errors import HookRefusedError
from app.ports import Endpoints
from processors import hooks
from processors.hooks import HookProblem
from processors.protocols.standard_webhooks import PREFIX
from schemas.generation import Generation
from schemas.hook import Endpoint, EndpointId, HookEvent, HookSecret
from schemas.job import Job

SECRET_BYTES: Final = 24
"""Of a secret that we make (Standard Webhooks, "Signature scheme": 24 to 64)."""
ORDERS_KEPT: Final = timedelta(days=30)
"""How long an order's own endpoint is kept from its order on."""


class HookWanted(NamedTuple):
    """An endpoint as somebody asks for it."""

    url: str
    events: Sequence[str] = ()
    secret: str | None = None


class OwnHooks:
    """Endpoints that orders bring with them; the id of each is its order's.

    Args:
        endpoints: Who listens.
        clock: The time.
        allow_private: Whether URLs may lead to this machine or its network.
    """

    def __init__(self, endpoints: Endpoints, clock: Clock, *, allow_private: bool) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._allow_private = allow_private

    def of(
        self, wanted: HookWanted, default: Sequence[HookEvent], order: Generation | Job
    ) -> Endpoint:
        """Return the endpoint that an order brings with it; nothing is stored.

        Raises:
            HookRefusedError: Its URL, events or secret cannot be.
        """
        now = self._clock.now()
        try:
            made = checked(
                wanted, default, EndpointId(order.id), now=now, allow_private=self._allow_private
            )
        except HookRefusedError as error:
            raise HookRefusedError(f"webhook.{error.field}", error.problem) from None
        return made.change(
            order=order.id, people=hooks.people_of(order), expires_at=now + ORDERS_KEPT
        )

    async def keep(self, endpoint: Endpoint) -> None:
        """Store an endpoint, before its order: one whose order is never stored expires."""
        await self._endpoints.write(None, endpoint)

    async def drop(self, endpoint: Endpoint) -> None:
        """Take an endpoint away whose order had been made before."""
        await self._endpoints.delete(endpoint.id)


def checked(
    wanted: HookWanted,
    default: Sequence[HookEvent],
    endpoint_id: EndpointId,
    *,
    now: datetime,
    allow_private: bool,
) -> Endpoint:
    """Return an endpoint as it is asked for.

    Args:
        wanted: As it is asked for; without a secret it is given one.
        default: What it hears of where nothing is said.
        endpoint_id: Its id.
        now: When.
        allow_private: Whether its URL may lead to this machine or its network.

    Raises:
        HookRefusedError: Its URL, events or secret cannot be.
    """
    try:
        hooks.check_url(wanted.url, allow_private=allow_private)
        events = hooks.check_events(wanted.events, default)
        secret = new_secret() if wanted.secret is None else hooks.check_secret(wanted.secret)
    except HookProblem as error:
        raise HookRefusedError(error.field, error.problem) from None
    return Endpoint(
        id=endpoint_id,
        url=wanted.url,
        events=events,
        secrets=(HookSecret(value=secret),),
        created_at=now,
    )


def new_secret() -> str:
    """Return a secret that nobody can guess."""
    return PREFIX + b64encode(randomness.token_bytes(SECRET_BYTES)).decode()
