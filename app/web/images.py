"""The API of pictures: give one, and have its name for an order.

It comes as it is, as the field `file` of a form, or in base64 in JSON. Whichever it is, it is
read only when there is room for it. Given twice on one day, for one person, it is one picture:
nothing has to be remembered for that, and no Idempotency-Key is needed.
"""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app import errors
from app.web import bodies, forms, reading, refusals
from app.web.memory import Held, Memory
from app.web.operations import Call, Operation, Route
from app.web.services import Images, LinkTo, People
from processors.errors import ImageFault, ImageRefusedError
from processors.images.preparing import LIMITS
from processors.notifications import image_refusals
from processors.notifications.texts import Language, english
from schemas.base import UserId
from schemas.wire.api import ImageQuery, ImageTaken, NewImage

PATH: Final = "/api/images"
FIELD: Final = "file"
TYPES: Final = ("image/png", "image/jpeg", "image/webp", "image/gif")
AROUND: Final = 64 * 1024
"""Bytes that a form may have beside its file, and JSON beside its text."""

_ASKED: Final = f"send multipart/form-data, application/json, or one of {', '.join(TYPES)}"
_JSON: Final = "application/json"
_FORM: Final = "multipart/form-data"
_JSON_MOST: Final = LIMITS.size * 4 // 3 + AROUND


class ImageHandlers:
    """Answers for pictures."""

    def __init__(
        self, images: Images, people: People, link_to: LinkTo, deadline: timedelta
    ) -> None:
        self._images = images
        self._people = people
        self._link_to = link_to
        self._deadline = deadline
        self._memory = Memory()

    async def create(self, call: Call) -> Response:
        """Take a picture."""
        query = reading.query(ImageQuery, call.request.scope["query_string"])
        if query.user is not None:
            await self._check(query.user)
        with self._memory.body() as held:
            field, content = self._content(call.request, held)
            try:
                taken = await self._images(content, owner=query.user)
            except ImageRefusedError as error:
                raise _refusal(error, field) from error
        shown = ImageTaken(
            id=taken.value,
            url=self._link_to(taken.key),
            content_type=taken.content_type,
            width=taken.width,
            height=taken.height,
            size=taken.size,
        )
        answer = orjson.dumps(shown.model_dump(by_alias=True))
        return Response(answer, 201, media_type=_JSON)

    async def _check(self, owner: UserId) -> None:
        """Let nothing be kept for whoever is not there.

        Raises:
            NotFoundError: There is no such person.
            ConflictError: What they gave is removed, or is being removed.
        """
        user = await self._people.get(owner)
        if user is None:
            raise errors.NotFoundError("user")
        if user.gone:
            raise errors.ConflictError("this person is forgotten, as they wished")

    def _content(self, request: Request, held: Held) -> tuple[str, AsyncIterator[bytes]]:
        """Return where in the request the picture stands, and its bytes as they come.

        Raises:
            MediaTypeError: The request is of another type.
            BadFieldError: It is a form that names no boundary.
        """
        given = bodies.header(request.scope, b"content-type") or b""
        media_type = given.partition(b";")[0].strip().lower().decode("latin-1")
        if media_type == _JSON:
            return "data", _decoded(self._stream(request, held, _JSON_MOST))
        if media_type == _FORM:
            boundary = forms.boundary_of(given)
            body = self._stream(request, held, LIMITS.size + AROUND)
            return FIELD, forms.file_in(body, boundary, FIELD)
        if media_type in TYPES:
            return "body", self._stream(request, held, LIMITS.size)
        raise refusals.MediaTypeError(_ASKED)

    def _stream(self, request: Request, held: Held, most: int) -> AsyncIterator[bytes]:
        body = bodies.stream(request.scope, request.receive, self._deadline, most)
        return held.counted(body)


def routes(
    images: Images, people: People, link_to: LinkTo, deadline: timedelta
) -> tuple[Route, ...]:
    """Return what can be done with pictures."""
    do = ImageHandlers(images, people, link_to, deadline)
    return (
        Route(
            Operation(
                method="POST",
                path=PATH,
                name="createImage",
                tag="images",
                summary="Give a picture, for inputs of orders; the same again is the same",
                query=ImageQuery,
                body=NewImage,
                file=FIELD,
                file_types=TYPES,
                status=201,
                answer=ImageTaken,
                errors=(
                    *bodies.ERRORS,
                    refusals.PictureError,
                    errors.ConflictError,
                    errors.NotFoundError,
                    errors.PeerError,
                ),
            ),
            do.create,
        ),
    )


async def _decoded(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    raw = b"".join([chunk async for chunk in chunks])
    # It may be tens of megabytes.
    yield await asyncio.to_thread(_data, raw)


def _data(raw: bytes) -> bytes:
    text = reading.body(NewImage, raw).data
    try:
        return b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise errors.BadFieldError("data", "is not base64") from None


def _refusal(error: ImageRefusedError, field: str) -> refusals.RefusedError:
    said = image_refusals.refused(Language.ENGLISH, error, translate=english)
    match error.fault:
        case ImageFault.TOO_LARGE:
            return refusals.TooLargeError(error.bounds["maxBytes"])
        case ImageFault.FORMAT | ImageFault.MOVING:
            return refusals.MediaTypeError(f"{field}: {said}")
        case _:
            return refusals.PictureError(field, said, error.bounds)
