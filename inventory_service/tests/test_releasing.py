"""What was held is available again, once, when the order needs it no longer."""

from __future__ import annotations

import pytest
from django.utils import timezone

from common.contracts.inventory import ReservationEvent, StockEvent, StockReleased
from common.contracts.orders import (
    OrderCancelled,
    OrderCancelRequested,
    OrderConfirmed,
    OrderCreated,
    OrderEvent,
    OrderRejected,
)
from inventory_service.models import Product
from inventory_service.tests.stocking import assert_conserved, decisions, reserved
from polder.outbox.guard.bypass import unguarded
from polder.testing import arrangements, deliver, published, shuffled
from polder.testing.outbox import types_of
from tests.makers import order_event, order_history

CANCELLED = (OrderCreated, OrderConfirmed, OrderCancelRequested, OrderCancelled)


@pytest.mark.parametrize("end", [OrderCancelled, OrderRejected])
def test_released(shop: None, end: type[OrderEvent]) -> None:
    # Given
    created, ended = order_history(OrderCreated, end, products={"p1": 4, "p2": 1})
    deliver(created)

    # When
    deliver(ended)
    deliver(ended)

    # Then
    assert decisions() == {created.subject: "released"}
    assert reserved() == {"p1": 0, "p2": 0}
    assert types_of(published(ReservationEvent)) == ["StockReserved", "StockReleased"]
    assert_conserved()


def test_released_though_the_product_is_retired(shop: None) -> None:
    # Given
    created, cancelled = order_history(OrderCreated, OrderCancelled, products={"p1": 4})
    deliver(created)
    with unguarded("a product that is retired"):
        Product.objects.update(retired_at=timezone.now())

    # When
    deliver(cancelled)

    # Then
    assert reserved() == {"p1": 0, "p2": 0}


def test_what_is_only_being_cancelled_stays_held(shop: None) -> None:
    deliver(*order_history(*CANCELLED[:1]))
    created = order_history(*CANCELLED[:3])

    for event in created:
        deliver(event)

    assert decisions()[created[0].subject] == "held"
    assert_conserved()


def test_a_cancellation_before_its_order(shop: None) -> None:
    # Given
    created, cancelled = order_history(OrderCreated, OrderCancelled)

    # When
    deliver(cancelled)
    report = deliver(created)

    # Then
    assert str(report) == "1 stale; 1 OrderCreated"
    assert decisions() == {}
    assert published(ReservationEvent) == []


def test_every_order_of_arrival_ends_with_nothing_held(shop: None) -> None:
    for arriving in arrangements(range(4)):
        # Given
        history = order_history(*CANCELLED, products={"p1": 2})

        # When they arrive one by one, and all of them once more
        for version in arriving:
            deliver(history[version])
        deliver(*(history[version] for version in arriving))

        # Then
        assert decisions().get(history[0].subject) in (None, "released")
        assert reserved() == {"p1": 0, "p2": 0}
    assert_conserved()


@pytest.mark.parametrize("seed", range(5))
def test_many_orders_shuffled_and_repeated(shop: None, seed: int) -> None:
    # Given twenty orders, every second one cancelled
    histories = [
        order_history(*(CANCELLED if number % 2 else CANCELLED[:2]), products={"p1": 1, "p2": 1})
        for number in range(20)
    ]
    events = [event for history in histories for event in history] * 3

    # When
    mixed = shuffled(events, seed)
    for start in range(0, len(mixed), 7):
        deliver(*mixed[start : start + 7])

    # Then nothing is held for the cancelled, and what is held fits
    statuses = decisions()
    assert all(
        statuses.get(history[0].subject) in (None, "released", "rejected")
        for history in histories
        if len(history) == 4
    )
    assert list(statuses.values()).count("held") == reserved()["p1"] <= 5
    assert_conserved()


def test_released_and_reserved_in_one_batch(shop: None) -> None:
    # Given all of p2 is held
    first, cancelled = order_history(OrderCreated, OrderCancelled, products={"p2": 5})
    deliver(first)

    # When another order wants it in the batch that brings the cancellation
    another = order_event(products={"p2": 5})
    deliver(cancelled, another)

    # Then what is over makes room first, and the stock is written once
    assert decisions() == {first.subject: "released", another.subject: "held"}
    assert len(published(StockReleased)) == 1
    assert published(StockEvent)[-1].aggregateversion == len(published(StockEvent, subject="p2"))
    assert_conserved()
