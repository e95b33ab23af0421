"""What left the building is taken from the stock, once, whatever else is said about its order."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.contracts.inventory import ReservationEvent, StockEvent
from common.contracts.orders import (
    OrderCancelled,
    OrderCancelRequested,
    OrderConfirmed,
    OrderCreated,
    OrderRejected,
    OrderShipped,
)
from common.contracts.shipping import (
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentEvent,
    ShipmentPrepared,
    ShipmentReady,
)
from inventory_service.models import Movement, Stock
from inventory_service.tests.stocking import assert_conserved, decisions, reserved
from polder.contracts.event import Event
from polder.testing import arrangements, deliver, published
from polder.testing.outbox import types_of
from tests.makers import order_event, order_history, shipment_event

LIFE = (ShipmentPrepared, ShipmentReady, ShipmentDispatched, ShipmentDelivered)


def shipments(order_id: UUID, *kinds: type[ShipmentEvent]) -> list[Event]:
    return [
        shipment_event(kind, order_id=order_id, version=version)
        for version, kind in enumerate(kinds, start=1)
    ]


def on_hand() -> dict[str, int]:
    return dict(Stock.objects.values_list("pk", "on_hand"))


@pytest.mark.parametrize("kind", [ShipmentDispatched, ShipmentDelivered])
def test_consumed(shop: None, kind: type[ShipmentEvent]) -> None:
    # Given
    order = order_event(products={"p1": 4, "p2": 1})
    deliver(order)

    # When
    deliver(gone := shipment_event(kind, order_id=order.data.order_id))
    deliver(shipment_event(ShipmentDelivered, order_id=order.data.order_id, version=9))

    # Then
    assert decisions() == {order.subject: "consumed"}
    assert (on_hand(), reserved()) == ({"p1": 6, "p2": 4}, {"p1": 0, "p2": 0})
    moved = Movement.objects.filter(cause=order.data.order_id, kind="consume").order_by(
        "product_id"
    )
    assert [(row.product_id, row.on_hand, row.reserved) for row in moved] == [
        ("p1", -4, -4),
        ("p2", -1, -1),
    ]
    assert types_of(published(ReservationEvent)) == ["StockReserved", "StockConsumed"]
    assert published(ReservationEvent)[-1].causationid == gone.id
    assert_conserved()


@pytest.mark.parametrize("over", [OrderCancelled, OrderRejected])
def test_what_left_is_not_released(shop: None, over: type[OrderCancelled]) -> None:
    order = order_event(products={"p1": 4})
    deliver(order)

    deliver(
        order_event(over, order_id=order.data.order_id, version=5),
        shipment_event(ShipmentDispatched, order_id=order.data.order_id),
    )

    assert decisions() == {order.subject: "consumed"}
    assert_conserved()


def test_every_order_of_arrival_consumes_it(shop: None) -> None:
    for number, arriving in enumerate(arrangements(range(4))):
        # Given one of p1 for each, as long as there are some
        order_id = UUID(int=(1 << 76) * 7 + (2 << 62) + number)
        first = order_event(OrderCreated, order_id=order_id)
        deliver(first)
        held = decisions()[first.subject] == "held"
        events = [
            order_event(OrderConfirmed, order_id=order_id, version=2),
            order_event(OrderShipped, order_id=order_id, version=3),
            *shipments(order_id, ShipmentReady, ShipmentDispatched),
        ]

        # When
        for index in arriving:
            deliver(events[index])

        # Then
        assert decisions()[first.subject] == ("consumed" if held else "rejected")
    assert on_hand()["p1"] == 0
    assert_conserved()


def test_decided_consumed_and_released_in_one_batch(shop: None) -> None:
    # Given all of p2 is held, by two orders
    leaving, over = order_event(products={"p2": 2}), order_event(products={"p2": 3})
    deliver(leaving, over)
    before = len(published(StockEvent, subject="p2"))

    # When one leaves, the other is cancelled, and a third wants what that makes free
    third = order_event(products={"p2": 3})
    deliver(
        shipment_event(ShipmentDispatched, order_id=leaving.data.order_id),
        order_event(OrderCancelled, order_id=over.data.order_id, version=2),
        third,
    )

    # Then the stock is written once, and says whose doing it was
    assert decisions() == {
        leaving.subject: "consumed",
        over.subject: "released",
        third.subject: "held",
    }
    changed = published(StockEvent, subject="p2")
    assert len(changed) == before + 1
    assert changed[-1].correlationid in {
        reservation.correlationid for reservation in published(ReservationEvent)[-3:]
    }
    assert_conserved()


ENDINGS: dict[str, tuple[tuple[type[Event], ...], tuple[type[ShipmentEvent], ...]]] = {
    "sent": ((OrderCreated, OrderConfirmed, OrderShipped), LIFE),
    "cancelled": (
        (OrderCreated, OrderConfirmed, OrderCancelRequested, OrderCancelled),
        (ShipmentPrepared, ShipmentCancelled),
    ),
    "lost to a dispatch": ((OrderCreated, OrderCancelRequested, OrderShipped), LIFE[:3]),
}


@given(st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_histories_in_any_batches(shop: None, data: st.DataObject) -> None:
    # Given orders that were all seen, and what became of them
    events: list[Event] = []
    for orders, sent in ENDINGS.values():
        history = order_history(*orders, products={"p1": 1, "p2": 1})  # type: ignore[arg-type]
        deliver(history[0])
        events += [*history, *shipments(UUID(history[0].subject), *sent)]

    # When it arrives in any order, twice, in batches of any size
    mixed = data.draw(st.permutations(events + events))
    while mixed:
        size = data.draw(st.integers(1, 9))
        deliver(*mixed[:size])
        mixed = mixed[size:]

    # Then
    assert "held" not in decisions().values()
    assert_conserved()
