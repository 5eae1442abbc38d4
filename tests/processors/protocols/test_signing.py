"""processors.protocols.signing: a token speaks for one attempt of one generation, or for none."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.protocols import signing

KEY: Final = signing.derive(b"a secret", "webhook:comfydeploy")
OTHER_KEY: Final = signing.derive(b"another secret", "webhook:comfydeploy")
ID: Final = "0198c0ffee0198c0ffee0198c0ffee01"

engines = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=32)
ids = st.text("0123456789abcdef", min_size=32, max_size=32)
attempts = st.integers(1, signing.MAX_ATTEMPT)
bearers = st.tuples(engines, ids, attempts)


def a_token(*, key: bytes = KEY, attempt: int = 1) -> str:
    """A good token of the ComfyDeploy generation `ID`."""
    return signing.webhook_token(key, "comfydeploy", ID, attempt)


def verified(token: str | bytes, *keys: bytes) -> int | None:
    """The attempt that `token` speaks for."""
    return signing.verify(keys or (KEY,), "comfydeploy", ID, token)


@given(bearers)
def test_a_token_speaks_for_its_attempt(bearer: tuple[str, str, int]) -> None:
    """Whatever was signed is recognised, as text and as bytes."""
    engine, generation_id, attempt = bearer
    token = signing.webhook_token(KEY, engine, generation_id, attempt)

    assert signing.verify([KEY], engine, generation_id, token) == attempt
    assert signing.verify([KEY], engine, generation_id, token.encode()) == attempt


@given(bearers, bearers)
def test_no_two_share_a_token(one: tuple[str, str, int], two: tuple[str, str, int]) -> None:
    """Engine, generation and attempt each make the token another."""
    same = signing.webhook_token(KEY, *one) == signing.webhook_token(KEY, *two)

    assert same == (one == two)


@given(st.data())
def test_any_change_of_a_token_refuses(data: st.DataObject) -> None:
    """No character of a token can be put, taken or replaced, the last one's spare bits included."""
    token = a_token(attempt=12)
    at = data.draw(st.integers(0, len(token)))
    cut = data.draw(st.integers(0, 2))
    changed = token[:at] + data.draw(st.text(max_size=2)) + token[at + cut :]

    assert verified(changed) == (12 if changed == token else None)


@given(st.text() | st.binary(), st.text(), st.text())
def test_nothing_a_stranger_sends_raises(
    token: str | bytes, generation_id: str, engine: str
) -> None:
    """Case 14: any text or bytes in any place is refused, not an error."""
    assert signing.verify([KEY], "comfydeploy", ID, token) is None
    assert signing.verify([KEY], "comfydeploy", generation_id, token) is None
    assert signing.verify([KEY], engine, ID, a_token()) is None or engine == "comfydeploy"
    assert signing.verify([KEY], "comfydeploy", generation_id, a_token()) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "1.",
        ".",
        a_token()[2:],
        a_token()[:-1],
        a_token() + "=",
        a_token() + "\n",
        "0" + a_token(),
        "0." + a_token()[2:],
        "1000." + a_token()[2:],
        "٣." + a_token()[2:],
        a_token(key=OTHER_KEY),
        a_token(attempt=2).replace("2.", "1.", 1),
        "1." + "A" * 43,
        "1.é" + "A" * 42,
        "1.\ud800" + "A" * 42,
        b"1.\xff" + b"A" * 42,
        "1" * 1_000_000,
        b"1" * 1_000_000,
    ],
)
def test_case_14_forged_and_malformed_tokens_are_refused(token: str | bytes) -> None:
    """Cut, padded, non-ASCII, endless, of another key or of another attempt."""
    assert verified(token) is None


def test_a_token_of_another_generation_is_refused() -> None:
    """What was given out for one run opens no other."""
    other = signing.webhook_token(KEY, "comfydeploy", "f" * 32, 1)

    assert verified(other) is None


@pytest.mark.parametrize("generation_id", ["", "f" * 31, "f" * 33, "F" * 32, "g" * 32, "é" * 32])
def test_a_malformed_generation_is_refused(generation_id: str) -> None:
    """Only what we ever give out as an id is looked at."""
    assert signing.verify([KEY], "comfydeploy", generation_id, a_token()) is None


def test_case_18_keys_can_be_rotated() -> None:
    """Old tokens are taken as long as their key is kept, and not a moment longer."""
    old = a_token(key=OTHER_KEY)

    assert verified(old, KEY, OTHER_KEY) == 1
    assert verified(a_token(), KEY, OTHER_KEY) == 1
    assert verified(old, KEY) is None


def test_without_a_key_nothing_is_accepted() -> None:
    """An empty list of keys closes the door."""
    assert signing.verify((), "comfydeploy", ID, a_token()) is None


