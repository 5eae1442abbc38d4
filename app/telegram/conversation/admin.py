"""Administration in the bot: `/admin`, for people with that role. Loaded with aiogram.

Whoever has it not is told nothing: for them there is no such command.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from aiogram import Router
from aiogram.filters import Filter
from aiogram.types import Message

from app.errors import RefusedError
from app.telegram.conversation import admin_views
from app.telegram.conversation.heard import Command, Commanded
from app.telegram.conversation.layout import page
from app.telegram.conversation.ordering import Shop
from app.telegram.conversation.turns import Turn
from app.usecases.arrears import Arrear, Arrears
from app.usecases.people import People
from app.usecases.register_user import Accounts
from processors.errors import LedgerError
from schemas.job import JobId
from schemas.user import Role, User

SHOWN: Final = 10
"""People, orders and troubles that are listed."""
STUCK: Final = timedelta(minutes=15)
"""What has not changed for so long, or is due for so long, is worth a look."""


class NotMeantError(Exception):
    """What was written names nobody, or more than one, or is no such thing."""


class Office:
    """What an administrator can do here.

    Args:
        shop: For the orders.
        people: Everybody.
        arrears: What is owed and not done.
    """

    def __init__(self, shop: Shop, people: People, arrears: Arrears) -> None:
        self._shop = shop
        self._people = people
        self._arrears = arrears
        self._verbs: Mapping[str, Callable[[Turn, str], Awaitable[str]]] = {
            "find": self._find,
            "show": self._show,
            "grant": self._grant,
            "refund": self._refund,
            "block": self._block,
            "unblock": self._unblock,
            "stuck": self._stuck,
            "dead": self._dead,
        }

    async def do(self, message: Message, turn: Turn, command: Command) -> None:
        """Do what is asked, and say what came of it."""
        del message
        verb, _, rest = command.rest.partition(" ")
        act = self._verbs.get(verb.lower())
        if act is None:
            await turn.tell(admin_views.menu(turn.voice))
            return
        try:
            said = await act(turn, rest.strip())
        except NotMeantError as error:
            said = page(str(error))
        except (RefusedError, LedgerError) as error:
            said = page(turn.voice.say("That was refused: {reason}", reason=str(error)))
        await turn.tell(said)

    async def _find(self, turn: Turn, rest: str) -> str:
        found = await self._people.find(rest, SHOWN) if rest else ()
        return admin_views.found(turn.voice, found)

    async def _show(self, turn: Turn, rest: str) -> str:
        user = await self._meant(turn, rest)
        account = await self._people.get(user.id)
        jobs = (await self._shop.orders.of_user(user.id, None, SHOWN)).items
        return admin_views.person(turn.voice, account, jobs)

    async def _grant(self, turn: Turn, rest: str) -> str:
        who, number, reason = _three(rest)
        user = await self._meant(turn, who)
        try:
            amount = Decimal(number)
        except InvalidOperation:
            wanted = turn.voice.say("How many? /admin grant 4711 50 reason")
            raise NotMeantError(wanted) from None
        entry, _ = await self._people.grant(
            user.id, amount, key=turn.key, by=_by(turn), reason=reason or None
        )
        return admin_views.granted(turn.voice, user, entry)

    async def _refund(self, turn: Turn, rest: str) -> str:
        job, _, reason = rest.partition(" ")
        after = await self._shop.orders.refund(
            JobId(job), amount=None, by=_by(turn), reason=reason.strip() or "refunded"
        )
        return admin_views.refunded(turn.voice, after)

    async def _block(self, turn: Turn, rest: str) -> str:
        who, _, reason = rest.partition(" ")
        user = await self._meant(turn, who)
        after = await self._people.block(user.id, by=_by(turn), reason=reason.strip() or None)
        return admin_views.found(turn.voice, (after,))

    async def _unblock(self, turn: Turn, rest: str) -> str:
        who, _, reason = rest.partition(" ")
        user = await self._meant(turn, who)
        after = await self._people.unblock(user.id, by=_by(turn), reason=reason.strip() or None)
        return admin_views.found(turn.voice, (after,))

    async def _stuck(self, turn: Turn, rest: str) -> str:
        """Show what has not got on for long."""
        del rest
        return admin_views.stuck(turn.voice, await self._arrears.stuck(STUCK, SHOWN))

    async def _dead(self, turn: Turn, rest: str) -> str:
        """Show what was given up."""
        del rest
        found = list[Arrear]()
        async for each in self._arrears.listed(only_dead=True):
            found.append(each)
            if len(found) == SHOWN:
                break
        return admin_views.dead(turn.voice, found)

    async def _meant(self, turn: Turn, who: str) -> User:
        """Return the one person that is meant.

        Raises:
            NotMeantError: There is none, or more than one.
        """
        found = await self._people.find(who, 2) if who else ()
        exact = [each for each in found if who.removeprefix("@") == each.username] or found
        if len(exact) != 1:
            raise NotMeantError(turn.voice.say("Who? A Telegram id, or @name; /admin find helps."))
        return exact[0]


class IsAdmin(Filter):
    """Lets pass who has the role."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def __call__(self, message: Message) -> bool:
        """Return whether they have it."""
        sender = message.from_user
        account = None if sender is None else await self._accounts.by_telegram_id(sender.id)
        return account is not None and Role.ADMIN in account.user.roles


def make_router(office: Office, accounts: Accounts) -> Router:
    """Return the router."""
    router = Router(name="admin")
    router.message.register(office.do, Commanded("admin"), IsAdmin(accounts))
    return router


def _by(turn: Turn) -> str:
    return f"telegram:{turn.user.telegram_id}"


def _three(rest: str) -> tuple[str, str, str]:
    words = [*rest.split(maxsplit=2), "", "", ""]
    return words[0], words[1], words[2]
