"""One bad event is parked and stops nothing."""

from __future__ import annotations

from collections.abc import Callable

from polder.inbox.judging import ALIKE, HOLD_SECONDS, HOLD_TRIES
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.inbox.waiting import halts, waiting_now
from polder.reconcile.reconciler import Reconcile
from polder.testing import deliver
from tests.library.judging.failing import bad, live, make_older, products, try_until_decided
from tests.makers import product_event


def test_one_bad_event_is_parked_quickly_and_stops_nothing(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    # Given
    reconcile_with(bad)
    poison = product_event(product_id="bad")

    # When it comes with others
    held = live(poison, *products(40))

    # Then they are applied at once
    assert held is not None
    assert (held.undecided, held.locked) == ([0], [])
    assert LedgerEntry.objects.filter(outcome="applied").count() == 40

    # And it is parked after a few tries, because its like succeeds
    for _ in range(HOLD_TRIES - 2):
        assert live(poison, product_event(product_id="another")) is not None
    assert live(poison) is None
    assert ParkedEvent.objects.get().subject == "bad"
    assert waiting_now() == []
    assert live(poison) is None  # a duplicate


def test_many_events_of_one_bad_aggregate_stop_nothing(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    """Also when they are all that came."""
    reconcile_with(bad)

    held = live(*(product_event(product_id="bad", version=one) for one in range(1, 41)))

    assert held is not None
    assert len(held.undecided) == 40
    assert halts() == []


def test_a_bad_event_that_is_all_there_is_waits_a_little_longer(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(bad)
    poison = product_event(product_id="bad")

    for _ in range(HOLD_TRIES + 3):
        assert live(poison) is not None
    make_older(HOLD_SECONDS)

    assert live(poison) is None
    assert ParkedEvent.objects.count() == 1


def test_many_bad_ones_among_more_good_ones_are_parked(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(bad)

    report = deliver(*products(4 * ALIKE), *products(2 * ALIKE, "bad"))

    assert report.outcomes == {
        ("inventory", "applied"): 4 * ALIKE,
        ("inventory", "parked"): 2 * ALIKE,
    }
    assert halts() == []


def test_no_clock_that_was_set_back_keeps_one_waiting_or_halts(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(bad)
    for one in range(ALIKE - 1):
        try_until_decided(product_event(product_id=f"bad{one}"))
    poison = product_event(product_id="bad")
    live(*products(40))
    assert live(poison) is not None
    a_day_back()

    # however many are applied since
    assert live(poison, *products(40, prefix="q")) is not None
    assert halts() == []

    live(poison)
    make_older(HOLD_SECONDS)
    assert live(poison) is None
    assert ParkedEvent.objects.filter(subject="bad").exists()


def a_day_back() -> None:
    """As if all that is on record had happened a day later."""
    make_older(-86_400)
