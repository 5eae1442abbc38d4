"""processors.debts: what was decided will be done, and a lost claim changes nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import debts
from processors.debts import Owed
from schemas.base import InstanceName
from schemas.debt import OUTWARD, Debt, DebtKind
from tests.builders import (
    HERE,
    NOON,
    TIMING,
    a_debt,
    a_generation,
    a_taker,
    later,
)

KEYS = [kind.value for kind in DebtKind]
ASK, CANCEL, NOTIFY, SUBMIT = "ask", "cancel", "notify", "submit"
THERE = InstanceName("there")
INWARD = sorted(frozenset(DebtKind) - OUTWARD)


def failed(owed: Owed, key: str, n: int, *, now: datetime = NOON, jitter: float = 0.5) -> Owed:
    """What is owed after a try under claim `n` failed."""
    return debts.fail(owed, key, n, error="no answer", now=now, jitter=jitter, timing=TIMING)


def the(owed: Owed, key: str) -> Debt:
    """The debt of this key, which must be there."""
    debt = debts.find(owed, key)
    assert debt is not None
    return debt


owings = st.builds(
    a_debt,
    st.sampled_from(KEYS),
    n=st.integers(1, 3),
    attempts=st.integers(0, 3),
    next_at=st.sampled_from([later(-5), NOON, later(5)]),
    by=st.sampled_from([None, HERE, THERE]),
    dead_at=st.sampled_from([None, NOON]),
)
owed_sets = st.lists(owings, max_size=6, unique_by=lambda debt: debt.key).map(tuple)

Step = Callable[[Owed, str, int], Owed]
UNDER_A_CLAIM: dict[str, Step] = {
    "acknowledge": debts.acknowledge,
    "postpone": lambda owed, key, n: debts.postpone(owed, key, n, later(9)),
    "fail": failed,
    "bury": lambda owed, key, n: debts.bury(owed, key, n, error="blocked", now=NOON),
    "again": lambda owed, key, n: debts.again(owed, key, n, later(9), rounds=0),
}
"""What may only be done under a claim that still holds."""
OTHERWISE: dict[str, Step] = {
    "owe": lambda owed, key, _: debts.owe(owed, a_debt(key)),
    "owe and take": lambda owed, key, _: debts.owe(owed, a_debt(key), taker=a_taker(*DebtKind)),
    "claim": lambda owed, key, _: debts.claim(owed, key, a_taker()),
    "release": lambda owed, _key, _n: debts.release(owed, HERE, NOON),
    "forget": lambda owed, key, _: debts.forget(owed, [DebtKind(key)]),
    "put off": lambda owed, key, _: debts.put_off(
        owed, frozenset({DebtKind(key)}), NOON, later(9), "nobody"
    ),
    "bring forward": lambda owed, _key, _n: debts.bring_forward(owed, NOON, "nobody"),
    "replay": lambda owed, key, _: debts.replay(owed, key, NOON),
}


ANY = UNDER_A_CLAIM | OTHERWISE


@given(owed_sets, st.sampled_from(sorted(ANY)), st.sampled_from(KEYS), st.integers(1, 4))
def test_a_key_is_owed_at_most_once(owed: Owed, step: str, key: str, n: int) -> None:
    """Whatever is done; and what another key owes stays as it is, claims of the gone aside."""
    after = ANY[step](owed, key, n)

    assert len({debt.key for debt in after}) == len(after)
    if step not in {"release", "bring forward"}:
        assert [d for d in after if d.key != key] == [d for d in owed if d.key != key]


@pytest.mark.parametrize("step", sorted(UNDER_A_CLAIM))
@given(owed=owed_sets, key=st.sampled_from(KEYS), n=st.integers(0, 9))
def test_case_42_a_lost_claim_changes_nothing(step: str, owed: Owed, key: str, n: int) -> None:
    """A worker that slept through its claim cannot take off, put off or count what others hold."""
    debt = debts.find(owed, key)
    if debt is None or debt.n != n:
        assert UNDER_A_CLAIM[step](owed, key, n) == owed


@pytest.mark.parametrize("step", sorted(UNDER_A_CLAIM))
def test_a_claim_that_holds_is_given_up_by_its_use(step: str) -> None:
    """Done, put off, failed or buried: nobody holds it afterwards."""
    owed = debts.claim((a_debt(),), NOTIFY, a_taker())
    after = UNDER_A_CLAIM[step](owed, NOTIFY, 2)

    assert after != owed
    assert all(debt.by is None for debt in after)


@given(owed_sets, st.sampled_from(KEYS), st.booleans())
def test_owing_again_revives(owed: Owed, key: str, take: bool) -> None:  # noqa: FBT001 - drawn
    """`n` rises over any claim; tries, death, error and claim are forgotten; about is replaced."""
    again = a_debt(
        key, about="the newest", next_at=later(7), n=99, attempts=9, by=THERE, target="5"
    )
    taker = a_taker(DebtKind(key)) if take else a_taker()
    known = debts.find(owed, key)
    debt = the(debts.owe(owed, again, taker=taker), key)

    assert debt.n == (known.n + 1 if known else 1)
    assert (debt.about, debt.target, debt.attempts, debt.dead_at) == ("the newest", "5", 0, None)
    assert debt.last_error is None
    assert (debt.by, debt.next_at) == ((HERE, taker.until) if take else (None, later(7)))


def test_owing_without_a_taker_is_free_for_all() -> None:
    """Nobody holds what nobody took."""
    assert debts.owe((), a_debt(by=THERE)) == (a_debt(n=1),)


def test_a_claim_raises_n_and_keeps_others_off() -> None:
    """Until it runs out it is not due; then whoever finds it claims it anew."""
    owed = debts.claim((a_debt(n=4),), NOTIFY, a_taker())
    kinds = frozenset(DebtKind)

    debt = the(owed, NOTIFY)
    assert (debt.n, debt.by, debt.next_at) == (5, HERE, NOON + TIMING.lease)
    assert debts.held(owed, NOTIFY, 5)
    assert not debts.held(owed, NOTIFY, 4)
    assert debts.due(owed, NOON, kinds) == ()
    assert debts.due(owed, NOON + TIMING.lease, kinds) == owed

    again = debts.claim(owed, NOTIFY, a_taker(by=THERE))
    assert not debts.held(again, NOTIFY, 5)
    assert debts.acknowledge(again, NOTIFY, 5) == again
    assert debts.acknowledge(again, NOTIFY, 6) == ()


def test_what_is_not_owed_is_not_held() -> None:
    """Neither one that is gone nor one that was given up."""
    assert not debts.held((), NOTIFY, 1)
    assert not debts.held((a_debt(dead_at=NOON),), NOTIFY, 1)


def test_the_dead_are_found() -> None:
    """They stay to be seen."""
    assert debts.find((a_debt(dead_at=NOON),), NOTIFY) == a_debt(dead_at=NOON)
    assert debts.find((a_debt(),), ASK) is None


@given(owed_sets)
def test_due_at_is_the_first_of_the_living(owed: Owed) -> None:
    """Absent when none lives; written together with the debts."""
    living = [debt.next_at for debt in owed if debt.dead_at is None]
    record = debts.put(a_generation(), owed)

    assert record.owed == owed
    assert record.due_at == debts.due_at(owed) == (min(living) if living else None)


@given(owed_sets, st.sets(st.sampled_from(sorted(DebtKind))))
def test_due_is_what_lives_and_whose_time_has_come(owed: Owed, kinds: set[DebtKind]) -> None:
    """To the moment, and of the kinds that are asked for."""
    due = debts.due(owed, NOON, frozenset(kinds))

    for debt in owed:
        wanted = debt.kind in kinds and debt.dead_at is None and debt.next_at <= NOON
        assert (debt in due) == wanted


def test_postponing_counts_no_try() -> None:
    """It was not the debt's own fault; why is kept to be seen."""
    owed = debts.claim((a_debt(attempts=2),), NOTIFY, a_taker())
    (debt,) = debts.postpone(owed, NOTIFY, 2, later(9), "the peer is down")

    assert debt == a_debt(n=2, attempts=2, next_at=later(9), last_error="the peer is down")


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_failing_counts_and_waits(jitter: float) -> None:
    """The wait is that of the try that failed, spread by the draw."""
    owed = debts.claim((a_debt(attempts=2),), NOTIFY, a_taker())
    (debt,) = failed(owed, NOTIFY, 2, jitter=jitter)

    wait = later(30 * (0.8 + 0.4 * jitter))
    assert debt == a_debt(n=2, attempts=3, next_at=wait, last_error="no answer")