@pytest.mark.parametrize(
    ("engine", "generation_id", "attempt"),
    [
        ("", ID, 1),
        ("Comfy", ID, 1),
        ("a:b", ID, 1),
        ("a" * 33, ID, 1),
        ("comfydeploy", "short", 1),
        ("comfydeploy", ID.upper(), 1),
        ("comfydeploy", ID, 0),
        ("comfydeploy", ID, 1000),
    ],
)
def test_no_token_is_made_that_could_not_be_checked(
    engine: str, generation_id: str, attempt: int
) -> None:
    """A slip of ours shows when the token is made, not when it comes back."""
    with pytest.raises(ValueError, match="a token needs"):
        signing.webhook_token(KEY, engine, generation_id, attempt)


def test_keys_differ_by_purpose_and_secret() -> None:
    """A key for one thing is no key for another."""
    purposes = ("webhook:comfydeploy", "webhook:replicate", "media", "view", "session")
    keys = {signing.derive(secret, p) for secret in (b"one", b"two") for p in purposes}

    assert len(keys) == 10
    assert {len(key) for key in keys} == {32}


@pytest.mark.parametrize(("secret", "purpose"), [(b"", "media"), (b"secret", "")])
def test_no_key_comes_from_nothing(secret: bytes, purpose: str) -> None:
    """An empty secret is an error, not an open door."""
    with pytest.raises(ValueError, match="a key needs"):
        signing.derive(secret, purpose)


@pytest.mark.parametrize(
    ("base", "prefix"),
    [
        ("https://example.com", "https://example.com"),
        ("https://example.com/", "https://example.com"),
        ("https://example.com:8443/runs//", "https://example.com:8443/runs"),
    ],
)
def test_the_webhook_url_keeps_port_and_prefix(base: str, prefix: str) -> None:
    """Only slashes at the end of the base are dropped."""
    url = signing.webhook_url(base, "comfydeploy", ID, a_token())

    assert url == f"{prefix}/api/webhook/comfydeploy?generation={ID}&token={a_token()}"


@pytest.mark.parametrize(
    "base",
    [
        "https://example.com",
        "https://example.com:8443/a/b/",
        "https://8.8.8.8",
        "https://[2606:4700::1]:8443/a",
        "https://bücher.example",
    ],
)
def test_a_good_base_has_nothing_to_say(base: str) -> None:
    """Names, public addresses, ports and prefixes are all fine."""
    assert signing.check_webhook_base(base, live=True) == signing.Verdict()


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("", "no scheme"),
        ("example.com", "no scheme"),
        ("example.com:8080/a", "no scheme"),
        ("//example.com", "no scheme"),
        ("://example.com", "no scheme"),
        ("ftp://example.com", "neither"),
        ("https://example.com?a=1", "query"),
        ("https://example.com/?", "query"),
        ("https://example.com/#a", "fragment"),
        ("https://example.com/#", "fragment"),
        ("https://user:pass@example.com", "user name"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://exa_mple..com", "no host"),
        ("https://example.com:99999", "port"),
        ("https://example.com:", "port"),
        ("https://exam ple.com", "white space"),
        ("https://example.com\n", "white space"),
        ("https://[::1", "is not a URL"),
        ("https://2130706433", "unusual form: it is 127.0.0.1"),
        ("https://127.1:8000", "unusual form"),
    ],
)
def test_a_bad_base_is_refused_in_every_mode(base: str, said: str) -> None:
    """What could never work is said with its reason."""
    for live in (False, True):
        assert said in " ".join(signing.check_webhook_base(base, live=live).problems)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "app.localhost",
        "printer.local",
        "db.internal",
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104
        "10.0.0.1",
        "192.168.1.10:8000",
        "169.254.1.1",
        "100.64.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fd00::1]:8000",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
    ],
)
def test_a_live_base_must_be_reachable(host: str) -> None:
    """An engine elsewhere cannot call this machine, however its address is written."""
    verdict = signing.check_webhook_base(f"https://{host}/prefix", live=True)

    assert "points at" in verdict.problems[-1]


def test_a_local_base_is_fine_in_the_sandbox() -> None:
    """There the engine is on this machine, too."""
    assert signing.check_webhook_base("http://127.0.0.1:8000", live=False) == signing.Verdict()


def test_plain_http_is_allowed_with_a_warning() -> None:
    """The operator is told, and may go on."""
    verdict = signing.check_webhook_base("http://example.com", live=True)

    assert verdict.problems == ()
    assert "plain http" in verdict.warnings[0]


def test_a_host_without_a_domain_is_doubted() -> None:
    """It may be a name that only this network knows."""
    verdict = signing.check_webhook_base("https://app", live=True)

    assert verdict.problems == ()
    assert "without a domain" in verdict.warnings[0]


def test_no_word_repeats_a_password() -> None:
    """A problem can be printed, even when the setting holds a secret."""
    verdict = signing.check_webhook_base("https://u:SECRET@127.0.0.1/SECRET?SECRET", live=True)

    assert "SECRET" not in repr(verdict)


def test_a_person_is_known_again_by_whoever_has_the_key() -> None:
    """And by nobody else."""
    one, other = signing.derive(b"a", "people"), signing.derive(b"b", "people")

    assert signing.person_digest(one, 4711) == signing.person_digest(one, 4711)
    digests = {signing.person_digest(*each) for each in ((one, 4711), (one, 4712), (other, 4711))}
    assert len(digests) == 3
