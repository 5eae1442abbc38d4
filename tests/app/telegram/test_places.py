"""Places in one chat's line."""

from datetime import timedelta

from app.telegram.places import HELD, NEXT, PLACES_KEPT, SOON, Places

WAIT = timedelta(seconds=30)


def test_a_place_is_not_kept_for_ever() -> None:
    """One that does not come back in time holds nobody up."""
    places = Places()
    places.keep("older", 100.0, WAIT)
    over = 100.0 + (WAIT + HELD).total_seconds()

    assert places.until == over
    assert places.ahead("newer", 100.0) == WAIT + NEXT
    assert places.ahead("newer", over - 1) == NEXT
    assert places.ahead("newer", over) is None
    assert places.until == 0.0


def test_one_that_fails_again_keeps_its_place() -> None:
    """It is not put behind those that waited for it."""
    places = Places()
    places.keep("older", 100.0, None)
    places.keep("newer", 100.0, SOON + NEXT)
    places.keep("older", 110.0, None)

    assert places.ahead("older", 110.0) is None
    assert places.ahead("newer", 110.0) == SOON + NEXT


def test_the_places_of_a_chat_have_a_bound() -> None:
    """Who comes beyond it has none, and waits all the same."""
    places = Places()
    for number in range(PLACES_KEPT + 1):
        places.keep(str(number), 100.0, WAIT)
    for number in range(PLACES_KEPT):
        assert places.ahead(str(PLACES_KEPT), 100.0) == WAIT + NEXT
        places.give_up(str(number))

    assert places.ahead(str(PLACES_KEPT), 100.0) is None
    assert places.until == 0.0
