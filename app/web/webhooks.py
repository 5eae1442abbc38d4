"""The way in for the engines' webhooks: plain ASGI, and `take` for the short way in.

The token comes first: before it is verified nothing is read, looked up or logged, and whatever
is wrong with it is answered in the same words. ComfyDeploy repeats a failed webhook as a GET
with the body (``utils.py:952-964``), so both methods do the same. A GET without a body (a
redirect on the way ate it) and a body too large tell that something happened: the run is asked.

An engine that signs its webhooks has larger ones, with logs and files in them. Of those the
signature is checked as well, and one that was taken in before is not taken in again.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Final, NamedTuple

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import UnavailableError
from app.observability.logs import about
from app.web import bodies, guard
from app.web.edge import answer, reason_of
from app.web.memory import Memory
from app.web.refusals import MethodError, SignatureError, TooLargeError, UnauthorizedError
from app.web.services import Receiver, Services
from app.web.signatures import Message, Signatures
from processors.errors import RefusedBodyError
from processors.protocols import signing
from schemas.base import EngineName, GenerationId
from schemas.run import Delivery
from schemas.wire.api import Accepted

PATH: Final = "/api/webhook/{engine}"
METHODS: Final = frozenset({"GET", "POST"})

Done = Callable[[ASGIApp | None], None]
"""Called with what answers a request: None for the answer `ACCEPTED`."""

LARGE: Final = 4 * 1024 * 1024
"""Bytes of the body of a signed webhook that are read."""
ROOM: Final = 16 * LARGE
"""Bytes of such bodies that are held at a time, as long as they come in."""
_QUERY_MOST: Final = 2048
ACCEPTED: Final = Response(Accepted().model_dump_json(), media_type="application/json")
"""The answer once an event is on disk."""

_log = structlog.get_logger(__name__)


def _noted() -> None:
    """Do nothing more about an event that is on disk."""


class _Door(NamedTuple):
    """One engine's way in."""

    engine: EngineName
    keys: tuple[bytes, ...]
    receive: Receiver
    signatures: Signatures | None
    """Of an engine that signs."""


class _Sender(NamedTuple):
    """For whom a token speaks."""

    generation: GenerationId
    attempt: int


