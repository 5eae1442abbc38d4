"""app.usecases.duties: the operator's texts, in the person's language where there is one."""

import pytest

from app.usecases.duties import Duties
from processors.notifications.texts import Voice
from tests.speech import ENGLISH, PORTUGUESE, RUSSIAN


@pytest.mark.parametrize(
    ("texts", "voice", "said"),
    [
        ({"en": "Be nice.", "ru": "Ведите себя."}, RUSSIAN, "Ведите себя."),
        ({"en": "Be nice."}, RUSSIAN, "Be nice."),
        ({"en": "Be nice."}, ENGLISH, "Be nice."),
    ],
)
def test_texts_are_by_language(texts: dict[str, str], voice: Voice, said: str) -> None:
    """In English where there is no other."""
    duties = Duties(texts, texts)

    assert (duties.terms(voice), duties.pay_support(voice)) == (said, said)


def test_that_there_is_none_is_said() -> None:
    """In the person's language, also where there is one in another."""
    duties = Duties({"ru": "Ведите себя."}, {})

    assert duties.terms(ENGLISH).startswith("The operator of this bot has not")
    assert duties.pay_support(ENGLISH).startswith("If something is wrong with a payment")
    assert duties.terms(PORTUGUESE) != duties.terms(ENGLISH)
    assert duties.pay_support(PORTUGUESE) != duties.pay_support(ENGLISH)
