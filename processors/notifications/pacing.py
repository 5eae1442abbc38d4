"""When the bot may send again.

Telegram asks for at most about 30 messages a second in all, 1 a second in a private chat with
short bursts allowed, and 20 a minute in a group (core.telegram.org/bots/faq). An album of n
counts n, and edits count. The exact limits are not told, so a 429 overrides all of this.
"""

from typing import Final, NamedTuple

Sent = tuple[float, ...]
"""When messages went out, or are booked to, in seconds of a counter; sorted."""


class Rate(NamedTuple):
    """At most `most` messages in any `seconds`."""

    most: int
    seconds: float


class Pace(NamedTuple):
    """The limits that one bot keeps."""

    overall: Rate = Rate(30, 1.0)
    private: Rate = Rate(4, 4.0)
    """1 a second in the long run, 4 at once."""
    group: Rate = Rate(20, 60.0)

    def chat(self, chat_id: int) -> Rate:
        """Return the limit for a chat; groups and channels have negative ids."""
        return self.group if chat_id < 0 else self.private


EDITS_SHARE: Final = 2
"""Edits take at most one part in this many of a limit, so that an end finds room."""


def for_edits(rate: Rate) -> Rate:
    """Return the part of a limit that edits may use up."""
    return rate._replace(most=max(rate.most // EDITS_SHARE, 1))


def earliest(sent: Sent, now: float, rate: Rate, n: int = 1) -> float:
    """Return when `n` more messages may go out, `now` at the earliest.

    More than the limit at once may go when nothing else has within its time.
    """
    room = max(rate.most - n, 0)
    if len(sent) <= room:
        return now
    return max(now, sent[-room - 1] + rate.seconds)


def book(sent: Sent, at: float, rate: Rate, n: int = 1) -> Sent:
    """Return the record with `n` messages at `at`, without what no longer matters.

    What is more than the limit is booked later, as if it had been sent in turn.
    """
    booked = [at + rate.seconds * (index // rate.most) for index in range(n)]
    return tuple(sorted([*(each for each in sent if each > at - rate.seconds), *booked]))
