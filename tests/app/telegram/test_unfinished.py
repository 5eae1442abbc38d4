"""How far the telling of ends has come."""

from app.telegram.unfinished import Progress, Unfinished, key_of
from tests.app.telegram.setting import a_content, an_item, with_buttons


def test_ends_told_in_part_do_not_pile_up() -> None:
    """Of many, the oldest is forgotten; one that was not begun is not kept at all."""
    unfinished, half = Unfinished(2), Progress(items=1)
    keys = [key_of(n, None, a_content()) for n in range(4)]
    for key in keys[:3]:
        unfinished.keep(key, half)
    unfinished.keep(keys[3], Progress())

    assert [unfinished.take(key).items for key in keys] == [0, 1, 1, 0]


def test_copies_that_are_made_meanwhile_make_no_other_end() -> None:
    """What was sent is not sent again because there now is a link, or a button less."""
    item = an_item().change(content_type=None)
    copied = item.change(link="https://ours.test/x", content_type="image/png")

    assert key_of(1, None, with_buttons(item)) == key_of(
        1, None, with_buttons(copied).change(rows=(), rows_text="")
    )
    inline = item.change(url="data:image/png;base64,AA==")
    assert key_of(1, None, a_content(inline)) == key_of(
        1, None, a_content(copied.change(url=copied.link))
    )
    assert key_of(1, None, a_content(item)) != key_of(1, None, a_content(an_item(1)))
