"""The API of payments: sell credits, look at a sale, give the money back.

An amount that cannot be is 422, whatever is wrong with it, and in whatever way it is written.
"""

import json
import re
from datetime import timedelta
from typing import Any, Final

import orjson
from starlette.responses import Response

from app import errors
from app.web import bodies, reading, shown
from app.web.operations import Call, Operation, Route
from app.web.refusals import NotJsonError
from app.web.services import Clock, Payments
from schemas.access import KeyScope
from schemas.base import PaymentId, UserId
from schemas.payment import Payment
from schemas.wire.api import CreateHeaders, NewPayment, RefundOrder

PATH: Final = "/api/payments"
_ONE: Final = f"{PATH}/{{id}}"
_TAG: Final = "payments"
_AMOUNT: Final = "amount"
_PLAIN: Final = re.compile(r"-?[0-9]{1,18}")


class PaymentHandlers:
    """Answers for payments."""

    def __init__(self, payments: Payments, clock: Clock, deadline: timedelta) -> None:
        self._payments = payments
        self._clock = clock
        self._deadline = deadline

    async def create(self, call: Call) -> Response:
        """Sell credits."""
        headers = reading.headers(CreateHeaders, call.request)
        raw = await self._body(call)
        new = _order(raw)
        key, digest = reading.idempotency(call, headers, reading.json(raw))
        made, fresh = await self._payments.create(
            UserId(new.user), new.amount, key=key, digest=digest
        )
        response = self._payment(made, status=201)
        response.headers["Location"] = f"{PATH}/{made.id}"
        if not fresh:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    async def read(self, call: Call) -> Response:
        """Show one."""
        found = await self._payments.get(_id(call))
        if found is None:
            raise errors.NotFoundError("payment")
        return self._payment(found)

    async def refund(self, call: Call) -> Response:
        """Give the money back."""
        named = _id(call)
        order = reading.body(RefundOrder, await self._body(call))
        by = f"api:{call.sight.name or call.caller}"
        return self._payment(await self._payments.refund(named, by=by, reason=order.reason))

    async def _body(self, call: Call) -> bytes:
        request = call.request
        return await bodies.taken(request.scope, request.receive, self._deadline)

    def _payment(self, payment: Payment, *, status: int = 200) -> Response:
        content = orjson.dumps(payment.internal(self._clock.now()))
        return Response(content, status, media_type="application/json")


def routes(payments: Payments, clock: Clock, deadline: timedelta) -> tuple[Route, ...]:
    """Return what can be done with payments."""
    do = PaymentHandlers(payments, clock, deadline)
    return (
        Route(
            Operation(
                method="POST",
                path=f"{PATH}/create",
                name="createPayment",
                tag=_TAG,
                summary="Sell credits for Telegram Stars: make an invoice, and a link to it",
                headers=CreateHeaders,
                body=NewPayment,
                status=201,
                answer=shown.payment(),
                errors=(
                    *bodies.ERRORS,
                    errors.AmountRefusedError,
                    errors.ConflictError,
                    errors.IdempotencyMismatchError,
                    errors.NotFoundError,
                    errors.PeerError,
                    errors.TelegramOffError,
                ),
            ),
            do.create,
        ),
        Route(
            Operation(
                method="GET",
                path=_ONE,
                name="readPayment",
                tag=_TAG,
                summary="Read a payment",
                answer=shown.payment(),
                errors=(errors.NotFoundError, errors.UnavailableError),
            ),
            do.read,
        ),
        Route(
            Operation(
                method="POST",
                path=f"{_ONE}/refund",
                name="refundPayment",
                scope=KeyScope.ADMIN,
                tag=_TAG,
                summary="Give a payment's money back, and take its credits; once",
                body=RefundOrder,
                answer=shown.payment(),
                errors=(*bodies.ERRORS, errors.ConflictError, errors.NotFoundError),
            ),
            do.refund,
        ),
    )


def _order(raw: bytes) -> NewPayment:
    """Read what is to be sold.

    Raises:
        AmountRefusedError: The amount is none that can be.
        BadFieldError: Something else is not what it has to be.
        NotJsonError: It is not JSON, for another reason than its amount.
    """
    try:
        return reading.body(NewPayment, raw)
    except NotJsonError:
        if _odd_amount(raw):
            raise errors.AmountRefusedError(_AMOUNT, "is not a number of Stars") from None
        raise
    except errors.BadFieldError as error:
        if error.field == _AMOUNT:
            raise errors.AmountRefusedError(_AMOUNT, error.problem) from None
        raise


def _odd_amount(raw: bytes) -> bool:
    """Return whether a body would be JSON but for its amount: NaN, or over 64 bits."""
    try:
        # Numbers are left as they are written: no digits are too many to be looked at.
        given: Any = json.loads(raw, parse_int=str, parse_float=str, parse_constant=str)
        amount = given[_AMOUNT]
    except (ValueError, TypeError, LookupError, RecursionError):
        return False
    return isinstance(amount, str) and not _PLAIN.fullmatch(amount)


def _id(call: Call) -> PaymentId:
    return PaymentId(reading.identity(call.request, "payment"))
