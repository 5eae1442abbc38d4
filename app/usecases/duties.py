"""What Telegram asks of bots that take Stars: terms of use, and whom to ask about a payment.

Both are the operator's own texts, from the settings; see core.telegram.org/bots/payments-stars,
"Customer support and handling payment disputes".
"""

# Russian is written in Cyrillic letters, some of which look like Latin ones.
# ruff: noqa: RUF001

from collections.abc import Mapping
from typing import Final

NO_TERMS: Final[Mapping[str, str]] = {
    "en": "The operator of this bot has not written terms of use yet.",
    "ru": "Владелец этого бота ещё не написал условия использования.",
    "pt": "O operador deste bot ainda não escreveu os termos de uso.",
}
NO_SUPPORT: Final[Mapping[str, str]] = {
    "en": "If something is wrong with a payment, write to the operator of this bot. Telegram's "
    "own support cannot help with purchases made here.",
    "ru": "Если с платежом что-то не так, напишите владельцу этого бота. Поддержка Telegram "
    "не может помочь с покупками, сделанными здесь.",
    "pt": "Se houver algum problema com um pagamento, escreva ao operador deste bot. O suporte "
    "do Telegram não pode ajudar com compras feitas aqui.",
}


class Duties:
    """The texts, by a language's two letters; ``en`` serves where there is no other.

    Args:
        terms: The operator's terms; empty where there are none.
        pay_support: How they are reached about a payment; empty where nobody has said.
    """

    def __init__(self, terms: Mapping[str, str], pay_support: Mapping[str, str]) -> None:
        self._terms = terms
        self._pay_support = pay_support

    def terms(self, language: str) -> str:
        """Return the terms, or that there are none."""
        return _of(self._terms, language) or NO_TERMS.get(language, NO_TERMS["en"])

    def pay_support(self, language: str) -> str:
        """Return how the operator is reached, or that they have to be looked for."""
        return _of(self._pay_support, language) or NO_SUPPORT.get(language, NO_SUPPORT["en"])


def _of(texts: Mapping[str, str], language: str) -> str | None:
    return texts.get(language) or texts.get("en")
