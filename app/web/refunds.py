"""The API of refunds: what a job came to is given back, once."""

from datetime import timedelta

import orjson
from starlette.responses import Response

from app import errors
from app.web import amounts, bodies, reading, shown
from app.web.operations import Call, Operation, Route
from app.web.people import doer
from app.web.services import Refunds
from processors.errors import AlreadyRefundedError, LedgerError
from schemas.access import KeyScope
from schemas.job import JobId
from schemas.wire.api import NewRefund


class RefundHandlers:
    """Answers for refunds."""

    def __init__(self, refunds: Refunds, deadline: timedelta) -> None:
        self._refunds = refunds
        self._deadline = deadline

    async def refund(self, call: Call) -> Response:
        """Give back what a job came to, or part of it."""
        raw = await bodies.taken(call.request.scope, call.request.receive, self._deadline)
        new = amounts.body(NewRefund, raw)
        named = reading.identity(call.request, "job")
        amount = None if new.amount is None else amounts.read("amount", new.amount)
        job = await self._refunds.refund(
            JobId(named), amount=amount, by=doer(call), reason=new.reason
        )
        return Response(orjson.dumps(job.internal()), media_type="application/json")


def routes(refunds: Refunds, deadline: timedelta) -> tuple[Route, ...]:
    """Return what can be given back."""
    do = RefundHandlers(refunds, deadline)
    return (
        Route(
            Operation(
                method="POST",
                path="/api/jobs/{id}/refund",
                name="refundJob",
                scope=KeyScope.ADMIN,
                tag="jobs",
                summary="Give back what a job came to, once; its person is told",
                body=NewRefund,
                answer=shown.job(),
                errors=(
                    *bodies.ERRORS,
                    errors.NotFoundError,
                    AlreadyRefundedError,
                    LedgerError,
                ),
            ),
            do.refund,
        ),
    )
