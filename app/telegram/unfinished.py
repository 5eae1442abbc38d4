"""How far the telling of ends has come, where it did not reach the end."""

from dataclasses import dataclass, field

from processors.notifications import Content, Item
from schemas.run import DATA


@dataclass(slots=True)
class Progress:
    """How far the telling of one end has come, so that trying again repeats nothing.

    Attributes:
        items: How many outputs have been sent.
        captioned: Whether the words have been.
        delivered: Whether any file has been, itself and not as a link.
        buttoned: Whether the buttons have been.
        singly_until: Outputs before this one go without an album.
        refused: Forms of what is under way that Telegram has refused.
    """

    items: int = 0
    captioned: bool = False
    delivered: bool = False
    buttoned: bool = False
    singly_until: int = 0
    refused: set[str] = field(default_factory=set[str])


Key = tuple[int, int | None, Content]
"""Chat, message replied to, and what is told there."""


def key_of(chat_id: int, reply_to: int | None, content: Content) -> Key:
    """Return what an end is remembered by.

    That copies are made meanwhile makes it no other end: links to them, what they were seen to
    be, and whether one can be asked for, are left out.
    """
    items = tuple(
        item.change(url=_address(item), link=None, content_type=None) for item in content.items
    )
    return chat_id, reply_to, content.change(items=items, rows=(), rows_text="")


class Unfinished:
    """Ends told in part, the newest of many: after a restart one is told from its beginning."""

    def __init__(self, most: int = 1000) -> None:
        """Remember at most so many."""
        self._most = most
        self._known: dict[Key, Progress] = {}

    def take(self, key: Key) -> Progress:
        """Return how far an end has come, to be kept again if it does not reach its end."""
        return self._known.pop(key, Progress())

    def keep(self, key: Key, progress: Progress) -> None:
        """Remember an end that was told in part; one not begun is not worth it."""
        if progress == Progress():
            return
        self._known[key] = progress
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]


def _address(item: Item) -> str | None:
    """Return where an output is; None of one that came within its address, copied or not."""
    inline = item.url is None or item.url.startswith(DATA) or item.url == item.link
    return None if inline else item.url
