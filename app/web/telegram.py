"""The way in for Telegram's updates: plain ASGI.

The secret token comes first: before it is verified nothing is read. Whatever comes with it is
answered 200 once it is on disk, understood or not (see `app.usecases.take_updates`).
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app import errors
from app.web import bodies, refusals
from app.web.edge import answer, reason_of
from app.web.operations import Access, Operation
from app.web.refusals import MethodError, UnauthorizedError
from app.web.services import Intake, Services
from schemas.wire.api import Accepted

PATH: Final = "/webhook"
METHODS: Final = frozenset({"POST"})
SECRET: Final = b"x-telegram-bot-api-secret-token"

ACCEPTED: Final = Response(Accepted().model_dump_json(), media_type="application/json")
"""The answer once an update is on disk. It names no method, so Telegram executes nothing."""

OPERATIONS: Final = (
    Operation(
        method="POST",
        path=PATH,
        name="postUpdate",
        tag="webhooks",
        summary="Bring an update of Telegram; the answer comes when it is on disk",
        access=Access.SECRET,
        answer=Accepted,
        errors=(
            refusals.SlowBodyError,
            refusals.TooLargeError,
            errors.UnavailableError,
        ),
    ),
)


class Door:
    """Takes updates in.

    Attributes:
        doors: By path, each with and without a slash at its end; none where Telegram brings
            nothing here.
    """

    def __init__(self, services: Services) -> None:
        intakes = [services.updates] if services.updates and services.update_secret else []
        self.doors: Final[Mapping[str, Intake]] = {
            f"{prefix}{PATH}{slash}": intake
            for intake in intakes
            for prefix in {"", services.prefix.rstrip("/")}
            for slash in ("", "/")
        }
        self._services = services
        # Digests are of one length, so that comparing tells nothing of the secret's own.
        self._digest = hashlib.sha256(services.update_secret).digest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose path is one of `doors`: 200 once it is on disk."""
        try:
            await self._take(scope, receive)
        except Exception as error:  # noqa: BLE001 - the ASGI edge answers for everything
            self._services.metrics.refused(reason_of(error))
            await answer(error, scope, receive, send)
        else:
            await ACCEPTED(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive) -> None:
        if scope["method"] not in METHODS:
            raise MethodError(METHODS)
        given = [value for name, value in scope["headers"] if name == SECRET]
        digest = hashlib.sha256(given[0] if len(given) == 1 else b"").digest()
        if not hmac.compare_digest(digest, self._digest):
            raise UnauthorizedError
        raw = await bodies.read(scope, receive, self._services.body_deadline)
        taken, attend = self.doors[scope["path"]].take(raw), self._services.attend
        if attend is None:
            await taken
        else:
            await attend.update(taken)
