"""One bad event is parked and stops nothing."""

from __future__ import annotations

from collections.abc import Callable

from polder.inbox.judging import ALIKE, HOLD_SECONDS, HOLD_TRIES
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.inbox.waiting import halts, waiting_now
from polder.reconcile.reconciler import Reconcile
from polder.testing import deliver
from tests.library.judging.failing import bad, live, make_older, products
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
