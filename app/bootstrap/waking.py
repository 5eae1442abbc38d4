"""How this process wakes the others, and is woken."""

from typing import TYPE_CHECKING

from app.clock import Clock
from app.observability.metrics import Metrics
from app.settings import Settings
from app.signals.alone import Alone
from schemas.base import InstanceName
from schemas.timing import Timing

if TYPE_CHECKING:
    from app.signals.redis import RedisWaker


def make_waker(
    settings: Settings, name: InstanceName, clock: Clock, timing: Timing, metrics: Metrics
) -> "Alone | RedisWaker":
    """Return the way to the other processes; nothing is connected yet.

    Raises:
        SetupError: REDIS_URL cannot be used.
    """
    if settings.redis_url is None:
        return Alone()
    # A client that most have no use for.
    from app.signals.redis import RedisWaker  # noqa: PLC0415

    return RedisWaker(
        settings.redis_url.get_secret_value(),
        database=settings.mongodb_database,
        me=name,
        jitter=clock.jitter,
        timing=timing,
        metrics=metrics,
    )
