"""processors.protocols.data_urls: a file within its address is read, or refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.protocols import data_urls
from processors.protocols.addresses import ForbiddenUrlError


@pytest.mark.parametrize(
    ("url", "content", "content_type"),
    [
        ("data:image/png;base64,iVBORw==", b"\x89PNG", "image/png"),
        ("data:image/png;base64,iVBORw", b"\x89PNG", "image/png"),
        ("data:image/png;base64,iVBORw%3D%3D", b"\x89PNG", "image/png"),
        ("data:text/plain;charset=utf-8; BASE64,aGk=", b"hi", "text/plain"),
        ("data:text/plain,a%20b,c", b"a b,c", "text/plain"),
        ("data:;base64,", b"", None),
        ("data:,", b"", None),
    ],
)
def test_a_file_is_read(url: str, content: bytes, content_type: str | None) -> None:
    """In either encoding, with what it is called."""
    assert data_urls.decoded(url) == (content, content_type)


@pytest.mark.parametrize(
    "url",
    ["", "data:", "data:image/png;base64", "https://h/a,b", "data:;base64,?", "data:;base64,A"],
)
def test_what_holds_no_file_is_refused(url: str) -> None:
    """By the error of an address that is not fetched."""
    with pytest.raises(ForbiddenUrlError):
        data_urls.decoded(url)


@given(st.text())
def test_nothing_else_is_raised(rest: str) -> None:
    """Whatever a peer writes."""
    for head in ("", ";base64", ";base64,"):
        with suppress(ForbiddenUrlError):
            data_urls.decoded(f"data:{head}{rest}")
