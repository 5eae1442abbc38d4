"""What Telegram asks of bots that take Stars: terms of use, and whom to ask about a payment.

Both are the operator's own texts, from the settings; see core.telegram.org/bots/payments-stars.
"""

from collections.abc import Mapping

from processors.notifications.texts import Voice


class Duties:
    """The texts, by a language's two letters; ``en`` serves where there is no other.

    Args:
        terms: The operator's terms; empty where there are none.
        pay_support: How they are reached about a payment; empty where nobody has said.
    """

    def __init__(self, terms: Mapping[str, str], pay_support: Mapping[str, str]) -> None:
        self._terms = terms
        self._pay_support = pay_support

    def terms(self, voice: Voice) -> str:
        """Return the terms, or that there are none."""
        return _of(self._terms, voice) or voice.say(
            "The operator of this bot has not written terms of use yet."
        )

    def pay_support(self, voice: Voice) -> str:
        """Return how the operator is reached, or that they have to be looked for."""
        return _of(self._pay_support, voice) or voice.say(
            "If something is wrong with a payment, write to the operator of this bot. "
            "Telegram's own support cannot help with purchases made here."
        )


def _of(texts: Mapping[str, str], voice: Voice) -> str | None:
    return texts.get(voice.language) or texts.get("en")
