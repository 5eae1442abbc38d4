"""What the bot's conversation stands on: use cases and ports. Loads no aiogram."""

from dataclasses import dataclass

from app.ports import Ledger, Presets, Storage
from app.usecases.arrears import Arrears
from app.usecases.choose_language import ChooseLanguage
from app.usecases.duties import Duties
from app.usecases.forget_user import ForgetUser
from app.usecases.links import Links
from app.usecases.orders import Orders
from app.usecases.people import People
from app.usecases.prices import Prices
from app.usecases.register_user import Accounts
from app.usecases.take_image import TakeImage
from processors.notifications.texts import Translate


@dataclass(frozen=True, kw_only=True)
class Cases:
    """What the conversation does things with."""

    accounts: Accounts
    orders: Orders
    presets: Presets
    prices: Prices
    ledger: Ledger
    storage: Storage
    links: Links
    choose_language: ChooseLanguage
    translate: Translate
    take_image: TakeImage
    duties: Duties
    forget: ForgetUser
    people: People
    arrears: Arrears