class Webhooks:
    """Takes the engines' webhooks in.

    Attributes:
        doors: By path; each with and without a slash at its end, for nothing here redirects.
            An engine that signs, and whose secret nobody has told us, has none.
    """

    def __init__(self, services: Services) -> None:
        self.doors: Final[Mapping[str, _Door]] = {
            f"{prefix}{PATH.format(engine=door.engine)}{slash}": door
            for door in _doors(services)
            for prefix in {"", services.prefix.rstrip("/")}
            for slash in ("", "/")
        }
        self._services = services
        self._memory = Memory(ROOM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose path is one of `doors`: 200 once it is on disk."""
        door, sender = self.doors[scope["path"]], None
        try:
            sender = _sender(door, scope)
            await self._take(door, sender, scope, receive)
        except Exception as error:  # noqa: BLE001 - the ASGI edge answers for everything
            await self._refusal(door, sender, error)(scope, receive, send)
        else:
            await ACCEPTED(scope, receive, send)

    def take(self, scope: Scope, raw: bytes, done: Done) -> bool:
        """Take a request in that is here as a whole, if nothing is out of the ordinary about it.

        Args:
            scope: Its ASGI scope.
            raw: Its body.
            done: Called once it is on disk, or cannot be: with what answers it, 200 or not.

        Returns:
            False: nothing was done, and the app is to find out what is wrong.
        """
        door = self.doors.get(scope["path"])
        if door is None or door.signatures is not None or self._services.attend is not None:
            return False
        if not 0 < len(raw) <= bodies.MOST or guard.refusal(scope) is not None:
            return False
        try:
            sender = _sender(door, scope)
            bodies.check_type(scope)
            delivery = self._delivery(door, sender, raw)
            event = door.receive(delivery)
            self._services.acceptor.put(delivery, event, partial(self._done, door, sender, done))
        except Exception:  # noqa: BLE001 - whatever it is, the app meets it again and answers for it
            return False
        return True

    def _done(
        self, door: _Door, sender: _Sender, done: Done, error: UnavailableError | None
    ) -> None:
        done(None if error is None else self._refusal(door, sender, error))

    async def _take(self, door: _Door, sender: _Sender, scope: Scope, receive: Receive) -> None:
        try:
            raw = await self._body(door, scope, receive)
        except TooLargeError:
            await self._accept(door, sender, b"")
            raise
        if door.signatures is None or not raw:
            await self._accept(door, sender, raw)
        else:
            await self._take_signed(door, sender, raw, door.signatures.check(scope, raw))

    async def _take_signed(
        self, door: _Door, sender: _Sender, raw: bytes, message_id: bytes
    ) -> None:
        """Take a message in whose signature is right, once."""
        message = Message(message_id, sender.generation, sender.attempt)
        if door.signatures is None or door.signatures.known(message):
            self._services.metrics.repeated(door.engine)
            return
        await self._accept(door, sender, raw, partial(door.signatures.remember, message))

    async def _accept(
        self, door: _Door, sender: _Sender, raw: bytes, stored: Callable[[], None] = _noted
    ) -> None:
        """Return when an event is on disk; where nobody else does it, with what it causes done.

        Args:
            door: Where it came in.
            sender: For whom it speaks.
            raw: Its bytes.
            stored: Called once it is on disk.
        """
        delivery, attend = self._delivery(door, sender, raw), self._services.attend
        event = door.receive(delivery)

        async def accepted() -> None:
            await self._services.acceptor.accept(delivery, event)
            stored()

        if attend is None:
            await accepted()
        else:
            await attend.event(delivery.generation, accepted())

    def _refusal(self, door: _Door, sender: _Sender | None, error: Exception) -> ASGIApp:
        """Return what counts, notes and answers a request that ended in `error`."""

        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            self._services.metrics.refused(reason_of(error))
            with about(sender.generation) if sender else nullcontext():
                _note(door, error)
                await answer(error, scope, receive, send)

        return refuse

    async def _body(self, door: _Door, scope: Scope, receive: Receive) -> bytes:
        """Read the body; empty for a GET without one."""
        if scope["method"] == "GET" and bodies.absent(scope):
            return b""
        bodies.check_type(scope)
        if door.signatures is None:
            raw = await bodies.read(scope, receive, self._services.body_deadline)
        else:
            raw = await self._large(scope, receive)
        if not raw and scope["method"] == "POST":
            raise RefusedBodyError("json", "empty")
        return raw

    async def _large(self, scope: Scope, receive: Receive) -> bytes:
        """Read a body that may be large, each part of it once there is room."""
        body = bodies.stream(scope, receive, self._services.body_deadline, LARGE)
        with self._memory.body() as held:
            return b"".join([part async for part in held.counted(body)])

    def _delivery(self, door: _Door, sender: _Sender, raw: bytes) -> Delivery:
        return Delivery(
            generation=sender.generation,
            attempt=sender.attempt,
            engine=door.engine,
            at=self._services.clock.now(),
            raw=raw,
        )


def _doors(services: Services) -> Iterator[_Door]:
    """Yield each engine's door; one that signs has none where its secret is not known."""
    for engine, receiver in services.receivers.items():
        keys, secrets = services.webhook_keys.get(engine, ()), services.webhook_secrets.get(engine)
        if secrets is None:
            yield _Door(engine, keys, receiver, None)
        elif secrets:
            yield _Door(engine, keys, receiver, Signatures(secrets, services.clock))


def _sender(door: _Door, scope: Scope) -> _Sender:
    """Return for whom a request speaks; other parameters than the two are passed over.

    Nothing is percent-decoded: neither an id nor a token has anything to encode.

    Raises:
        MethodError: It is neither a GET nor a POST.
        UnauthorizedError: Anything is wrong with the token.
    """
    if scope["method"] not in METHODS:
        raise MethodError(METHODS)
    query: bytes = scope["query_string"]
    if len(query) > _QUERY_MOST:
        raise UnauthorizedError
    ids, tokens = list[bytes](), list[bytes]()
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name == b"generation":
            ids.append(value)
        elif name == b"token":
            tokens.append(value)
    if len(ids) != 1 or len(tokens) != 1:
        raise UnauthorizedError
    generation = GenerationId(ids[0].decode("latin-1"))
    attempt = signing.verify(door.keys, door.engine, generation, tokens[0])
    if attempt is None:
        raise UnauthorizedError
    return _Sender(generation, attempt)


def _note(door: _Door, error: Exception) -> None:
    """Log a body that makes no sense or is not signed, though its token was right.

    The body is its sender's business: what is wrong with it will do.
    """
    if isinstance(error, SignatureError):
        _log.warning("webhook refused", engine=door.engine, reason=error.reason, fault=error.fault)
    if isinstance(error, RefusedBodyError):
        _log.warning("webhook refused", engine=door.engine, reason=error.reason, field=error.field)
