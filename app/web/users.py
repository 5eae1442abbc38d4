"""The API of people: register one, and find one with their balance.

Registering is idempotent by the Telegram id itself: 201 for somebody new, 200 for somebody known.
"""

import re
from datetime import timedelta
from typing import Final

import orjson
from starlette.responses import Response

from app import errors
from app.web import bodies, reading, shown
from app.web.operations import Call, Operation, Route
from app.web.services import Accounts
from schemas.user import Account
from schemas.wire.api import TELEGRAM_ID_MOST, CreateHeaders, NewUser

PATH: Final = "/api/users"
_TAG: Final = "users"
_FOUND: Final = f"{PATH}/by-telegram-id"
_TELEGRAM_ID: Final = re.compile(r"[1-9][0-9]{0,15}")


class UserHandlers:
    """Answers for people."""

    def __init__(self, accounts: Accounts, deadline: timedelta) -> None:
        self._accounts = accounts
        self._deadline = deadline

    async def register(self, call: Call) -> Response:
        """Register somebody, or find that they are."""
        request = call.request
        headers = reading.headers(CreateHeaders, request)
        raw = await bodies.taken(request.scope, request.receive, self._deadline)
        new = reading.body(NewUser, raw)
        key, digest = reading.idempotency(call, headers, reading.json(raw))
        account, made = await self._accounts.register(new, key=key, digest=digest)
        # Whoever repeats the request that made the person is answered as they were.
        replayed = not made and key is not None and account.user.idempotency_key == key
        response = _account(account, status=201 if made or replayed else 200)
        response.headers["Location"] = f"{_FOUND}/{account.user.telegram_id}"
        if replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    async def by_telegram_id(self, call: Call) -> Response:
        """Show somebody."""
        named = call.request.path_params["telegram_id"]
        # What can be nobody's is not asked of the database.
        possible = _TELEGRAM_ID.fullmatch(named) and int(named) <= TELEGRAM_ID_MOST
        found = await self._accounts.by_telegram_id(int(named)) if possible else None
        if found is None:
            raise errors.NotFoundError("user")
        return _account(found)


def routes(accounts: Accounts, deadline: timedelta) -> tuple[Route, ...]:
    """Return what can be done with people."""
    do = UserHandlers(accounts, deadline)
    return (
        Route(
            Operation(
                method="POST",
                path=f"{PATH}/register",
                name="registerUser",
                tag=_TAG,
                summary="Register somebody; who is registered already is answered as they are",
                headers=CreateHeaders,
                body=NewUser,
                status=201,
                known_status=200,
                answer=shown.user(),
                errors=(*bodies.ERRORS, errors.IdempotencyMismatchError),
            ),
            do.register,
        ),
        Route(
            Operation(
                method="GET",
                path=f"{_FOUND}/{{telegram_id}}",
                name="readUserByTelegramId",
                tag=_TAG,
                summary="Find somebody by their Telegram id, with their balance",
                answer=shown.user(),
                errors=(errors.NotFoundError, errors.UnavailableError),
            ),
            do.by_telegram_id,
        ),
    )


def _account(account: Account, *, status: int = 200) -> Response:
    return Response(orjson.dumps(account.internal()), status, media_type="application/json")
