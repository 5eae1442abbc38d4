"""processors.images.keys: what pictures are called, and who names them."""

from datetime import date
from typing import Final

import pytest
from pydantic import JsonValue

from processors.images import keys
from schemas.base import UserId
from schemas.image import Image

ADA: Final = UserId("a" * 32)
BOB: Final = UserId("b" * 32)
DAY: Final = date(2026, 1, 1)
KEY: Final = keys.key_of(b"a picture", "image/png", owner=ADA, day=DAY)


def test_a_key_follows_from_owner_day_and_content() -> None:
    """The same of all three is the same key; anything else is another."""
    assert keys.is_key(KEY)
    assert keys.key_of(b"a picture", "image/png", owner=ADA, day=DAY) == KEY
    others = {
        keys.key_of(b"another", "image/png", owner=ADA, day=DAY),
        keys.key_of(b"a picture", "image/png", owner=BOB, day=DAY),
        keys.key_of(b"a picture", "image/png", owner=None, day=DAY),
        keys.key_of(b"a picture", "image/png", owner=ADA, day=date(2026, 1, 2)),
        keys.key_of(b"a picture", "image/jpeg", owner=ADA, day=DAY),
    }
    assert len(others | {KEY}) == 6
    assert all(keys.is_key(each) for each in others)


def test_all_pictures_of_a_person_begin_alike() -> None:
    """So that they can be found again, and nobody else's with them."""
    assert KEY.startswith(keys.owned(ADA))
    assert not KEY.startswith(keys.owned(BOB))
    assert not KEY.startswith(keys.owned(None))


@pytest.mark.parametrize(
    "value",
    [
        "media:inputs/../outputs/a.png",
        f"media:{KEY}x",
        f"media:outputs/{'a' * 32}/1-0a1b2c3d-../../x.png",
        f"media:outputs/{'a' * 32}/x.png",
        "media:outputs/readme.txt",
        f"media:{KEY}\n",
        f"media:inputs/{'A' * 32}.png",
        f"media:inputs/{'a' * 32}.svg",
        f"media:inputs/{'a' * 31}.png",
        f"https://example.com/{KEY}",
        KEY,
        "",
        7,
        None,
        True,
    ],
)
def test_anything_else_names_no_picture(value: JsonValue) -> None:
    """Only the very form that we give out does."""
    assert keys.key_in(value) is None


def test_pictures_are_found_and_replaced_wherever_they_stand() -> None:
    """Each once, in lists as well; the rest stays as it is."""
    other = keys.key_of(b"another", "image/jpeg", owner=None, day=DAY)
    value = Image(key=KEY, content_type="image/png", width=1, height=1, size=9).value
    inputs: dict[str, JsonValue] = {
        "photo": value,
        "more": [f"media:{other}", 1, [value]],
        "prompt": f"in words: {value}",
        "steps": 20,
    }

    assert keys.keys_in(inputs) == (KEY, other)
    assert keys.replaced(inputs, {KEY: "https://a", other: "https://b"}) == {
        "photo": "https://a",
        "more": ["https://b", 1, ["https://a"]],
        "prompt": f"in words: {value}",
        "steps": 20,
    }
    assert keys.keys_in({"prompt": "nothing"}) == ()


def test_copies_of_outputs_are_files_of_ours_that_nobody_gives() -> None:
    """They are found and replaced like pictures; what people give names none of them."""
    copy = f"outputs/{'a' * 32}/12-0a1b2c3d-out.v2"

    assert keys.is_copy(copy)
    assert not keys.is_key(copy)
    assert keys.key_in(f"media:{copy}") == copy
    assert keys.given_in(f"media:{copy}") is None
    assert keys.given_in(f"media:{KEY}") == KEY
    assert keys.keys_in({"photos": [f"media:{copy}", f"media:{KEY}"]}) == (copy, KEY)


@pytest.mark.parametrize(
    ("key", "content_type", "name"),
    [
        (f"inputs/{'a' * 32}.png", "image/png", f"{'a' * 32}.png"),
        (f"outputs/{'a' * 32}/1-0a1b2c3d-out", "image/webp", f"{'a' * 32}-1-0a1b2c3d-out.webp"),
        (f"outputs/{'a' * 32}/1-0a1b2c3d-out.jpg", None, f"{'a' * 32}-1-0a1b2c3d-out.jpg"),
        (f"outputs/{'a' * 32}/1-0a1b2c3d-out", None, f"{'a' * 32}-1-0a1b2c3d-out"),
    ],
)
def test_a_file_has_one_name_for_engines(key: str, content_type: str | None, name: str) -> None:
    """No other file of ours has it; it ends with what the file is, where that is known."""
    assert keys.name_of(key, content_type) == name
