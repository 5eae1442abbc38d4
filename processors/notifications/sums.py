"""What a job with several steps comes to for its person: sums over its steps."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from processors.notifications.texts import Voice, in_credits
from schemas.job import Job, PriceReason

_NOTHING = Decimal(0)


class Sums(NamedTuple):
    """Credits, summed over the steps whose end is known.

    Attributes:
        charged: What was taken and not given back, by the numbers of the steps as people count.
        returned: What was set aside and came back, or was given back later.
        reserved: What is set aside until it is known how a step ended.
        reasons: How the prices came about.
    """

    charged: dict[int, Decimal]
    returned: Decimal
    reserved: Decimal
    reasons: frozenset[str]

    @property
    def total(self) -> Decimal:
        """Return what was taken for all of it."""
        return sum(self.charged.values(), _NOTHING)


def counted(job: Job, number: int) -> int:
    """Return the number of a step as its person counts: from the first order on."""
    return job.first - 1 + number


def sums(job: Job) -> Sums:
    """Return what a job has come to so far."""
    charged = defaultdict[int, Decimal](Decimal)
    returned = reserved = _NOTHING
    reasons = set[str]()
    for step in job.steps:
        outcome = step.outcome
        if outcome is None:
            continue
        if outcome.price is None:
            reserved += step.held
            continue
        back = outcome.refunded or _NOTHING
        taken = outcome.price - back
        if taken:
            charged[counted(job, step.number)] += taken
        returned += step.held - outcome.price + back
        reasons |= {outcome.price_reason} if outcome.price_reason else set()
    return Sums(dict(charged), returned, reserved, frozenset(reasons))


def lines(job: Job, voice: Voice, *, over: bool) -> Iterator[str]:
    """Yield what is to be said of the money, line by line.

    Args:
        job: Whose steps.
        voice: To say it in.
        over: Whether nothing more is made; else it is what was charged so far.
    """
    found = sums(job)
    yield from _taken(job, voice, found, over=over)
    if PriceReason.ESTIMATED in found.reasons:
        yield voice.say(
            "Charged at most the reserved amount, since the cost is not known (estimated)"
        )
    if PriceReason.FREE_LATE in found.reasons:
        yield voice.say("What came so late is free of charge")
    if found.reserved:
        yield voice.say(
            "Reserved until we know: {credits}", credits=in_credits(voice, found.reserved)
        )
    if over and found.returned:
        yield voice.say("Returned: {credits}", credits=in_credits(voice, found.returned))


def numbers(found: Iterable[int]) -> str:
    """Write numbers in order, those that follow one another as a range: ``1-3, 5``."""
    ranges = list[tuple[int, int]]()
    for each in sorted(found):
        if ranges and ranges[-1][1] == each - 1:
            ranges[-1] = (ranges[-1][0], each)
        else:
            ranges.append((each, each))
    return ", ".join(str(one) if one == last else f"{one}-{last}" for one, last in ranges)


def _taken(job: Job, voice: Voice, found: Sums, *, over: bool) -> Iterator[str]:
    credits_ = in_credits(voice, found.total)
    if not found.total:
        if not found.reserved:
            yield voice.say("Not charged")
    elif not over:
        yield voice.say("Charged so far: {credits}", credits=credits_)
    elif len(found.charged) == job.last:
        yield voice.say("Price: {credits}", credits=credits_)
    else:
        yield voice.plural(
            "Charged: {credits} for step {numbers}",
            "Charged: {credits} for steps {numbers}",
            len(found.charged),
            credits=credits_,
            numbers=numbers(found.charged),
        )
