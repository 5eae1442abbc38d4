"""The orders that the benchmarks send, and how their answers are judged."""

from datetime import timedelta

import pytest

from benchmarks import commands, fleet, orders, people, report
from benchmarks.fleet import Answer
from benchmarks.orders import Load, Ordered
from processors import presets
from tests.builders import NOON


def answered(person: int, *statuses: int) -> list[Ordered]:
    """A person's orders, by what they were answered."""
    return [Ordered(person, "", Answer(status, 0, 0, 0)) for status in statuses]


def test_every_hundredth_person_orders_twice_with_credits_for_one() -> None:
    """Everybody else orders once, and has more than it takes."""
    load, turns = Load("steady", 200, None, 1), orders.orders(200)

    assert len(turns) == 202
    assert [turns.count(each) for each in (0, 98, 99, 199)] == [1, 1, 2, 2]
    assert load.credits()[99] == people.PRICE < load.credits()[0]


def test_an_answer_is_wrong_where_it_is_not_what_it_must_be() -> None:
    """Of two orders with credits for one, one makes a job and the other is refused."""
    assert orders.wrong(answered(0, 201)) == 0
    assert orders.wrong(answered(0, 402)) == 1
    assert orders.wrong(answered(99, 402, 201)) == 0
    assert orders.wrong(answered(99, 201, 201)) == 1
    assert orders.wrong(answered(99, 402, 402)) == 1
    assert orders.wrong(answered(1, fleet.BROKEN) + answered(2, 503)) == 2


def test_a_wait_is_from_an_order_to_its_run() -> None:
    """By two clocks that are read at one moment; an order without a run has none."""
    begun = {"a": NOON + timedelta(milliseconds=250)}
    waits = commands.waits({"a": 100.0, "b": 100.0}, begun, NOON + timedelta(seconds=1), 101.0)

    assert waits == [pytest.approx(250)]


def test_what_is_ordered_can_be_ordered() -> None:
    """The preset takes the words alone, and tells the stand-in how its run shall be."""
    filled = presets.fill(people.preset(NOON, 1.0), {"prompt": "order 17"})

    assert filled["prompt"] == "order 17"
    assert filled["sandbox_seconds"] == 1.0


def test_a_command_is_a_message_to_the_bot() -> None:
    """Each person writes the preset's command with words of their own."""
    assert commands.act(17, commands.words(17)) == {
        "act": "write",
        "user": {"id": commands.FIRST_ID + 17, "first_name": "Ada", "language_code": "en"},
        "text": "/t2i from the bot 17",
    }


def test_a_spread_is_told_by_what_was_measured() -> None:
    """Its median, the 99th of a hundred and the most are values that occurred."""
    assert report.spread([float(each) for each in range(100)]) == {
        "p50": 50.0,
        "p99": 99.0,
        "most": 99.0,
    }
    assert report.spread([]) == {}
