"""processors.protocols.view_tokens: what a bearer may see, written down and signed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.protocols import signing, view_tokens
from schemas.access import KeyScope, Sight
from schemas.base import GenerationId, UserId
from schemas.job import JobId
from tests.builders import NOON

KEY = signing.derive(b"the secret of the tests", "view")
OLD = signing.derive(b"the secret before", "view")
ADA = UserId("0198c0ffee0198c0ffee0198c0ffee99")
SEEN = Sight(name="view", user=ADA, until=NOON)

ids = st.text("0123456789abcdef", min_size=32, max_size=32)
times = st.datetimes(datetime(1970, 1, 1), datetime(5000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware
about = st.one_of(
    st.just(dict[str, str]()),
    ids.map(lambda each: {"user": UserId(each)}),
    ids.map(lambda each: {"job": JobId(each)}),
    ids.map(lambda each: {"generation": GenerationId(each)}),
)


@given(about, times, st.sampled_from([KeyScope.READ, KeyScope.ACT]))
def test_what_is_written_is_read(about: dict[str, str], until: datetime, scope: KeyScope) -> None:
    """By any of the keys, as text or bytes; and it fits into a URL, a header, a subprotocol."""
    sight = Sight(name="view", scope=scope, until=until.replace(microsecond=0)).change(**about)
    token = view_tokens.mint(OLD, sight)

    assert view_tokens.read([KEY, OLD], token) == sight
    assert view_tokens.read([OLD], token.encode()) == sight
    assert view_tokens.read([KEY], token) is None
    assert view_tokens.read([], token) is None
    assert token.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert len(token) <= 120


@given(st.one_of(st.text(), st.binary(max_size=200)))
def test_whatever_a_stranger_sends_is_none(sent: str | bytes) -> None:
    """And nothing is raised."""
    assert view_tokens.read([KEY], sent) is None


@given(st.integers(0, 200), st.characters(codec="latin-1"))
def test_one_character_changed_is_another_token(place: int, other: str) -> None:
    """Neither whose it is, nor what it allows, nor until when can be changed, nor the proof."""
    token = view_tokens.mint(KEY, SEEN)
    place %= len(token)
    changed = token[:place] + other + token[place + 1 :]

    assert (view_tokens.read([KEY], changed) is not None) is (changed == token)


def test_what_is_cut_off_or_put_on_is_no_token() -> None:
    """At either end."""
    token = view_tokens.mint(KEY, SEEN)
    others = [token[:-1], token[1:], f"{token}A", f" {token}", f"{token}\n", f"{token}="]

    assert [each for each in others if view_tokens.read([KEY], each) is not None] == []


def test_a_token_of_another_purpose_is_none() -> None:
    """Keys are derived by purpose."""
    webhook = signing.derive(b"the secret of the tests", "webhook:comfydeploy")

    assert view_tokens.read([KEY], view_tokens.mint(webhook, SEEN)) is None


@pytest.mark.parametrize(
    "sight",
    [
        SEEN.change(internal=True),
        SEEN.change(until=None),
        SEEN.change(scope=KeyScope.ADMIN),
        SEEN.change(job=JobId("b" * 32)),
        SEEN.change(user=UserId("ada")),
        SEEN.change(until=NOON - timedelta(days=40_000)),
    ],
)
def test_a_token_is_for_no_more_than_tokens_are_for(sight: Sight) -> None:
    """One thing, for a time, and nothing that only operators see or do."""
    with pytest.raises(ValueError, match="a token"):
        view_tokens.mint(KEY, sight)
