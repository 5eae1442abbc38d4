"""One line for one fact, and no secret in any of them."""

import json
import logging
from io import StringIO
from typing import Any

import pytest
import structlog

from app.observability import logs

BOT = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
KEY = 'a"key\\with-odd+letters'


def log() -> Any:  # noqa: ANN401 - structlog's loggers are untyped
    """Return a logger as the app's modules have it."""
    return structlog.get_logger()


def lines(stream: StringIO) -> list[dict[str, Any]]:
    """Return what was logged as JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_for_machines_is_one_object() -> None:
    """Time, level, event and fields, with the generation and the run that it is about."""
    stream = StringIO()
    logs.configure("info", "json", stream)
    with logs.about("gen-1", "run-1"):
        log().info("submitted", tries=2)
    with logs.about("gen-2"):
        log().warning("slow")

    first, second = lines(stream)
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "generation": "gen-1",
        "run": "run-1",
        "event": "submitted",
        "level": "info",
        "tries": 2,
    }
    assert second["generation"] == "gen-2"
    assert "run" not in second


def test_a_line_for_people_has_no_colours_where_nobody_looks() -> None:
    """Into a file go plain letters, one line for one fact."""
    stream = StringIO()
    logs.configure("info", "console", stream)
    log().info("submitted", engine="comfydeploy")

    (line,) = stream.getvalue().splitlines()
    assert "\x1b" not in line
    assert "submitted" in line
    assert "engine=comfydeploy" in line


def test_less_than_the_level_is_not_logged() -> None:
    """At `warning`, neither our own info lines nor a library's are written."""
    stream = StringIO()
    logs.configure("warning", "json", stream)
    log().info("quiet")
    logging.getLogger("some.library").info("quiet")
    log().error("loud")

    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_libraries_log_through_us() -> None:
    """A library's line has our form, its logger's name, and the generation it was about."""
    stream = StringIO()
    logs.configure("info", "json", stream)
    with logs.about("gen-1"):
        logging.getLogger("some.library").warning("said %s", "this")

    (line,) = lines(stream)
    assert line["event"] == "said this"
    assert line["logger"] == "some.library"
    assert line["generation"] == "gen-1"


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "uvicorn.access", "aiogram.event"])
def test_libraries_that_print_urls_are_off(name: str) -> None:
    """Even at `debug`, what prints URLs with tokens in them says nothing below a warning."""
    stream = StringIO()
    logs.configure("debug", "json", stream)
    logging.getLogger(name).info("GET https://example.com/?token=abc")

    assert stream.getvalue() == ""


def test_configuring_again_replaces_what_was() -> None:
    """After a second time each line is written once, to the new place."""
    first, second = StringIO(), StringIO()
    logs.configure("info", "json", first)
    logs.configure("info", "json", second)
    logging.getLogger("some.library").warning("once")

    assert first.getvalue() == ""
    assert len(lines(second)) == 1


@pytest.mark.parametrize("fmt", ["json", "console"])
def test_case_53_no_secret_is_ever_printed(fmt: Any) -> None:  # noqa: ANN401 - one of two words
    """As a field, inside another, in a message, in exceptions and in their causes: never."""
    stream = StringIO()
    logs.configure("debug", fmt, stream)
    secrets = ("hunter2-the-key", "hunter2-the-key-of-another", KEY, "mongodb://u:pw@db/")
    for secret in secrets:
        logs.keep_secret(secret)
    for secret in (*secrets, BOT):
        log().info(f"message {secret}", field=secret, nested={"in": [secret], secret: 1})
        logging.getLogger("some.library").warning("said %s", secret)
        logging.getLogger("some.library").error("%r", {"headers": secret})
        try:
            _fail(secret)
        except RuntimeError:
            log().exception("failed", why=secret)
            logging.getLogger("some.library").exception("failed")

    printed = stream.getvalue()
    assert [secret for secret in secrets if secret in printed] == []
    assert [secret for secret in secrets if json.dumps(secret)[1:-1] in printed] == []
    assert BOT.partition(":")[2] not in printed
    assert "hunter2" not in printed
    assert logs.HIDDEN in printed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"https://api.telegram.org/bot{BOT}/sendPhoto", "bot123456789:***/sendPhoto"),
        ("/api/webhook/x?generation=1&token=3.abc-_ HTTP", "generation=1&token=*** HTTP"),
        ("'?token=3.abc-_'", "'?token=***'"),
        ("Authorization: Bearer abc.def", "Bearer ***"),
        ("{'authorization': 'bearer abc'}", "'bearer ***'"),
        ("https://s3/x.png?X-Amz-Signature=abc&x=1", "X-Amz-Signature=***&x=1"),
        ("mongodb://user:pass@db.example.com/", "mongodb://***@db.example.com/"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, shown: str) -> None:
    """Tokens that nobody registered are known by their form."""
    assert logs.scrub(text).endswith(shown) or shown in logs.scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T12:00:00.000Z",
        '{"generation":"0194200000007000800000000000abcd","run":"7f3c2b1a-5d4e-4c6f-9a8b-0e1d2c3b4a59"}',
        "http://127.0.0.1:8000/api/generations/0194200000007000800000000000abcd",
        "a bearer",
        "me@example.com",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    """Ids, times and addresses are not taken for secrets."""
    assert logs.scrub(text) == text


def test_short_words_are_no_secrets() -> None:
    """A sandbox's key of three letters would hide half of the log."""
    logs.keep_secret("the")

    assert logs.scrub("the end") == "the end"


def test_what_moves_a_cursor_is_not_printed() -> None:
    """A stranger's text cannot clear the screen, break a line or fake another one."""
    stream = StringIO()
    logs.configure("info", "console", stream)
    log().info("failed", why="\x1b[2Jbad\nfake line\r")
    try:
        _fail("\x1b[2J")
    except RuntimeError:
        log().exception("failed")

    assert "\x1b" not in stream.getvalue()
    assert "fake line" in stream.getvalue().splitlines()[0]
    assert len(stream.getvalue().splitlines()) > 5


def test_json_takes_what_it_has_no_form_for() -> None:
    """A field of any type is written as text, never an error of the log's own."""
    stream = StringIO()
    logs.configure("info", "json", stream)
    log().info("odd", field={1: object}, more=NotADirectoryError("x"))

    (line,) = lines(stream)
    assert line["more"] == "x"


def _fail(secret: str) -> None:
    """Raise an error whose text, and whose cause's text, holds `secret`."""
    message = f"because of {secret}"
    raise RuntimeError(message) from ValueError(secret)
