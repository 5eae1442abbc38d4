"""How far the telling of ends has come."""

from app.telegram.unfinished import Progress, Unfinished
from tests.app.telegram.setting import a_content


def test_ends_told_in_part_do_not_pile_up() -> None:
    """Of many, the oldest is forgotten; one that was not begun is not kept at all."""
    unfinished, half = Unfinished(2), Progress(items=1)
    keys = [(n, None, a_content()) for n in range(4)]
    for key in keys[:3]:
        unfinished.keep(key, half)
    unfinished.keep(keys[3], Progress())

    assert [unfinished.take(key).items for key in keys] == [0, 1, 1, 0]
