"""`reconcile_orders`: orders agree with what inventory decided, whenever and in whatever order they
hear of it."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import transaction
from uuid_utils.compat import uuid7

from common.contracts.inventory import (
    ReservationEvent,
    StockConsumed,
    StockRejected,
    StockReleased,
    StockReserved,
)
from common.contracts.orders import OrderEvent
from order_service.models import Order
from order_service.reconcile import reconcile_orders
from order_service.services import Line
from order_service.tests.test_placing import place
from polder.testing import arrangements, deliver, published
from polder.testing.outbox import types_of
from tests.makers import reservation_event


@pytest.fixture
def order_id(catalogue: None) -> UUID:
    return place(Line("p1", 1)).order.pk


def told(order_id: UUID) -> list[tuple[str, int]]:
    return [
        (event.type, event.aggregateversion) for event in published(OrderEvent, subject=order_id)
    ]


@pytest.mark.parametrize(
    ("kind", "status", "event"),
    [
        (StockReserved, "confirmed", "OrderConfirmed"),
        (StockRejected, "rejected", "OrderRejected"),
        (StockConsumed, "confirmed", "OrderConfirmed"),
    ],
)
def test_an_order_follows_its_reservation(
    order_id: UUID, kind: type[ReservationEvent], status: str, event: str
) -> None:
    # When
    deliver(reservation_event(kind, order_id=order_id))

    # Then
    order = Order.objects.get()
    assert (order.status, order.version) == (status, 2)
    assert told(order_id) == [("OrderCreated", 1), (event, 2)]
    assert published()[-1].data == order.public_state()


def test_the_event_is_caused_by_the_reservation(order_id: UUID) -> None:
    reserved = reservation_event(order_id=order_id)

    deliver(reserved)

    confirmed = published()[-1]
    assert (confirmed.correlationid, confirmed.causationid) == (reserved.correlationid, reserved.id)


def test_reconciling_twice_changes_nothing(order_id: UUID) -> None:
    # Given
    reserved = reservation_event(order_id=order_id)
    deliver(reserved)

    # When
    deliver(reserved, reserved)
    with transaction.atomic():
        reconcile_orders([str(order_id)])
        reconcile_orders([str(order_id)])

    # Then
    assert told(order_id) == [("OrderCreated", 1), ("OrderConfirmed", 2)]


def test_every_order_of_arrival_gives_the_same_end(catalogue: None) -> None:
    for many in (False, True):
        for order_of_arrival in arrangements([1, 2]):
            # Given
            order_id = place(Line("p1", 1)).order.pk
            history = {
                1: reservation_event(order_id=order_id),
                2: reservation_event(StockConsumed, order_id=order_id, version=2),
            }
            arriving = [history[version] for version in order_of_arrival]

            # When
            if many:
                deliver(*arriving, *arriving)
            else:
                for event in arriving:
                    deliver(event)

            # Then
            assert told(order_id) == [("OrderCreated", 1), ("OrderConfirmed", 2)]


def test_what_was_decided_is_not_decided_again(order_id: UUID) -> None:
    # Given
    deliver(reservation_event(StockRejected, order_id=order_id))

    # When inventory, against its own rules, says something else
    deliver(reservation_event(StockReserved, order_id=order_id, version=2))

    # Then
    assert Order.objects.get().status == "rejected"
    assert types_of(published(OrderEvent)) == ["OrderCreated", "OrderRejected"]


def test_a_released_reservation_confirms_nothing(order_id: UUID) -> None:
    deliver(reservation_event(StockReleased, order_id=order_id, version=2))

    assert types_of(published(OrderEvent)) == ["OrderCreated", "OrderCancelRequested"]


def test_a_reservation_before_its_order_waits_for_it(catalogue: None) -> None:
    # Given a reservation of an order that is not there (yet)
    deliver(reservation_event(order_id=uuid7()))

    # Then
    assert published() == []


def test_a_batch_of_many(catalogue: None) -> None:
    # Given
    ids = [place(Line("p1", 1)).order.pk for _ in range(10)]

    # When
    deliver(
        *(
            reservation_event(StockReserved if number % 2 else StockRejected, order_id=key)
            for number, key in enumerate(ids)
        )
    )

    # Then
    assert [Order.objects.get(pk=key).status for key in ids] == ["rejected", "confirmed"] * 5