def lived(kind: DebtKind, tries: int) -> list[Debt]:
    """A debt of this kind after each of so many failed tries, until it dies."""
    owed: Owed = (a_debt(kind.value),)
    now, seen = NOON, list[Debt]()
    for _ in range(tries):
        owed = failed(owed, kind.value, 1, now=now)
        (debt,) = owed
        seen.append(debt)
        if debt.dead_at is not None:
            break
        now = debt.next_at
    return seen


@pytest.mark.parametrize("kind", sorted(OUTWARD))
def test_an_outward_debt_dies_after_a_day(kind: DebtKind) -> None:
    """Tried to the end of 24 hours of waits, it is given up and seen no more as due."""
    *before, last = lived(kind, 99)

    assert all(debt.dead_at is None for debt in before)
    assert before[-2].next_at - NOON < timedelta(hours=24) <= before[-1].next_at - NOON
    assert last.dead_at == before[-1].next_at
    assert (last.by, last.attempts, last.last_error) == (None, 11, "no answer")
    assert debts.due_at((last,)) is None


def test_the_last_try_is_at_the_end_of_the_day() -> None:
    """Waits that add up to the limit exactly are enough."""
    halves = TIMING.change(retry=(timedelta(hours=12),))

    for attempts, dies in ((1, False), (2, True)):
        owed = (a_debt(attempts=attempts),)
        (debt,) = debts.fail(owed, NOTIFY, 1, error="", now=NOON, jitter=0.5, timing=halves)
        assert (debt.dead_at is not None) == dies


