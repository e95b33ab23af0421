"""`reconcile_shipments`: shipments agree with orders, stock and weights, in whatever order these
become known."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.contracts.inventory import (
    ReservationEvent,
    StockConsumed,
    StockRejected,
    StockReleased,
    StockReserved,
)
from common.contracts.orders import (
    OrderCancelled,
    OrderCancelRequested,
    OrderConfirmed,
    OrderCreated,
    OrderEvent,
    OrderRejected,
    OrderShipped,
)
from common.contracts.shipping import ShipmentEvent
from polder.contracts.event import Event
from polder.testing import arrangements, deliver, published
from polder.testing.outbox import types_of
from shipping_service.models import Shipment
from shipping_service.reconcile import reconcile_shipments
from shipping_service.services import shipment_dispatch
from shipping_service.tests.shipments import assert_told, status_of
from tests.makers import order_event, order_history, reservation_event

HELD = (StockReserved,)


def reservations(order_id: UUID, *kinds: type[ReservationEvent]) -> list[Event]:
    return [
        reservation_event(kind, order_id=order_id, version=version)
        for version, kind in enumerate(kinds, start=1)
    ]


def test_prepared_at_once_with_packages_and_weight(catalogue: None) -> None:
    order = order_event(products={"p1": 2, "p2": 1})

    deliver(order)

    shipment = Shipment.objects.get()
    assert (shipment.status, shipment.weight_grams, shipment.city) == (
        "prepared",
        2 * 1800 + 2100,
        "Lelystad",
    )
    assert shipment.packages[0] == {
        "productId": "p1",
        "quantity": 2,
        "parcels": 1,
        "weightGrams": 3600,
    }
    assert_told(order.data.order_id)


def test_ready_when_the_stock_is_held(catalogue: None) -> None:
    order = order_event()
    deliver(order)

    deliver(reserved := reservation_event(order_id=order.data.order_id))

    assert types_of(published(ShipmentEvent)) == ["ShipmentPrepared", "ShipmentReady"]
    assert published()[-1].causationid == reserved.id


# What each history of an order, its reservation and its product ends in.
STORIES: dict[str, tuple[tuple[type[OrderEvent], ...], tuple[type[ReservationEvent], ...], str]] = {
    "confirmed": ((OrderCreated, OrderConfirmed), HELD, "ready"),
    "rejected": ((OrderCreated, OrderRejected), (StockRejected,), "cancelled"),
    "cancelled": ((OrderCreated, OrderConfirmed, OrderCancelRequested), HELD, "cancelled"),
    "cancelled to the end": (
        (OrderCreated, OrderCancelRequested, OrderCancelled),
        (StockReserved, StockReleased),
        "cancelled",
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_every_order_of_arrival_gives_the_same_end(catalogue: None, story: str) -> None:
    orders, stock, end = STORIES[story]
    for arriving in arrangements(range(len(orders) + len(stock))):
        # Given
        history: list[Event] = [*order_history(*orders)]
        order_id = UUID(history[0].subject)
        history += reservations(order_id, *stock)

        # When they arrive one by one, and all of them once more
        for index in arriving:
            deliver(history[index])
        deliver(*(history[index] for index in reversed(arriving)))

        # Then
        assert status_of(order_id) == end, arriving
        assert_told(order_id)


@given(st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_many_orders_in_any_batches(catalogue: None, data: st.DataObject) -> None:
    # Given orders of every story
    ends: dict[UUID, str] = {}
    events: list[Event] = []
    for orders, stock, end in STORIES.values():
        history = order_history(*orders)
        order_id = UUID(history[0].subject)
        ends[order_id] = end
        events += [*history, *reservations(order_id, *stock)]

    # When their events arrive in any order, twice, in batches of any size
    mixed = data.draw(st.permutations(events + events))
    while mixed:
        size = data.draw(st.integers(1, 8))
        deliver(*mixed[:size])
        mixed = mixed[size:]

    # Then
    for order_id, end in ends.items():
        assert status_of(order_id) == end
        assert_told(order_id)


def test_reconciling_twice_changes_nothing(catalogue: None) -> None:
    order = order_event()
    deliver(order, reservation_event(order_id=order.data.order_id))
    before = len(published())

    with transaction.atomic():
        reconcile_shipments([order.subject])
        reconcile_shipments([order.subject])

    assert len(published()) == before


@pytest.mark.parametrize("kind", [OrderCancelRequested, OrderCancelled, OrderRejected])
def test_what_has_left_stays_so(catalogue: None, kind: type[OrderEvent]) -> None:
    order = order_event()
    deliver(order, reservation_event(order_id=order.data.order_id))
    shipment_dispatch(order_id=order.data.order_id, carrier="PostNL", tracking_number="3S1")

    deliver(order_event(kind, order_id=order.data.order_id, version=5))

    assert status_of(order.data.order_id) == "dispatched"


@pytest.mark.parametrize("kind", [StockRejected, StockReleased, StockConsumed])
def test_only_held_stock_makes_it_ready(catalogue: None, kind: type[ReservationEvent]) -> None:
    order = order_event()

    deliver(order, reservation_event(kind, order_id=order.data.order_id))

    assert status_of(order.data.order_id) == "prepared"


def test_an_order_that_was_shipped_before_it_was_heard_of_opens_what_cannot_leave_again(
    catalogue: None,
) -> None:
    deliver(order_event(OrderShipped, version=4))

    assert Shipment.objects.get().status == "dispatched"
