"""What is known of a generation, gathered; see also tests/app/cli/test_explaining.py."""

from datetime import timedelta

import pytest

from app.errors import NotFoundError
from app.usecases.explain import Explain
from processors.protocols import comfydeploy
from schemas.run import Batch, Delivery, RunStatus
from tests.builders import COMFYDEPLOY, ID, NOON, RUN, a_generation, later
from tests.fakes.generations import FakeGenerations
from tests.fakes.inbox import FakeInbox

pytestmark = pytest.mark.anyio

RECEIVERS = {COMFYDEPLOY: comfydeploy.receive}


async def test_what_came_long_after_the_end_is_told_as_well() -> None:
    """As long as it is kept: a late event is what somebody may be looking for."""
    ended = a_generation(RunStatus.COMPLETED, response_timestamp=later(60))
    days = timedelta(days=3)
    raw = f'{{"run_id": "{RUN}", "status": "running"}}'.encode()
    event = Delivery(generation=ID, attempt=1, engine=COMFYDEPLOY, at=NOON + days, raw=raw)
    inbox = FakeInbox({"late": Batch(id="late", at=event.at, events=(event,))})
    explain = Explain(FakeGenerations({ID: ended}), inbox, RECEIVERS)
    page = await explain(ID, NOON + 2 * days)

    assert (page.moments[-1].at, page.moments[-1].who) == (event.at, "webhook")


async def test_what_is_not_there_cannot_be_explained() -> None:
    """It is said, not made up."""
    with pytest.raises(NotFoundError):
        await Explain(FakeGenerations(), FakeInbox(), RECEIVERS)(ID, NOON)