@pytest.mark.parametrize("kind", INWARD)
def test_an_inward_debt_never_dies(kind: DebtKind) -> None:
    """After its first waits it goes on hourly."""
    seen = lived(kind, 60)
    moments = [NOON, *(debt.next_at for debt in seen)]
    waits = [(moments[n + 1] - moments[n]).total_seconds() for n in range(60)]

    assert all(debt.dead_at is None for debt in seen)
    assert waits[:6] == [1, 5, 30, 120, 600, 3600]
    assert set(waits[6:]) == {3600}


def test_the_buried_stay_to_be_seen() -> None:
    """With their error and the try that it was; they want no attention."""
    owed = debts.claim((a_debt(),), NOTIFY, a_taker())
    (debt,) = debts.bury(owed, NOTIFY, 2, error="blocked", now=later(1))

    assert (debt.dead_at, debt.attempts, debt.last_error, debt.by) == (
        later(1),
        1,
        "blocked",
        None,
    )
    assert debts.due((debt,), later(9999), frozenset(DebtKind)) == ()


def test_the_replayed_live_again() -> None:
    """Due now, with their tries forgotten; a claim from before their death is lost."""
    dead = a_debt(n=3, attempts=9, dead_at=NOON, last_error="blocked")
    (debt,) = debts.replay((dead,), NOTIFY, later(5))

    assert debt == a_debt(n=4, next_at=later(5))


