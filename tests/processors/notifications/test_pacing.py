"""When the bot may send again."""

from hypothesis import given
from hypothesis import strategies as st

from processors.notifications import pacing
from processors.notifications.pacing import Pace, Rate, Sent


def test_a_burst_goes_at_once_and_the_next_waits() -> None:
    """As many as the limit allows go now; one more waits for the first to age."""
    rate, sent = Rate(2, 10.0), ()
    sent = pacing.book(sent, 100.0, rate)
    sent = pacing.book(sent, 103.0, rate)

    assert pacing.earliest((), 100.0, rate) == 100.0
    assert pacing.earliest(sent, 104.0, rate) == 110.0
    assert pacing.earliest(sent, 111.0, rate) == 111.0


def test_an_album_counts_as_its_items() -> None:
    """Ten at once, where four are allowed, are paid off like ten in turn."""
    rate = Rate(4, 4.0)
    sent = pacing.book((), 0.0, rate, 10)

    assert pacing.earliest((), 0.0, rate, 10) == 0.0
    assert pacing.earliest(sent, 0.0, rate) == 8.0
    assert pacing.earliest(sent, 9.0, rate, 4) == 12.0


def test_nothing_is_booked_for_nothing() -> None:
    """An album of which the turn has counted the only item adds none."""
    assert pacing.book((1.0,), 1.5, Rate(1, 1.0), 0) == (1.0,)


def test_edits_leave_room() -> None:
    """Edits use up half of a limit at most, and at least one may always go."""
    assert pacing.for_edits(Rate(20, 60.0)) == Rate(10, 60.0)
    assert pacing.for_edits(Rate(1, 1.0)) == Rate(1, 1.0)


def test_groups_have_negative_ids() -> None:
    """A group has a limit of its own."""
    pace = Pace()

    assert pace.chat(4711) is pace.private
    assert pace.chat(-4711) is pace.group


@given(
    st.lists(
        st.tuples(st.floats(0, 20, allow_nan=False), st.integers(1, 4), st.booleans()),
        max_size=40,
    )
)
def test_no_window_ever_holds_more_than_the_limit(asks: list[tuple[float, int, bool]]) -> None:
    """Whoever waits as told never breaks the limit, whatever the load."""
    rate = Rate(4, 7.0)
    now, sent, log = 0.0, Sent(), list[float]()
    for pause, n, editing in asks:
        now += pause
        limit = pacing.for_edits(rate) if editing else rate
        at = pacing.earliest(sent, now, limit, min(n, limit.most))
        sent = pacing.book(sent, at, rate, n)
        log += [at] * n
        now = max(now, at)

    for at in log:
        # A hair less than the window: two times that differ by it, but for rounding, are apart.
        assert sum(at <= other < at + rate.seconds - 1e-6 for other in log) <= rate.most
