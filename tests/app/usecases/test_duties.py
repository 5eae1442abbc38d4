"""app.usecases.duties: the operator's texts, in the person's language where there is one."""

import pytest

from app.usecases.duties import NO_SUPPORT, NO_TERMS, Duties


@pytest.mark.parametrize(
    ("texts", "language", "said"),
    [
        ({"en": "Be nice.", "ru": "Ведите себя."}, "ru", "Ведите себя."),
        ({"en": "Be nice."}, "ru", "Be nice."),
        ({"en": "Be nice."}, "xx", "Be nice."),
        ({"ru": "Ведите себя."}, "en", None),
        ({}, "pt", None),
    ],
)
def test_texts_are_by_language(texts: dict[str, str], language: str, said: str | None) -> None:
    """In English where there is none, and then it is said that there is none."""
    duties = Duties(texts, texts)

    assert duties.terms(language) == (said or NO_TERMS[language])
    assert duties.pay_support(language) == (said or NO_SUPPORT[language])
    assert NO_TERMS.keys() == NO_SUPPORT.keys()


def test_an_unknown_language_is_english() -> None:
    """Also where there is no text."""
    assert Duties({}, {}).terms("xx") == NO_TERMS["en"]
    assert Duties({}, {}).pay_support("xx") == NO_SUPPORT["en"]