def test_the_next_round_is_about_nothing() -> None:
    """What it was about is done with; its rounds are those that are given."""
    owed = debts.claim((a_debt(ASK, about="run-1"),), ASK, a_taker())
    (debt,) = debts.again(owed, ASK, 2, later(60), rounds=4)

    assert debt == a_debt(ASK, n=2, attempts=4, next_at=later(60))


def test_the_claims_of_the_gone_end_at_once() -> None:
    """Others' claims, and what nobody holds, stay as they are."""
    mine = a_debt(ASK, by=HERE, next_at=later(75))
    theirs = a_debt(CANCEL, by=THERE, next_at=later(75))
    free = a_debt(NOTIFY, next_at=later(9))

    assert debts.release((mine, theirs, free), HERE, later(1)) == (
        a_debt(ASK, next_at=later(1)),
        theirs,
        free,
    )


def test_what_nobody_is_there_for_is_put_off_without_a_try() -> None:
    """What is due of these kinds; a claim that has run out is lost, one that holds is not."""
    ran_out = a_debt(NOTIFY, by=THERE, attempts=2)
    held = a_debt("show", by=THERE, next_at=later(75))
    kinds = frozenset({DebtKind.NOTIFY, DebtKind.SHOW})
    owed = debts.put_off((ran_out, held, a_debt(ASK)), kinds, NOON, later(9), "nobody")

    put_off = a_debt(NOTIFY, n=2, attempts=2, next_at=later(9), last_error="nobody")
    assert owed == (put_off, held, a_debt(ASK))
    assert not debts.held(owed, NOTIFY, 1)


def test_what_was_put_off_for_this_reason_is_brought_forward() -> None:
    """And nothing else: neither the dead nor what waits for its next try."""
    put_off = a_debt(NOTIFY, n=2, attempts=2, next_at=later(9), last_error="nobody")
    others = (
        a_debt(ASK, next_at=later(9), last_error="no answer"),
        a_debt(CANCEL, next_at=later(9), last_error="nobody", by=THERE),
        a_debt(SUBMIT, next_at=later(9), last_error="nobody", dead_at=NOON),
    )

    assert debts.bring_forward((put_off, *others), NOON, "nobody") == (
        a_debt(NOTIFY, n=2, attempts=2),
        *others,
    )


def test_what_lost_its_reason_is_dropped() -> None:
    """By kind."""
    owed = (a_debt(ASK), a_debt(SUBMIT), a_debt(NOTIFY))

    assert debts.forget(owed, [DebtKind.ASK, DebtKind.NOTIFY]) == (a_debt(SUBMIT),)
    assert debts.forget(owed, []) == owed


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((), (a_debt(ASK),), True),
        ((), (), False),
        ((), (a_debt(ASK, next_at=later(1)),), False),
        ((), (a_debt(ASK, by=HERE),), False),
        ((), (a_debt(ASK, dead_at=NOON),), False),
        ((a_debt(ASK),), (a_debt(ASK),), False),
        ((a_debt(ASK),), (a_debt(ASK, n=2),), True),
        ((a_debt(ASK),), (a_debt(ASK), a_debt(NOTIFY)), True),
        ((a_debt(ASK, by=HERE, next_at=later(9)),), (a_debt(ASK),), True),
        ((a_debt(ASK, next_at=later(9)),), (a_debt(ASK),), True),
    ],
)
def test_what_is_due_and_unclaimed_is_offered_once(
    before: Owed, after: Owed, *, expected: bool
) -> None:
    """By the write that owes it, gives it back or brings it forward, and by no other."""
    assert debts.offered(before, after, NOON) is expected


def test_what_is_owed_anew_is_above_every_claim_there_ever_was() -> None:
    """Whoever holds a claim of a debt that was dropped meanwhile holds nothing of the new one."""
    again = debts.owe((), a_debt(), above=7)
    more = debts.owe(again, a_debt(), above=3)

    assert (again[0].n, more[0].n) == (8, 9)
