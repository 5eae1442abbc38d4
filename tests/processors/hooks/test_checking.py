"""processors.hooks.checking: what an endpoint may be."""

import pytest

from processors import hooks
from processors.hooks import HookProblem
from schemas.hook import HookEvent
from tests.builders import HOOK_SECRET


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://example.com/", "must begin with https:// or http://"),
        ("nonsense", "must begin with"),
        ("https://", "names no host"),
        ("https://*.example.com/", "names no host"),
        ("https://[::1/", "is not a URL"),
        ("https://example.com:99999/", "names a port"),
        ("https://ada:word@example.com/", "must not hold a user"),
        ("https://example.com/ x", "is not a URL"),
        ("https://127.0.0.1/", "leads to a private address"),
        ("https://[::1]/", "leads to a private address"),
        ("https://169.254.169.254/latest", "leads to a private address"),
        ("https://localhost/", "leads to a private address"),
        ("https://printer.local/", "leads to a private address"),
        ("https://example.com/" + "x" * 2048, "takes at most 2048 characters"),
    ],
)
def test_a_url_that_cannot_be_sent_to_is_refused(url: str, problem: str) -> None:
    """In words that name the field and what is wrong."""
    with pytest.raises(HookProblem, match=problem) as refused:
        hooks.check_url(url, allow_private=False)

    assert refused.value.field == "url"
    assert str(refused.value).startswith("url: ")


def test_a_url_that_can_be_sent_to_is_taken_apart() -> None:
    """Private addresses where they are allowed."""
    target = hooks.check_url("https://Hooks.example.com/a?b=c", allow_private=False)
    assert (target.host, target.port, target.path_and_query) == ("hooks.example.com", 443, "/a?b=c")
    assert hooks.check_url("http://127.0.0.1:5678/x", allow_private=True).port == 5678
    assert hooks.check_url("http://localhost:5678/x", allow_private=True).host == "localhost"
    assert hooks.host_of("https://hooks.example.com/secret") == "hooks.example.com"
    assert hooks.host_of("nonsense") == ""


def test_events_are_named_as_they_are() -> None:
    """Each counts once; none means the usual ones; another name is refused."""
    both = ["job.completed", "generation.failed", "job.completed"]
    assert hooks.check_events(both, ()) == (HookEvent.JOB, HookEvent.FAILED)
    assert hooks.check_events([], hooks.ENDS) == hooks.ENDS
    with pytest.raises(HookProblem, match=r"must be of generation\.started, ") as refused:
        hooks.check_events(["generation.completd"], ())
    assert refused.value.field == "events"


@pytest.mark.parametrize(
    "secret", ["secret", "whsec_", "whsec_!!", "whsec_YWJj", "whsec_" + "A" * 200]
)
def test_a_secret_that_cannot_sign_is_refused(secret: str) -> None:
    """Without a word of it in what is said."""
    with pytest.raises(HookProblem) as refused:
        hooks.check_secret(secret)

    assert refused.value.field == "secret"
    assert "each of them" not in str(refused.value)
    assert hooks.check_secret(HOOK_SECRET) == HOOK_SECRET
