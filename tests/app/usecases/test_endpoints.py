"""app.usecases.endpoints and own_hooks: what operators, and orders, do with endpoints."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from app.errors import (
    ConflictError,
    ContendedError,
    HookRefusedError,
    NotFoundError,
    StoreDownError,
)
from app.ports import Write
from app.usecases import endpoints as desks
from app.usecases.delivery_debts import PAUSED
from app.usecases.forget_hooks import ForgetHooks
from app.usecases.listeners import Listeners
from app.usecases.own_hooks import HookWanted, OwnHooks
from app.usecases.pause_endpoint import PauseEndpoint
from processors import debts, hooks
from processors.debts import Taker
from processors.hooks import About
from schemas.base import GenerationId
from schemas.hook import Delivery, Endpoint, EndpointId, HookEvent
from tests.app.usecases.posts import Post
from tests.builders import (
    HERE,
    HOOK_SECRET,
    NOON,
    USER,
    a_generation,
    a_user,
    an_endpoint,
    later,
    some_metadata,
)
from tests.fakes.clock import FakeClock
from tests.fakes.hooks import FakeDeliveries, FakeEndpoints

pytestmark = pytest.mark.anyio

WANTED = HookWanted("https://hooks.example.com/runrelay")


async def test_what_is_done_is_written_down_first() -> None:
    """Without what is secret in it."""
    post = Post()
    made = await post.desk.add(WANTED, by="cli:ada")
    await post.desk.change(made.endpoint.id, by="cli:ada", paused=True)
    await post.desk.rotate(made.endpoint.id, None, by="cli:ada")
    await post.desk.delete(made.endpoint.id, by="cli:ada")

    verbs = [each.verb for each in post.deeds.done]
    assert verbs == ["webhook-add", "webhook-pause", "webhook-rotate", "webhook-delete"]
    said = " ".join(f"{each!r}" for each in post.deeds.done)
    assert "whsec_" not in said
    assert "/runrelay" not in said


async def test_there_are_so_many_endpoints_and_no_more() -> None:
    """Each costs a message for each event."""
    post = Post(*(an_endpoint(number + 1) for number in range(desks.ENDPOINTS_MOST)))
    with pytest.raises(ConflictError):
        await post.desk.add(WANTED, by="cli:ada")


def a_sending(number: int = 1) -> Delivery:
    """A delivery of an end that waits."""
    record = a_generation(id=GenerationId(f"{number:032x}"))
    return hooks.made(record, About(HookEvent.COMPLETED, 7, "x"), "{}", an_endpoint(), now=NOON)


async def test_what_is_not_there_is_said_so() -> None:
    """Endpoints and deliveries; one of another endpoint is none of this one's."""
    post = Post(an_endpoint(1), an_endpoint(2))
    told = About(HookEvent.COMPLETED, 7, "x")
    other = hooks.made(a_generation(), told, "{}", an_endpoint(2), now=NOON)
    post.kept.records[other.id] = other
    with pytest.raises(NotFoundError):
        await post.desk.get("f" * 32)
    with pytest.raises(NotFoundError):
        await post.desk.replay(an_endpoint(1).id, other.id)


class AskedDeliveries(FakeDeliveries):
    """Asked a few times, and not for ever."""

    left = 3

    async def dead_of(
        self, endpoint_id: str, since: datetime | None, after: str, limit: int
    ) -> tuple[Delivery, ...]:
        """See app.ports.Deliveries."""
        self._ask()
        return await super().dead_of(endpoint_id, since, after, limit)

    async def put_off_of(
        self, endpoint_id: str, why: str, after: str, limit: int
    ) -> tuple[Delivery, ...]:
        """See app.ports.Deliveries."""
        self._ask()
        return await super().put_off_of(endpoint_id, why, after, limit)

    def _ask(self) -> None:
        assert self.left, "asked again and again"
        self.left -= 1


class DyingDeliveries(AskedDeliveries):
    """What is brought back to life is given up again before anybody looks."""

    async def write(self, writes: Sequence[Write[Delivery]]) -> frozenset[str]:
        """See app.ports.Debtors."""
        del writes
        return frozenset()


