"""What endpoints were told of somebody, and what was given with their orders."""

from app.ports import Deliveries, Endpoints
from schemas.user import User


class ForgetHooks:
    """Takes away deliveries that tell of somebody, sent or not, and their orders' own endpoints.

    Args:
        endpoints: Who listens.
        deliveries: What is on its way to them.
    """

    def __init__(self, endpoints: Endpoints, deliveries: Deliveries) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries

    async def __call__(self, user: User) -> bool:
        """See app.usecases.forget_user.Part."""
        people = tuple(str(each) for each in (user.id, user.telegram_id) if each is not None)
        await self._deliveries.forget(people)
        await self._endpoints.forget(people)
        return True
