"""Cancelling: asked for here, decided by shipping."""

from __future__ import annotations

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from common.contracts.inventory import (
    ReservationEvent,
    StockConsumed,
    StockRejected,
    StockReleased,
    StockReserved,
)
from common.contracts.orders import OrderEvent
from common.contracts.shipping import (
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentEvent,
    ShipmentPrepared,
    ShipmentReady,
)
from order_service.models import Order
from order_service.services import Line, NotCancellable, UnknownOrder, order_cancel
from order_service.tests.test_placing import place
from polder.contracts.event import Event
from polder.testing import deliver, published
from polder.testing.outbox import types_of
from tests.every_order import delivered_in_every_order
from tests.makers import reservation_event, shipment_event


@pytest.fixture
def order_id(catalogue: None) -> UUID:
    return place(Line("p1", 1)).order.pk


def status() -> str:
    return Order.objects.get().status


def told(order_id: UUID) -> list[str]:
    events = published(OrderEvent, subject=order_id)
    assert [event.aggregateversion for event in events] == list(range(1, len(events) + 1))
    assert events[-1].data == Order.objects.get(pk=order_id).public_state()
    return types_of(events)


@pytest.mark.parametrize("confirmed", [False, True])
def test_it_is_asked_for(order_id: UUID, confirmed: bool) -> None:
    if confirmed:
        deliver(reservation_event(order_id=order_id))

    cancelling = order_cancel(order_id=order_id)

    assert (cancelling.order.status, status()) == ("cancelling", "cancelling")
    assert told(order_id)[-1] == "OrderCancelRequested"
    assert published()[-1].id == cancelling.event_id


@pytest.mark.parametrize(
    ("kinds", "now"),
    [
        ([StockRejected], "rejected"),
        ([StockReserved, ShipmentDispatched], "shipped"),
        ([StockReserved, ShipmentDelivered], "delivered"),
    ],
)
def test_what_is_over_or_on_its_way_stays(
    order_id: UUID, kinds: list[type[Event]], now: str
) -> None:
    for kind in kinds:
        if issubclass(kind, ShipmentEvent):
            deliver(shipment_event(kind, order_id=order_id))
        elif issubclass(kind, ReservationEvent):
            deliver(reservation_event(kind, order_id=order_id))
    assert status() == now

    with pytest.raises(NotCancellable, match=f"is {now} and cannot be cancelled") as caught:
        order_cancel(order_id=order_id)

    assert caught.value.status == status() == now


def test_it_is_asked_for_once(order_id: UUID) -> None:
    order_cancel(order_id=order_id)

    with pytest.raises(NotCancellable, match="cancelling"):
        order_cancel(order_id=order_id)


def test_of_an_unknown_order(db: None) -> None:
    with pytest.raises(UnknownOrder):
        order_cancel(order_id=uuid7())


@pytest.mark.parametrize(
    ("kind", "end"), [(ShipmentCancelled, "cancelled"), (ShipmentDispatched, "shipped")]
)
def test_shipping_decides(order_id: UUID, kind: type[Event], end: str) -> None:
    deliver(reservation_event(order_id=order_id))
    order_cancel(order_id=order_id)

    deliver(shipment_event(kind, order_id=order_id, version=3))  # type: ignore[arg-type]

    assert status() == end


def test_what_has_left_before_its_reservation_was_heard_of_is_shipped(order_id: UUID) -> None:
    # Given a dispatch that overtook the reservation
    deliver(shipment_event(ShipmentDispatched, order_id=order_id, version=3))

    # Then its stock was held, and nobody can cancel it any more
    assert told(order_id) == ["OrderCreated", "OrderConfirmed", "OrderShipped"]
    with pytest.raises(NotCancellable):
        order_cancel(order_id=order_id)


def test_a_reservation_does_not_revive_it(order_id: UUID) -> None:
    order_cancel(order_id=order_id)

    deliver(reservation_event(order_id=order_id))
    assert status() == "cancelling"
    deliver(shipment_event(ShipmentCancelled, order_id=order_id))
    deliver(reservation_event(StockReleased, order_id=order_id, version=2))

    assert told(order_id) == ["OrderCreated", "OrderCancelRequested", "OrderCancelled"]


def history(order_id: UUID) -> list[Event]:
    stock = [
        reservation_event(kind, order_id=order_id, version=version)
        for version, kind in enumerate((StockReserved, StockConsumed), start=1)
    ]
    kinds = (ShipmentPrepared, ShipmentReady, ShipmentDispatched, ShipmentDelivered)
    return [
        *stock,
        *(
            shipment_event(kind, order_id=order_id, version=version)
            for version, kind in enumerate(kinds, start=1)
        ),
    ]


def test_every_order_of_arrival_delivers_it(order_id: UUID) -> None:
    orders = 0
    for arrived in delivered_in_every_order(history(order_id)):
        orders += 1
        assert told(order_id) == [
            "OrderCreated",
            "OrderConfirmed",
            "OrderShipped",
            "OrderDelivered",
        ], arrived
    assert orders == 720


def test_the_whole_story_in_one_batch(order_id: UUID) -> None:
    deliver(*history(order_id))

    assert told(order_id) == ["OrderCreated", "OrderConfirmed", "OrderShipped", "OrderDelivered"]
