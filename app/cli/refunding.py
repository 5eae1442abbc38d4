"""`runrelay refund`: give back what a job came to."""

from decimal import Decimal, InvalidOperation

from app.bootstrap import make_refunds
from app.cli import opening, speaking
from app.cli.granting import me
from app.cli.settling import refuse, refusing
from app.clock import Clock
from processors.errors import LedgerError
from schemas.base import plain
from schemas.job import JobId


async def refund(job_id: str, *, amount: str | None, reason: str, by: str | None) -> None:
    """Give credits back, and say how many."""
    given = None if amount is None else _amount(amount)
    with refusing():
        clock, settings = Clock(), opening.quietly_settled()
        async with opening.opened(settings, clock) as store:
            refunds = make_refunds(settings, store, clock)
            try:
                job = await refunds.refund(
                    JobId(job_id), amount=given, by=f"cli:{by or me()}", reason=reason
                )
            except LedgerError as error:
                refuse([str(error)])
    back = [each.outcome.refunded for each in job.steps if each.outcome is not None]
    known = sum((each for each in back if each is not None), Decimal(0))
    speaking.say(f"{plain(known)} credits of job {job.id} are given back")


def _amount(given: str) -> Decimal:
    try:
        return Decimal(given)
    except InvalidOperation:
        refuse([f"--amount: {given} is not a number, such as 25 or 0.5"])
