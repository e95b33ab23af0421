"""`reconcile_reservations`: every line of an order is held, or the whole order is rejected with its
shortages."""

from __future__ import annotations

from collections import Counter

from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from common.contracts.inventory import ReservationEvent, StockChanged, StockRejected
from common.contracts.orders import OrderCancelRequested, OrderConfirmed
from inventory_service.models import Order, Product, Reservation, Stock
from inventory_service.reconcile import reconcile_reservations
from inventory_service.tests.stocking import assert_conserved, decisions, reserved
from polder.outbox.guard.bypass import unguarded
from polder.testing import deliver, published
from polder.testing.outbox import types_of
from tests.makers import order_event


def test_every_line_is_held(shop: None) -> None:
    # Given
    order = order_event(products={"p1": 10, "p2": 2})

    # When
    deliver(order)

    # Then
    assert decisions() == {order.subject: "held"}
    assert reserved() == {"p1": 10, "p2": 2}
    assert types_of(published()[-3:]) == ["StockReserved", "StockChanged", "StockChanged"]
    assert_conserved()


def test_one_short_line_rejects_them_all(shop: None) -> None:
    # Given a product with too little of it, one that is unknown, and one that is retired
    with unguarded("a product that is retired"):
        Product.objects.filter(pk="p2").update(retired_at=timezone.now())
    order = order_event(products={"p1": 11, "p2": 1, "p3": 1})

    # When
    deliver(order)

    # Then
    (rejected,) = published(StockRejected)
    assert isinstance(rejected, StockRejected)
    assert [
        (short.product_id, short.quantity, short.available) for short in rejected.data.shortages
    ] == [("p1", 11, 10), ("p2", 1, 0), ("p3", 1, 0)]
    assert decisions() == {order.subject: "rejected"}
    assert reserved() == {"p1": 0, "p2": 0}


def test_orders_of_one_batch_share_the_stock_in_the_order_they_were_placed(shop: None) -> None:
    # Given
    orders = [order_event(order_id=uuid7(), products={"p1": quantity}) for quantity in (6, 5, 4)]

    # When they arrive the other way round
    deliver(*reversed(orders))

    # Then the second is short, and the third still fits
    assert [decisions()[order.subject] for order in orders] == ["held", "rejected", "held"]
    (rejected,) = published(StockRejected)
    assert isinstance(rejected, StockRejected)
    assert rejected.data.shortages[0].available == 4
    assert len(published(StockChanged, subject="p1")) == 3, (
        "one per product and transaction: created, received, reserved"
    )
    assert_conserved()


def test_no_oversell_whatever_the_batches(shop: None) -> None:
    for _ in range(4):
        deliver(*(order_event(products={"p1": 3, "p2": 1}) for _ in range(5)))

    assert Counter(decisions().values()) == {"held": 3, "rejected": 17}
    assert reserved() == {"p1": 9, "p2": 3}
    assert_conserved()


def test_reconciling_twice_changes_nothing(shop: None) -> None:
    # Given
    order = order_event(products={"p1": 1})
    deliver(order)
    before = (published(), reserved())

    # When
    deliver(order, order)
    with transaction.atomic():
        reconcile_reservations([order.subject])
        reconcile_reservations([order.subject])

    # Then
    assert (published(), reserved()) == before


def test_a_rejected_order_is_not_tried_again(shop: None) -> None:
    # Given
    order = order_event(products={"p3": 1})
    deliver(order)

    # When
    deliver(
        order_event(OrderConfirmed, order_id=order.data.order_id, version=2, products={"p1": 1})
    )

    # Then
    assert decisions() == {order.subject: "rejected"}
    assert reserved() == {"p1": 0, "p2": 0}


def test_nothing_is_reserved_for_what_is_being_cancelled(shop: None) -> None:
    deliver(order_event(OrderCancelRequested, version=2))

    assert decisions() == {}
    assert published(ReservationEvent) == []


def test_each_event_is_caused_by_its_own_order(shop: None) -> None:
    # Given
    orders = [order_event(products={"p1": 1}) for _ in range(3)]

    # When
    deliver(*orders)

    # Then
    causes = {
        event.subject: (event.correlationid, event.causationid)
        for event in published(ReservationEvent)
    }
    assert causes == {order.subject: (order.correlationid, order.id) for order in orders}


def test_the_copy_of_an_order_holds_no_customer(shop: None) -> None:
    deliver(order_event(products={"p1": 1}))

    row = Order.objects.get()
    assert {field.name for field in row._meta.concrete_fields} == {
        "key",
        "version",
        "content_hash",
        "retired_at",
        "synced_at",
        "event_id",
        "status",
        "products",
    }
    assert row.products == [
        {"productId": "p1", "quantity": 1, "price": {"amount": "9.95", "currency": "EUR"}}
    ]


def test_a_hundred_lines(db: None, shop: None) -> None:
    order = order_event(products={f"p{number}": 1 for number in range(1, 101)})

    deliver(order)

    assert len(Reservation.objects.get().shortages) == 98
    assert Stock.objects.filter(reserved__gt=0).count() == 0