async def test_what_cannot_be_had_now_is_not_asked_for_again_and_again() -> None:
    """What a process had claimed when it died waits for its claim's end, and resuming ends."""
    post = Post(an_endpoint(paused_at=NOON, paused_why="operator"), deliveries=AskedDeliveries())
    claimed = debts.claim(a_sending().owed, hooks.DELIVER, Taker(by=HERE, until=later(60)))
    for number, owed in ((1, claimed), (2, a_sending(2).owed)):
        off = tuple(each.change(last_error=PAUSED) for each in owed)
        each = debts.put(a_sending(number), off)
        post.kept.records[each.id] = each
    await post.desk.change(an_endpoint().id, by="cli:ada", paused=False)

    waits = [each.owed[0] for _, each in sorted(post.kept.records.items())]
    assert [each.last_error for each in waits] == [PAUSED, None]


async def test_what_dies_again_at_once_is_replayed_once() -> None:
    """Such as what a paused endpoint has been owed for longer than is kept."""
    post = Post(deliveries=DyingDeliveries())
    owed = debts.bury(a_sending().owed, hooks.DELIVER, 1, error="x", now=NOON)
    dead = debts.put(a_sending(), owed)
    post.kept.records[dead.id] = dead

    assert await post.desk.replay(an_endpoint().id, None) == 1


class LostEndpoints(FakeEndpoints):
    """Others are always first."""

    async def write(self, before: Endpoint | None, after: Endpoint) -> bool:
        """See app.ports.Endpoints."""
        del before, after
        return False


async def test_a_write_that_others_keep_winning_is_given_up() -> None:
    """By an operator, or by us."""
    post = Post(known=LostEndpoints(an_endpoint()))
    with pytest.raises(ContendedError):
        await post.desk.change(an_endpoint().id, by="cli:ada", paused=True)
    pause = PauseEndpoint(post.endpoints, post.alerts, post.metrics, post.clock.now)
    with pytest.raises(ContendedError):
        await pause(an_endpoint().id, "gone")
    await pause(EndpointId("f" * 32), "gone")
    assert post.alerts.raised == []


async def test_an_order_brings_an_endpoint_of_its_own() -> None:
    """Kept for a month, under the order's id; what is wrong with it is named as in the order."""
    kept = FakeEndpoints()
    own = OwnHooks(kept, FakeClock(), allow_private=False)
    order = a_generation(metadata=some_metadata(user_id=USER, telegram_chat_id=None))
    made = own.of(WANTED._replace(secret=HOOK_SECRET), hooks.ENDS, order)
    await own.keep(made)

    assert (made.id, made.order, made.people) == (order.id, order.id, (USER,))
    assert made.expires_at == NOON + timedelta(days=30)
    assert (made.events, made.keys(NOON)) == (hooks.ENDS, (HOOK_SECRET,))
    await own.drop(made)
    assert kept.records == {}
    with pytest.raises(HookRefusedError, match=r"^webhook\.url: "):
        own.of(HookWanted("nonsense"), hooks.ENDS, order)


async def test_who_is_forgotten_is_told_of_no_more() -> None:
    """What was to be sent of them goes, and where their orders were to be told."""
    endpoints, deliveries = FakeEndpoints(an_endpoint(1)), FakeDeliveries()
    endpoints.records[an_endpoint(2).id] = an_endpoint(2, people=(USER,))
    record = a_generation(metadata=some_metadata(user_id=USER))
    sent = hooks.made(record, About(HookEvent.JOB, 1, "x"), "{}", an_endpoint(), now=NOON)
    deliveries.records[sent.id] = sent

    assert await ForgetHooks(endpoints, deliveries)(a_user())
    assert deliveries.records == {}
    assert list(endpoints.records) == [an_endpoint(1).id]


class DownEndpoints(FakeEndpoints):
    """The database does not answer."""

    async def listened(self) -> frozenset[HookEvent]:
        """See app.ports.Endpoints."""
        raise StoreDownError("away")


async def test_who_listens_is_not_guessed() -> None:
    """Where nobody knows, the write waits for the database as it would anyway."""
    listeners = Listeners(DownEndpoints(), timedelta(seconds=3))
    for at in (NOON, later(1)):
        with pytest.raises(StoreDownError):
            await listeners.ready(at)
