"""What tests of conversations begin with, and look at behind the bot's back."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from app.bootstrap import Store
from app.clock import Clock
from app.usecases.money import Money
from schemas.job import Job
from schemas.user import User
from tests.peers import Peers
from tests.sandbox.telegram.person import Person
from tests.service import Service, until


@dataclass
class Bot:
    """The bot, and who writes to it."""

    peers: Peers
    service: Service
    store: Store
    _people: Iterator[int]

    def somebody(self, language: str | None = "en", name: str = "Ada") -> Person:
        """Return a person whom the bot does not know yet."""
        return Person(self.peers, next(self._people), language=language, name=name)

    async def user(self, person: Person) -> User:
        """Return the record of a person who has written to the bot."""
        found = await self.store.users.by_telegram_id(person.id)
        assert found is not None
        return found

    async def change(self, person: Person, **fields: object) -> User:
        """Change a person's record, as administrators do."""
        before = await self.user(person)
        after = before.change(version=before.version + 1, **fields)
        assert await self.store.users.write(before, after)
        return after

    async def jobs(self, person: Person) -> tuple[Job, ...]:
        """Return what a person has ordered, the newest first."""
        user = await self.store.users.by_telegram_id(person.id)
        return (await self.store.jobs.page(user.id, None, 100)).items if user else ()

    async def ordered(self, person: Person) -> Job:
        """Wait for a person's first order; return it."""
        return (await until(lambda: self.jobs(person), bool))[0]

    async def balance(self, person: Person) -> Decimal:
        """Return what a person owns."""
        user = await self.user(person)
        return await Money(self.store.ledger, Clock()).balance(user.id)

    async def kept(self, job: Job) -> bool:
        """Return whether the files of an order have been stored."""
        found = await self.store.generations.get(job.steps[0].generation)
        assert found is not None
        return all(each.key is not None for each in found.response_payload.outputs)

    async def ended(self, person: Person, number: int = 1) -> Job:
        """Wait until so many orders of a person have ended and are settled; return the newest."""
        jobs = await until(
            lambda: self.jobs(person),
            lambda found: len(found) == number and all(each.price is not None for each in found),
        )
        return jobs[0]
