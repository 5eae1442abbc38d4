"""The forms in which outputs are sent."""

import pytest

from app.telegram import media
from app.telegram.media import Form
from processors.notifications import Item
from schemas.run import OutputKind


def an_item(kind: OutputKind = OutputKind.IMAGE, name: str | None = "a.png", **fields: str) -> Item:
    """An output."""
    fields.setdefault("url", "https://cdn.test/x")
    return Item(kind=kind, filename=name, output_id="o", **fields)


@pytest.mark.parametrize(
    ("kind", "name", "form"),
    [
        (OutputKind.IMAGE, "a.PNG", Form.PHOTO),
        (OutputKind.IMAGE, None, Form.PHOTO),
        (OutputKind.IMAGE, "a.gif", Form.ANIMATION),
        (OutputKind.IMAGE, "a.avif", Form.DOCUMENT),
        (OutputKind.VIDEO, "a.mp4", Form.VIDEO),
        (OutputKind.AUDIO, "a.mp3", Form.AUDIO),
        (OutputKind.TEXT, "a.txt", Form.DOCUMENT),
        (OutputKind.MODEL, "a.glb", Form.DOCUMENT),
        (OutputKind.FILE, "a.zip", Form.DOCUMENT),
    ],
)
def test_form_of(kind: OutputKind, name: str | None, form: Form) -> None:
    """The richest form that Telegram has for a kind of file."""
    assert form is media.form_of(an_item(kind, name))
    assert media.forms(an_item(kind, name))[-1] is Form.DOCUMENT


def test_the_extension_of_an_unnamed_file_is_in_its_url() -> None:
    """A query is no part of it."""
    item = an_item(OutputKind.FILE, None, url="https://cdn.test/x/y.ZIP?sig=a.b")

    assert media.extension_of(item) == "zip"
    assert media.name_of(item) == "file.zip"


def test_a_file_without_any_name_gets_one() -> None:
    """An upload needs a name."""
    assert media.name_of(an_item(OutputKind.FILE, None)) == "file.bin"
    assert media.name_of(an_item(OutputKind.FILE, "b.c")) == "b.c"


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://cdn.test/x.png", True),
        ("https://8.8.8.8/x.png", True),
        ("http://cdn.test/x.png", False),
        ("https://localhost/x.png", False),
        ("https://nas.local/x.png", False),
        ("https://127.0.0.1/x.png", False),
        ("https://[::ffff:7f00:1]/x.png", False),
        ("https://[bad/x.png", False),
        ("https:///x.png", False),
        ("ftp://cdn.test/x.png", False),
    ],
)
def test_is_public(url: str, *, public: bool) -> None:
    """Telegram is only sent to where it can get."""
    assert public == media.is_public(url)


@pytest.mark.parametrize(
    ("name", "form", "allow_private", "expected"),
    [
        ("a.png", Form.PHOTO, False, False),
        ("a.png", Form.PHOTO, True, True),
        ("a.png", Form.DOCUMENT, True, False),
        ("a.pdf", Form.DOCUMENT, True, True),
    ],
)
def test_by_url(name: str, form: Form, *, allow_private: bool, expected: bool) -> None:
    """Documents go by URL only as gif, pdf or zip; private addresses only to a local Bot API."""
    item = an_item(name=name, url=f"http://127.0.0.1/{name}")

    assert expected == media.by_url(item, form, allow_private=allow_private)


def test_a_text_has_no_url() -> None:
    """What stands in the record is not fetched."""
    item = Item(kind=OutputKind.IMAGE, output_id="o", text="t")

    assert not media.by_url(item, Form.PHOTO, allow_private=True)
    within = an_item(url="data:image/png;base64,AAAA")
    assert not media.by_url(within, Form.PHOTO, allow_private=True)


def test_parts() -> None:
    """Neighbouring photos and videos share albums of at most ten; all others go alone."""
    picture, clip = an_item(), an_item(OutputKind.VIDEO, "a.mp4")
    song = an_item(OutputKind.AUDIO, "a.mp3")

    assert [
        len(part.items) for part in media.parts([*[picture] * 10, clip, song, song, clip, picture])
    ] == [10, 1, 1, 1, 2]
    assert list(media.parts([])) == []
