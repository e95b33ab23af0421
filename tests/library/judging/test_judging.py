"""Failing alike is judged across batches and aggregates: a bug halts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

import polder.consumer.tasks  # noqa: F401  (it adds the pool's time limit to the faults)
from polder.inbox import redrive as redriving
from polder.inbox.batch import apply_batch
from polder.inbox.batch_errors import ConsumerHalted
from polder.inbox.judging import ALIKE, HOLD_SECONDS, HOLD_TRIES
from polder.inbox.models import DeliveryCount, Halt, LedgerEntry, ParkedEvent, WaitingEvent
from polder.inbox.report import Manner
from polder.inbox.waiting import end_halts, halts, note_halt, parked_before, waiting_now
from polder.reconcile.reconciler import Reconcile
from polder.seams.celery import SoftTimeLimitExceeded
from polder.testing import deliver, delivery_of
from tests.library.judging.failing import (
    a_bug,
    bad,
    live,
    make_older,
    nothing_is_parked,
    products,
    try_until_decided,
)
from tests.makers import product_event, stock_event


@pytest.mark.parametrize("number", [ALIKE, 30, 500])
def test_a_bug_halts_a_batch_though_its_error_names_the_key(
    db: None, reconcile_with: Callable[[Reconcile], None], number: int
) -> None:
    reconcile_with(a_bug)

    with pytest.raises(ConsumerHalted, match="alike") as halted:
        live(*products(number))

    assert nothing_is_parked()
    assert not LedgerEntry.objects.exists()
    assert halted.value.positions
    [halt] = halts()
    assert "KeyError in judging/failing.py:a_bug (ProductCreated)" in halt.signature
    assert waiting_now()[0].number >= ALIKE


def test_innocent_ones_among_them_hide_nothing(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(a_bug)

    with pytest.raises(ConsumerHalted):
        live(*products(99), *(stock_event(product_id=f"p{one}") for one in range(99)))

    assert nothing_is_parked()


def test_by_ones_and_twos(db: None, reconcile_with: Callable[[Reconcile], None]) -> None:
    """One event now and then, each alone in its batch, others succeed meanwhile."""
    # Given a bug
    reconcile_with(a_bug)

    # When it hits a handful
    for one in range(ALIKE - 1):
        deliver(stock_event(product_id=f"s{one}"))
        try_until_decided(product_event(product_id=f"p{one}"))
    last = product_event(product_id="last")
    with pytest.raises(ConsumerHalted):
        live(last)

    # Then all is halted, and that holds
    assert end_halts() == set(), "it is not fixed"
    with pytest.raises(ConsumerHalted):
        live(last)
    assert ParkedEvent.objects.count() == ALIKE - 1

    # And the few that were parked come back when it is fixed
    reconcile_with(lambda keys: None)
    report = apply_batch([delivery_of(last)], manner=Manner(hold_back=True, retried=True))
    assert set(parked_before(report.ended)) == set(ParkedEvent.objects.values_list("pk", flat=True))
    assert not Halt.objects.exists()


def test_bringing_back_ends_with_the_process_and_with_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[int] = []
    monkeypatch.setattr(redriving, "parked_before", lambda ended: [1, 2])

    def fails_by(error: Exception) -> None:
        def fails(parked: int) -> None:
            tried.append(parked)
            raise error

        monkeypatch.setattr(redriving, "redrive", fails)
        redriving.bring_back({"so"})

    fails_by(ParkedEvent.DoesNotExist())
    assert tried == [1, 2]
    with pytest.raises(SoftTimeLimitExceeded):
        fails_by(SoftTimeLimitExceeded())
    assert tried == [1, 2, 1]


def test_without_holding_back_it_halts_as_soon(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(a_bug)

    for event in products(ALIKE - 1):
        assert deliver(event).outcomes == {("inventory", "parked"): 1}
    with pytest.raises(ConsumerHalted):
        deliver(product_event(product_id="another"))

    assert ParkedEvent.objects.count() == ALIKE - 1


def test_a_halt_holds_whoever_tries(db: None, reconcile_with: Callable[[Reconcile], None]) -> None:
    """A restart, a return by the broker: the same messages in other batches, alone and together, in
    other processes."""
    reconcile_with(a_bug)
    events = products(ALIKE)
    with pytest.raises(ConsumerHalted):
        live(*events)

    for event in events * (HOLD_TRIES + 2):
        make_older(HOLD_SECONDS)
        with pytest.raises(ConsumerHalted):
            live(event)

    assert nothing_is_parked()


def test_a_halt_for_what_was_bad_after_all_ends_by_itself(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    # Given five bad ones in a row, at a quiet hour
    reconcile_with(bad)
    poison = products(ALIKE, "bad")
    with pytest.raises(ConsumerHalted):
        live(*poison)

    # When others like them prove to be fine
    assert live(*products(ALIKE + 1)) is None

    # Then the bad ones are judged anew
    assert live(*poison) is not None
    for _ in range(HOLD_TRIES):
        live(*poison)
    assert ParkedEvent.objects.count() == ALIKE


def test_what_failed_and_was_mended_is_no_evidence(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    # Given
    reconcile_with(a_bug)
    for event in products(ALIKE - 1):
        live(event)

    # When it was fixed, all was applied, and another one fails
    reconcile_with(bad)
    assert live(*products(ALIKE - 1)) is None or LedgerEntry.objects.count() == ALIKE - 1
    held = live(product_event(product_id="bad"))

    # Then
    assert held is not None
    assert halts() == []


@pytest.mark.parametrize(
    "old",
    ['"dataschema":"inventory/ProductCreated/1"', '"type":"ProductCreated"'],
    ids=["a newer version", "an unknown type"],
)
def test_a_publisher_that_is_ahead(db: None, old: str) -> None:
    """Only such: halt. Among others: parked, until the code knows them."""
    new = old.replace("/1", "/9").replace('"type":"ProductCreated"', '"type":"ProductRenamed"')
    ahead = [event.encode().replace(old, new).encode() for event in products(30)]

    with pytest.raises(ConsumerHalted):
        deliver(*ahead)
    assert nothing_is_parked()

    outcomes = deliver(*ahead, *(stock_event(product_id=f"p{one}") for one in range(30))).outcomes
    assert outcomes == {("inventory", "unreadable"): 30, ("inventory", "applied"): 30}


def test_what_waited_and_is_applied_waits_no_more(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(bad)
    poison = product_event(product_id="bad")
    live(poison)
    assert WaitingEvent.objects.count() == 1

    reconcile_with(lambda keys: None)
    apply_batch([delivery_of(poison)], manner=Manner(hold_back=True, retried=True))

    assert not WaitingEvent.objects.exists()


def test_what_a_worker_said_that_is_gone_is_over_when_others_apply_events(db: None) -> None:
    """It was stopped while it had halted, and no other worker probes."""
    note_halt("an old worker", "it does not know a column")
    deliver(product_event(product_id="p1"))
    assert halts(), "it may say so again"

    Halt.objects.update(last_at=Now() - timedelta(minutes=6))
    DeliveryCount.objects.update(last_at=Now() - timedelta(minutes=7))
    assert halts(), "nothing was applied since"

    deliver(product_event(product_id="p2"))
    assert halts() == []
